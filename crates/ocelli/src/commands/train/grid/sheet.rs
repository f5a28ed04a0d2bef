//! All cells of a grid, as a table, as JSON and as CSV.

use anyhow::Context;
use ocelli::results::{Circumstances, write_csv};
use ocelli::train::grid::labels;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::{fmt, fs};

use super::row::Row;
use crate::output::{Align, Table, grouped, percent};
use crate::own_files::{check_file, check_folder};

const FILE: &str = "grid.csv";
/// The one measured column that is words.
const STATUS: &str = "status";

/// The rows of a grid.
#[derive(Debug, Serialize)]
pub(super) struct Sheet {
    #[serde(rename = "out")]
    pub(super) folder: PathBuf,
    pub(super) keys: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Sheet {
    pub(super) fn csv_path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Refuses a folder that holds anything but this grid, unless `force`.
    pub(super) fn check_folder(&self, force: bool) -> anyhow::Result<()> {
        let cells = self.rows.iter().map(|row| row.name.as_str());
        let own: Vec<&str> = cells.chain([FILE]).collect();
        check_folder(&self.folder, &own, force)?;
        check_file(&self.csv_path(), "date,machine,command,", force)
    }

    /// Writes a line per row, each with what every figure needs beside it; whole or not at all.
    pub(super) fn write_csv(&self) -> anyhow::Result<()> {
        let path = self.csv_path();
        fs::create_dir_all(&self.folder).with_context(|| path.display().to_string())?;
        write_csv(&path, |csv| self.fill(csv, &Circumstances::of_this_process()))?;
        Ok(())
    }

    fn fill(
        &self,
        csv: &mut csv::Writer<Vec<u8>>,
        circumstances: &Circumstances,
    ) -> csv::Result<()> {
        let measured = [
            "params",
            "macs",
            "activations",
            "steps",
            "samples",
            "top1",
            "best_top1",
            "best_step",
            "score",
            "best_score",
            "seconds",
            "images_per_second",
            "status",
            "error",
            "run",
        ];
        let keys = self.keys.iter().map(String::as_str);
        let heads = ["date", "machine", "command", "commit"];
        csv.write_record(heads.into_iter().chain(keys).chain(measured))?;
        let Circumstances { date, machine, command, commit } = circumstances;
        for row in &self.rows {
            let settings = self.keys.iter().map(|key| setting(row, key));
            let whole = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
            let real = |number: Option<f64>, digits: usize| {
                number.map(|number| format!("{number:.digits$}")).unwrap_or_default()
            };
            let run = row.run.as_ref().map(|run| run.display().to_string());
            let measured = [
                whole(row.params),
                whole(row.macs),
                whole(row.activations),
                whole(row.steps),
                whole(row.samples),
                real(row.top1, 4),
                real(row.best_top1, 4),
                whole(row.best_step),
                row.score.clone().unwrap_or_default(),
                real(row.best_score, 4),
                real(row.seconds, 1),
                real(row.images_per_second, 1),
                row.status.name().to_owned(),
                row.error.clone().unwrap_or_default(),
                run.unwrap_or_default(),
            ];
            let here = [date, machine, command, commit].map(String::clone);
            csv.write_record(here.into_iter().chain(settings).chain(measured))?;
        }
        Ok(())
    }

    /// What would be trained and what it costs.
    pub(super) fn costs(&self) -> Table {
        let may_stop = self.rows.iter().any(|row| row.patience.is_some());
        let patience = may_stop.then_some("patience");
        let columns: Vec<&str> =
            ["params", "MACs", "activations"].into_iter().chain(patience).collect();
        self.table(&columns, |row| {
            let costs = [row.params, row.macs, row.activations].map(count);
            costs.into_iter().chain(may_stop.then(|| count(row.patience))).collect()
        })
    }

    /// The settings of each row, these columns, and what went wrong where something did.
    fn table(&self, columns: &[&str], cells: impl Fn(&Row) -> Vec<String>) -> Table {
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let settings = labels(&keys).into_iter().map(|label| (label, Align::Left));
        let align = |column| if column == STATUS { Align::Left } else { Align::Right };
        let columns = columns.iter().map(|column| (*column, align(*column)));
        let has_errors = self.rows.iter().any(|row| row.error.is_some());
        let error = has_errors.then_some(("error", Align::Left));
        let mut table = Table::new(settings.chain(columns).chain(error));
        for row in &self.rows {
            let settings = self.keys.iter().map(|key| setting(row, key));
            let error = has_errors.then(|| row.error.clone().unwrap_or_default());
            table.row(settings.chain(cells(row)).chain(error));
        }
        table
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            "params",
            "MACs",
            "activations",
            "top-1",
            "best",
            "at step",
            "seconds",
            "images/s",
            STATUS,
        ];
        let share = |share: Option<f64>| share.map(percent).unwrap_or_default();
        let real = |number: Option<f64>| number.map(|n| format!("{n:.1}")).unwrap_or_default();
        let table = self.table(&columns, |row| {
            vec![
                count(row.params),
                count(row.macs),
                count(row.activations),
                share(row.top1),
                share(row.best_score.or(row.best_top1)),
                count(row.best_step),
                real(row.seconds),
                real(row.images_per_second),
                row.status.name().to_owned(),
            ]
        });
        table.fmt(formatter)
    }
}

fn count(number: Option<u64>) -> String {
    number.map(grouped).unwrap_or_default()
}

/// The value of a field in a row, without the quotes of text.
fn setting(row: &Row, key: &str) -> String {
    match row.settings.get(key) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
