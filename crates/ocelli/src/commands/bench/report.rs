//! What was measured, as a table, as JSON and as CSV.

use ocelli::results::{self, write_csv};
use serde::Serialize;
use std::fmt;
use std::path::Path;

use super::contest::{Case, median};
use crate::output::{Align, Table};
use crate::settings::Settings;
use crate::talk::rate;

/// How a CSV of figures begins.
pub(super) const HEAD: &str = "date,machine,command,";

/// One contestant in one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    subject: String,
    task: &'static str,
    images: usize,
    tool: String,
    /// The median of a pass over all rounds, in milliseconds.
    ms: f64,
    /// The fastest round.
    best_ms: f64,
    images_per_second: f64,
    /// How many times as fast as this peer ocelli is.
    speedup: Option<f64>,
}

impl Row {
    /// Of a contestant whose rounds took `times`, of which there is at least one.
    pub(super) fn new(
        case: &Case,
        tool: String,
        mut times: Vec<f64>,
        speedup: Option<f64>,
    ) -> Self {
        let ms = median(&mut times);
        Self {
            subject: case.subject.clone(),
            task: case.task,
            images: case.images,
            tool,
            ms: rounded(ms),
            best_ms: rounded(times.first().copied().unwrap_or(ms)),
            images_per_second: rounded(1e3 * case.images as f64 / ms),
            speedup: speedup.map(rounded),
        }
    }
}

impl fmt::Display for Row {
    /// The row as it is told when it has been measured.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, tool, ms, images_per_second, .. } = self;
        write!(formatter, "{subject}: {tool}: {ms} ms, {}", rate(*images_per_second, "images"))?;
        told(formatter, self.speedup)
    }
}

/// How many times as fast as another we are, where there is another.
pub(super) fn told(formatter: &mut fmt::Formatter<'_>, speedup: Option<f64>) -> fmt::Result {
    speedup.map_or(Ok(()), |times| write!(formatter, "; ocelli is {times:.2}×"))
}

/// To four digits, which is more than any of these figures is good for.
pub(super) fn rounded(value: f64) -> f64 {
    if !value.is_normal() {
        return value;
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12);
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// All rows, and what they need beside them.
#[derive(Debug, Serialize)]
pub(super) struct Report<R> {
    #[serde(flatten)]
    pub(super) circumstances: Circumstances,
    pub(super) rows: Vec<R>,
}

/// What every figure needs beside it.
#[derive(Debug, Serialize)]
pub(super) struct Circumstances {
    date: String,
    machine: String,
    command: String,
    commit: String,
    seed: u64,
    threads: usize,
    rounds: u32,
}

impl Circumstances {
    pub(super) fn new(settings: &Settings, rounds: u32) -> Self {
        let results::Circumstances { date, machine, command, commit } =
            results::Circumstances::of_this_process();
        Self {
            date,
            machine,
            command,
            commit,
            seed: settings.seed.unwrap_or_default(),
            threads: settings.threads,
            rounds,
        }
    }

    #[cfg(test)]
    pub(super) fn of_test() -> Self {
        Self {
            date: "2026-11-24".to_owned(),
            machine: "a machine".to_owned(),
            command: "ocelli bench models".to_owned(),
            commit: "0123abc".to_owned(),
            seed: 7,
            threads: 2,
            rounds: 3,
        }
    }
}

impl fmt::Display for Circumstances {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, machine, seed, threads, rounds, .. } = self;
        write!(
            formatter,
            "{machine}; {threads} threads, medians of {rounds} rounds, seed {seed}, {date}"
        )
    }
}

impl<R: Serialize> Report<R> {
    pub(super) fn new(settings: &Settings, rounds: u32, rows: Vec<R>) -> Self {
        Self { circumstances: Circumstances::new(settings, rounds), rows }
    }

    /// Writes a line per row, each with its circumstances.
    ///
    /// # Errors
    /// When `path` cannot be written.
    pub(super) fn write_csv(&self, path: &Path) -> anyhow::Result<()> {
        write_csv(path, |csv| {
            self.rows.iter().try_for_each(|row| csv.serialize((&self.circumstances, row)))
        })?;
        Ok(())
    }
}

impl fmt::Display for Report<Row> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |head| (head, Align::Right);
        let mut table = Table::new([
            ("subject", Align::Left),
            ("task", Align::Left),
            right("images"),
            ("tool", Align::Left),
            right("ms"),
            right("images/s"),
            right("ocelli is"),
        ]);
        for row in &self.rows {
            table.row([
                row.subject.clone(),
                row.task.to_owned(),
                row.images.to_string(),
                row.tool.clone(),
                format!("{:.3}", row.ms),
                format!("{:.1}", row.images_per_second),
                row.speedup.map(|times| format!("{times:.2}×")).unwrap_or_default(),
            ]);
        }
        write!(formatter, "{table}\n\n{}", self.circumstances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> Report<Row> {
        let case = Case {
            subject: "resnet18@224".to_owned(),
            task: "inference",
            images: 16,
            peers: &[],
            request: json!({}),
        };
        let circumstances = Circumstances::of_test();
        let ours = Row::new(&case, "ocelli".to_owned(), vec![40.0, 39.0, 50.0], None);
        let peer = Row::new(&case, "peer 1.0".to_owned(), vec![100.0; 3], Some(2.5));
        Report { circumstances, rows: vec![ours, peer] }
    }

    #[test]
    fn the_table_shows_medians_and_how_many_times_as_fast_we_are() {
        let expected = "\
subject       task       images  tool           ms  images/s  ocelli is
resnet18@224  inference      16  ocelli     40.000     400.0
resnet18@224  inference      16  peer 1.0  100.000     160.0      2.50×

a machine; 2 threads, medians of 3 rounds, seed 7, 2026-11-24";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn every_line_of_the_csv_has_its_circumstances() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        report().write_csv(&path).unwrap();
        let expected = "\
date,machine,command,commit,seed,threads,rounds,subject,task,images,tool,ms,best_ms,images_per_second,speedup
2026-11-24,a machine,ocelli bench models,0123abc,7,2,3,resnet18@224,inference,16,ocelli,40.0,39.0,400.0,
2026-11-24,a machine,ocelli bench models,0123abc,7,2,3,resnet18@224,inference,16,peer 1.0,100.0,100.0,160.0,2.5
";
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn four_digits_are_kept() {
        let values = [0.123_456, 12.345_6, 1234.56, 123_456.7].map(rounded);
        assert_eq!(values, [0.1235, 12.35, 1235.0, 123_457.0]);
        assert_eq!(rounded(0.0), 0.0);
    }
}
