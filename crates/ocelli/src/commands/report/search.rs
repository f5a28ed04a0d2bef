//! A search as a page: what every trial was worth, and which networks are on the front.

use anyhow::Context;
use ocelli::report::{Cell, LinePlot, Page, Series, Table};
use ocelli::train::read_text;
use ocelli::train::recipe::LARGEST_FILE;
use std::path::Path;

use super::sheet::{Row, Sheet};
use crate::failure::BadInput;
use crate::output::{grouped, millions, percent};

const SHEET: &str = "trials.csv";
const RECIPE: &str = "search.toml";

/// The page of the search in `folder`.
pub(super) fn page(folder: &Path) -> anyhow::Result<Page> {
    let path = folder.join(SHEET);
    if !path.exists() {
        let hint = format!("`ocelli search --resume {}` goes on and writes it", folder.display());
        let message = format!("{}: the search has not ended and has no table", path.display());
        return Err(BadInput::new(message).hint(hint).into());
    }
    let sheet = Sheet::read(&path)?;
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    let mut page = Page::new(&name, "a search for a network");
    page.headlines(&headlines(&sheet));
    page.section("Reward");
    page.figure(&rewards(&sheet).to_svg()?);
    if let Some(plot) = front(&sheet) {
        page.section("Front");
        page.figure(&plot.to_svg()?);
        page.paragraph(
            "The trials that no other surpasses in accuracy, time and parameters at once.",
        );
    }
    page.section("Trials").table(&table(&sheet));
    let recipe = folder.join(RECIPE);
    let text = read_text(&recipe, LARGEST_FILE).with_context(|| recipe.display().to_string())?;
    page.section("Recipe").code(&text);
    Ok(page)
}

fn headlines(sheet: &Sheet) -> Vec<(String, String)> {
    let failed = sheet.rows().filter(|row| row.text("status") == "failed").count() as u64;
    let mut headlines =
        vec![("trials", grouped(sheet.rows().count() as u64)), ("failed", grouped(failed))];
    for (role, heading) in [("winner", "top-1 of the winner"), ("backbone", "of the backbone")] {
        let row = sheet.rows().find(|row| row.text("role") == role);
        if let Some(accuracy) = row.and_then(|row| row.number("accuracy")) {
            headlines.push((heading, percent(accuracy)));
        }
    }
    headlines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The reward of each trial, and of the best until then.
fn rewards(sheet: &Sheet) -> LinePlot {
    let each: Vec<(f64, f64)> = sheet
        .rows()
        .filter_map(|row| Some((row.number("trial")?, row.number("reward")?)))
        .collect();
    let mut highest = f64::NEG_INFINITY;
    let best = each.iter().map(|&(trial, reward)| {
        highest = highest.max(reward);
        (trial, highest)
    });
    let best = Series { name: "best so far".to_owned(), points: best.collect() };
    LinePlot {
        title: "Reward".to_owned(),
        x_label: "trial".to_owned(),
        y_label: "reward".to_owned(),
        series: vec![best, Series { name: "of the trial".to_owned(), points: each }],
        marks: Vec::new(),
    }
}

/// Accuracy against the time of a step, of the trials on the front; `None` where there is none.
fn front(sheet: &Sheet) -> Option<LinePlot> {
    let is_on_front = |row: &Row<'_>| matches!(row.text("role"), "front" | "winner");
    let point = |row: Row<'_>| Some((row.number("step_ms")?, row.number("accuracy")?));
    let mut points: Vec<(f64, f64)> = sheet.rows().filter(is_on_front).filter_map(point).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    (!points.is_empty()).then(|| LinePlot {
        title: "Accuracy and time".to_owned(),
        x_label: "training step, ms".to_owned(),
        y_label: "top-1".to_owned(),
        series: vec![Series { name: "front".to_owned(), points }],
        marks: Vec::new(),
    })
}

fn table(sheet: &Sheet) -> Table {
    let head = [
        "trial",
        "role",
        "reward",
        "top-1",
        "step ms",
        "× backbone",
        "params",
        "MACs",
        "network",
        "",
    ];
    let row = |row: Row<'_>| {
        let real = |head, digits: usize| {
            Cell::Number(row.number(head).map(|it| format!("{it:.digits$}")).unwrap_or_default())
        };
        let count = |head| Cell::Number(row.count(head).map(millions).unwrap_or_default());
        let text = |head| Cell::Text(row.text(head).to_owned());
        vec![
            Cell::Number(row.text("trial").to_owned()),
            text("role"),
            real("reward", 4),
            Cell::Number(row.number("accuracy").map(percent).unwrap_or_default()),
            real("step_ms", 2),
            real("step_ratio", 2),
            count("params"),
            count("macs"),
            text("network"),
            text("reason"),
        ]
    };
    Table { head: head.map(str::to_owned).into(), rows: sheet.rows().map(row).collect() }
}
