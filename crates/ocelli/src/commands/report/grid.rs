//! A grid as a page: what every run reached, and the curves of all of them together.

use ocelli::report::{Cell, LinePlot, Page, Series, Table};
use ocelli::train::{MetricsLog, RunFolder};
use std::path::{Path, PathBuf};

use super::sheet::{Row, Sheet};
use crate::output::{grouped, percent};

/// The table that a grid writes.
pub(super) const SHEET: &str = "grid.csv";

/// What stands before the fields that the grid varies; older tables have no commit.
const CIRCUMSTANCES: [&str; 4] = ["date", "machine", "command", "commit"];

/// With more curves than this, none can be told from another.
const MOST_CURVES: usize = 18;

/// What curves there are: title, unit, name in `metrics.jsonl`.
const FIGURES: [(&str, &str, &str); 3] = [
    ("Accuracy", "top-1 in evaluation", "eval/top1"),
    ("Loss in evaluation", "cross-entropy", "eval/loss"),
    ("Loss in training", "cross-entropy", "train/loss"),
];

/// One run of the grid that has begun.
struct Run {
    name: String,
    best: f64,
    metrics: Vec<ocelli::train::Row>,
}

/// The page of the grid in `folder`.
pub(super) fn page(folder: &Path) -> anyhow::Result<Page> {
    let sheet = Sheet::read(&folder.join(SHEET))?;
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    let keys = keys(&sheet);
    let command = sheet.rows().next().map_or("", |row| row.text("command"));
    let mut page = Page::new(&name, &format!("a grid of {}", keys.join(", ")));
    page.headlines(&headlines(&sheet, &keys));
    page.section("Runs").table(&table(&sheet, &keys));
    let mut runs: Vec<Run> = sheet.rows().filter_map(|row| run(folder, row)).collect();
    let all = runs.len();
    if all > MOST_CURVES {
        runs.sort_by(|one, other| other.best.total_cmp(&one.best));
        runs.truncate(MOST_CURVES);
    }
    let plots: Vec<LinePlot> = FIGURES.iter().filter_map(|figure| plot(&runs, figure)).collect();
    if !plots.is_empty() {
        page.section("Curves");
        if all > MOST_CURVES {
            page.paragraph(&format!("Of {all} runs, the best {MOST_CURVES} by top-1 are drawn."));
        }
    }
    for plot in plots {
        page.figure(&plot.to_svg()?);
    }
    page.section("Command").code(command);
    Ok(page)
}

/// The fields that the grid varies: what stands before the measurements, without the circumstances.
fn keys(sheet: &Sheet) -> Vec<String> {
    let is_setting = |head: &&String| !CIRCUMSTANCES.contains(&head.as_str());
    let heads = sheet.heads.iter().take_while(|head| *head != "params");
    heads.filter(is_setting).cloned().collect()
}

fn headlines(sheet: &Sheet, keys: &[String]) -> Vec<(String, String)> {
    let finished = sheet.rows().filter(|row| row.text("status") == "finished").count() as u64;
    let all = sheet.rows().count() as u64;
    let mut headlines = vec![
        ("runs", grouped(all)),
        ("finished", grouped(finished)),
        (
            "seconds",
            grouped(sheet.rows().filter_map(|row| row.number("seconds")).sum::<f64>() as u64),
        ),
    ];
    let top1 = |row: &Row<'_>| row.number("top1").unwrap_or(f64::NEG_INFINITY);
    let best = sheet.rows().filter(|row| row.number("top1").is_some());
    if let Some(best) = best.max_by(|one, other| top1(one).total_cmp(&top1(other))) {
        headlines.push(("best top-1", percent(top1(&best))));
        let settings = keys.iter().map(|key| format!("{key} = {}", best.text(key)));
        headlines.push(("with", settings.collect::<Vec<_>>().join(", ")));
    }
    headlines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn table(sheet: &Sheet, keys: &[String]) -> Table {
    let measured = ["params", "MACs", "steps", "top-1", "best top-1", "seconds", "images/s"];
    let words = ["status", "error"];
    let heads = keys.iter().map(String::as_str).chain(measured).chain(words);
    let row = |row: Row<'_>| {
        let settings = keys.iter().map(|key| Cell::Text(row.text(key).to_owned()));
        let count = |head| row.count(head).map(grouped).unwrap_or_default();
        let share = |head| row.number(head).map(percent).unwrap_or_default();
        let real = |head| row.number(head).map(|it| format!("{it:.1}")).unwrap_or_default();
        let values = [
            count("params"),
            count("macs"),
            count("steps"),
            share("top1"),
            share("best_top1"),
            real("seconds"),
            real("images_per_second"),
        ];
        let words = words.map(|head| Cell::Text(row.text(head).to_owned()));
        settings.chain(values.map(Cell::Number)).chain(words).collect()
    };
    Table { head: heads.map(str::to_owned).collect(), rows: sheet.rows().map(row).collect() }
}

/// A run with what it measured; `None` where it has not begun.
fn run(folder: &Path, row: Row<'_>) -> Option<Run> {
    // The grid may have been moved since, with its runs.
    let name = PathBuf::from(row.text("run")).file_name()?.to_string_lossy().into_owned();
    let metrics = MetricsLog::read(&RunFolder::metrics_path(&folder.join(&name)));
    let metrics = metrics.inspect_err(|error| tracing::warn!("{name}: no curves: {error}")).ok()?;
    let best = row
        .number("best_top1")
        .or(row.number("top1"))
        .or(row.number("best_score"))
        .unwrap_or(f64::NEG_INFINITY);
    Some(Run { name, best, metrics })
}

/// The curve of every run, if any of them has measured it.
fn plot(runs: &[Run], (title, unit, key): &(&str, &str, &str)) -> Option<LinePlot> {
    let series = |run: &Run| {
        let point = |row: &ocelli::train::Row| Some((row.step as f64, *row.values.get(*key)?));
        Series { name: run.name.clone(), points: run.metrics.iter().filter_map(point).collect() }
    };
    let series: Vec<Series> =
        runs.iter().map(series).filter(|series| !series.points.is_empty()).collect();
    (!series.is_empty()).then(|| LinePlot {
        title: (*title).to_owned(),
        x_label: "step".to_owned(),
        y_label: (*unit).to_owned(),
        series,
        marks: Vec::new(),
    })
}
