//! What a study found, as tables, as JSON and as CSV.

use ocelli::methods::ghost_redundancy::Study;
use ocelli::nn::weights::WeightsLocation;
use ocelli::results::{Circumstances, write_csv};
use ocelli::train::ChosenCheckpoint;
use serde::Serialize;
use std::fmt;
use std::path::Path;

use crate::output::{Align, Table, percent};

/// A study and what it was made on.
#[derive(Debug, Serialize)]
pub(super) struct Sheet {
    pub(super) model: String,
    #[serde(flatten)]
    pub(super) location: WeightsLocation,
    pub(super) checkpoint: Option<ChosenCheckpoint>,
    pub(super) data: String,
    pub(super) threshold: f64,
    #[serde(flatten)]
    pub(super) study: Study,
}

/// A line of the CSV: one pair, or all maps, under one kernel.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    date: &'a str,
    machine: &'a str,
    command: &'a str,
    commit: &'a str,
    model: &'a str,
    data: &'a str,
    layer: &'a str,
    images: usize,
    subject: &'static str,
    source: Option<usize>,
    target: Option<usize>,
    correlation: Option<f64>,
    kernel: usize,
    mse_first: Option<f64>,
    mse: Option<f64>,
    relative_first: Option<f64>,
    relative: f64,
    redundant_first: Option<f64>,
    redundant: Option<f64>,
}

impl Sheet {
    /// What was looked at, in one line.
    pub(super) fn subject(&self) -> String {
        let Study { layer, shape: [maps, height, width], images, constant_maps, .. } = &self.study;
        let constant = match constant_maps {
            0.0 => String::new(),
            count => format!(", {count:.1} of them constant"),
        };
        format!(
            "{} at {layer}: {maps} maps of {height}×{width}{constant}, {images} images of {}",
            self.model, self.data
        )
    }

    /// The heads of the table of pairs, and its rows.
    pub(super) fn pairs(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut heads: Vec<String> = ["source", "target", "correlation"].map(str::to_owned).into();
        let kernels = &self.study.kernels;
        heads.extend(kernels.iter().map(|kernel| format!("MSE d = {kernel}")));
        heads.extend(kernels.iter().map(|kernel| format!("left d = {kernel}")));
        let row = |pair: &ocelli::methods::ghost_redundancy::PairFit| {
            let mut cells = vec![
                pair.source.to_string(),
                pair.target.to_string(),
                format!("{:.3}", pair.correlation),
            ];
            cells.extend(pair.mse.iter().map(|mse| format!("{mse:.2e}")));
            cells.extend(pair.relative.iter().map(|left| percent(*left)));
            cells
        };
        (heads, self.study.pairs.iter().map(row).collect())
    }

    /// The heads of the table of redundancy, and its rows.
    pub(super) fn redundancy(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let heads = ["d", "redundant maps", "on the first image", "median left"];
        let rows = self.study.redundancy.iter().map(|found| {
            vec![
                found.kernel.to_string(),
                percent(found.share),
                percent(found.share_first),
                percent(found.median_error),
            ]
        });
        (heads.map(str::to_owned).into(), rows.collect())
    }

    /// Writes a line for each pair and kernel, and one for all maps and each kernel.
    pub(super) fn write_csv(&self, path: &Path) -> anyhow::Result<()> {
        let Circumstances { date, machine, command, commit } = &Circumstances::of_this_process();
        let study = &self.study;
        let line = |at: usize| Line {
            date,
            machine,
            command,
            commit,
            model: &self.model,
            data: &self.data,
            layer: &study.layer,
            images: study.images,
            kernel: study.kernels[at],
            ..Line::default()
        };
        write_csv(path, |csv| {
            for pair in &study.pairs {
                for at in 0..study.kernels.len() {
                    csv.serialize(Line {
                        subject: "pair",
                        source: Some(pair.source),
                        target: Some(pair.target),
                        correlation: Some(pair.correlation),
                        mse_first: Some(pair.mse_first[at]),
                        mse: Some(pair.mse[at]),
                        relative_first: Some(pair.relative_first[at]),
                        relative: pair.relative[at],
                        ..line(at)
                    })?;
                }
            }
            for (at, found) in study.redundancy.iter().enumerate() {
                csv.serialize(Line {
                    subject: "all maps",
                    relative: found.median_error,
                    redundant_first: Some(found.share_first),
                    redundant: Some(found.share),
                    ..line(at)
                })?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = |(heads, rows): (Vec<String>, Vec<Vec<String>>)| {
            let mut table = Table::new(heads.iter().map(|head| (head.as_str(), Align::Right)));
            for row in rows {
                table.row(row);
            }
            table
        };
        writeln!(formatter, "{}\n", self.subject())?;
        writeln!(formatter, "{}\n", table(self.pairs()))?;
        write!(formatter, "{}", table(self.redundancy()))
    }
}
