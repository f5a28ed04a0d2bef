//! Rates and comparisons as rows, for the terminal and for the page.

use ocelli::methods::one_pixel::{FewestPixels, Group, Kind, Summary};
use ocelli::report::{self, Cell};

use crate::output::{Align, Table, grouped, percent};

/// The heads and rows of a table; the second column is words, all others are numbers.
pub(super) struct Rows {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// So many pixels, in words.
pub(super) fn in_words(pixels: usize) -> String {
    if pixels == 1 { "1 pixel".to_owned() } else { format!("{pixels} pixels") }
}

impl Rows {
    /// For the terminal.
    pub(super) fn text(&self) -> Table {
        let align = |column| if column == 1 { Align::Left } else { Align::Right };
        let heads = self.heads.iter().enumerate();
        let mut table = Table::new(heads.map(|(column, head)| (*head, align(column))));
        self.rows.iter().for_each(|row| table.row(row.clone()));
        table
    }

    /// For the page.
    pub(super) fn page(&self) -> report::Table {
        let cell = |(column, text): (usize, &String)| match column {
            1 => Cell::Text(text.clone()),
            _ => Cell::Number(text.clone()),
        };
        report::Table {
            head: self.heads.iter().map(|head| (*head).to_owned()).collect(),
            rows: self.rows.iter().map(|row| row.iter().enumerate().map(cell).collect()).collect(),
        }
    }
}

/// Rates and costs.
pub(super) fn rates(summary: &Summary) -> Rows {
    let row = |group: &Group| {
        vec![
            group.pixels.to_string(),
            group.kind.to_string(),
            grouped(group.attempts),
            grouped(group.successes),
            percent(group.success_rate),
            optional(group.mean_confidence, percent),
            whole(group.mean_evaluations),
            format!("{:.1}", group.mean_generations),
            optional(group.mean_distortion, |distortion| format!("{distortion:.0}")),
        ]
    };
    Rows {
        heads: vec![
            "pixels",
            "attack",
            "attempts",
            "succeeded",
            "rate",
            "confidence",
            "evaluations",
            "generations",
            "distortion",
        ],
        rows: summary.groups.iter().map(row).collect(),
    }
}

/// How few pixels are enough, if several numbers were tried.
pub(super) fn fewest_pixels(summary: &Summary) -> Option<Rows> {
    let rows = |fewest: &FewestPixels| -> Vec<Vec<String>> {
        let cases = fewest.failures + fewest.counts.iter().map(|(_, count)| count).sum::<u64>();
        let row = |pixels: String, count: u64| {
            let share = count as f64 / cases.max(1) as f64;
            vec![pixels, fewest.kind.to_string(), grouped(count), percent(share)]
        };
        let found = fewest.counts.iter().map(|(pixels, count)| row(pixels.to_string(), *count));
        found.chain([row("none".to_owned(), fewest.failures)]).collect()
    };
    let rows: Vec<Vec<String>> = summary.fewest_pixels.iter().flat_map(rows).collect();
    let heads = vec!["fewest pixels", "attack", "cases", "share"];
    (!rows.is_empty()).then_some(Rows { heads, rows })
}

/// Random search beside evolution, if it was tried; `tries` is how often the paper's tries.
pub(super) fn against_random(summary: &Summary, tries: u64) -> Option<Rows> {
    let equal = summary.groups.iter().filter_map(|group| {
        let random = group.random.as_ref()?;
        Some(vec![
            group.pixels.to_string(),
            format!("{}, equal evaluations", group.kind),
            percent(random.success_rate),
            optional(random.mean_confidence, percent),
            grouped(random.only_evolution),
            grouped(random.only_random),
            format!("{:.2e}", random.p_value),
        ])
    });
    let paper = summary.random_tries.iter().map(|rate| {
        let (pixels, words) = (rate.pixels.to_string(), format!("untargeted, {tries} tries"));
        let confidence = optional(rate.mean_confidence, percent);
        let mut row = vec![pixels, words, percent(rate.success_rate), confidence];
        row.extend([String::new(), String::new(), String::new()]);
        row
    });
    let rows: Vec<Vec<String>> = equal.chain(paper).collect();
    let heads = vec![
        "pixels",
        "random search",
        "rate",
        "confidence",
        "evolution alone",
        "random alone",
        "p",
    ];
    (!rows.is_empty()).then_some(Rows { heads, rows })
}

/// Other attacks beside those that aim at no class, if there were any.
pub(super) fn against_rivals(summary: &Summary, image_pixels: usize) -> Option<Rows> {
    let own = summary.groups.iter().filter(|group| group.kind != Kind::Targeted).map(|group| {
        vec![
            format!("{:.1}", group.pixels as f64),
            group.kind.to_string(),
            percent(group.success_rate),
            optional(group.mean_confidence, percent),
            percent(group.pixels as f64 / image_pixels as f64),
            optional(group.mean_distortion, |distortion| format!("{distortion:.0}")),
            whole(group.mean_evaluations),
            whole(0.0),
        ]
    });
    let rivals = summary.rivals.iter().map(|rate| {
        vec![
            optional(rate.mean_changed_pixels, |pixels| format!("{pixels:.1}")),
            rate.attack.to_string(),
            percent(rate.success_rate),
            optional(rate.mean_confidence, percent),
            optional(rate.changed_share, percent),
            optional(rate.mean_distortion, |distortion| format!("{distortion:.0}")),
            whole(rate.mean_evaluations),
            whole(rate.mean_gradients),
        ]
    });
    let heads = vec![
        "pixels",
        "attack",
        "rate",
        "confidence",
        "of image",
        "distortion",
        "evaluations",
        "gradients",
    ];
    (!summary.rivals.is_empty()).then(|| Rows { heads, rows: own.chain(rivals).collect() })
}

/// A mean that is told without decimals.
fn whole(mean: f64) -> String {
    grouped(mean.round() as u64)
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or("-".to_owned(), show)
}
