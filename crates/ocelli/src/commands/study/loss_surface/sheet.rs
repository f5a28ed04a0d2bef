//! A loss surface as a table, as JSON and as CSV.

use ocelli::data::Split;
use ocelli::methods::loss_surface::{
    LossSurfaceGrid, SurfaceIdentity, SurfacePoint, SurfaceSummary,
};
use ocelli::results::{Circumstances, without_folders, write_csv};
use ocelli::train::{ChosenCheckpoint, Trained};
use serde::Serialize;
use std::fmt;
use std::path::Path;

use crate::output::{Align, Table, percent};
use crate::run_data::Opened;

/// A surface that is measured, and what it is of.
pub(super) struct SurfaceSheet<'a> {
    pub(super) trained: &'a Trained,
    pub(super) identity: &'a SurfaceIdentity,
    pub(super) opened: &'a Opened,
    pub(super) split: Split,
    pub(super) grid: &'a LossSurfaceGrid,
    pub(super) points: &'a [SurfacePoint],
    pub(super) summaries: &'a [SurfaceSummary],
    pub(super) csv: &'a Path,
    pub(super) page: &'a Path,
}

/// A line of the CSV: a network at a point.
#[derive(Serialize)]
struct Line<'a> {
    date: &'a str,
    machine: &'a str,
    command: &'a str,
    commit: &'a str,
    seed: u64,
    model: &'a str,
    checkpoint: Option<u64>,
    step: Option<u64>,
    data: &'a str,
    fingerprint: &'a str,
    split: Split,
    images: u64,
    network: &'a str,
    x: f64,
    y: f64,
    loss: Option<f64>,
    top1: Option<f64>,
}

/// The one JSON object.
#[derive(Serialize)]
pub(super) struct SurfaceJson<'a> {
    outcome: &'static str,
    model: &'a str,
    weights: &'a Path,
    checkpoint: Option<&'a ChosenCheckpoint>,
    /// After so many steps of its training networks are made of the weights.
    step: Option<u64>,
    data: String,
    data_fingerprint: &'a str,
    split: Split,
    images: u64,
    seed: u64,
    grid: usize,
    span: f64,
    points: usize,
    /// That of the first network, which is the one that the run saves.
    roughness: Option<f64>,
    networks: &'a [SurfaceSummary],
    csv: &'a Path,
    page: &'a Path,
}

impl SurfaceSheet<'_> {
    /// What was measured, in one line.
    pub(super) fn subject(&self) -> String {
        let (identity, data) = (self.identity, without_folders(&self.opened.data));
        let SurfaceIdentity { model, images, seed, grid, span, .. } = identity;
        let step = identity.step.map(|step| format!(", as after step {step}")).unwrap_or_default();
        format!(
            "{model}{step}: {grid} × {grid} points from -{span} to {span}, {images} images of {data}, \
             directions of seed {seed}"
        )
    }

    /// The heads and rows of the table of networks.
    pub(super) fn table(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let heads = [
            "network",
            "loss",
            "top-1",
            "lowest",
            "highest",
            "roughness",
            "of its log",
            "concavity",
        ];
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
        let row = |own: &SurfaceSummary| {
            vec![
                own.network.clone(),
                number(own.loss),
                own.top1.map_or_else(|| "–".to_owned(), percent),
                number(own.lowest),
                number(own.highest),
                number(own.roughness),
                number(own.log_roughness),
                number(own.concavity),
            ]
        };
        (heads.map(str::to_owned).into(), self.summaries.iter().map(row).collect())
    }

    pub(super) fn json(&self) -> SurfaceJson<'_> {
        let identity = self.identity;
        SurfaceJson {
            outcome: "finished",
            model: &identity.model,
            weights: &self.trained.file,
            checkpoint: self.trained.checkpoint.as_ref(),
            step: identity.step,
            data: self.opened.data.clone(),
            data_fingerprint: &identity.data,
            split: self.split,
            images: identity.images,
            seed: identity.seed,
            grid: identity.grid,
            span: identity.span,
            points: self.points.len(),
            roughness: self.summaries.first().and_then(|first| first.roughness),
            networks: self.summaries,
            csv: self.csv,
            page: self.page,
        }
    }

    /// Writes a line for each point and network.
    pub(super) fn write_csv(&self) -> anyhow::Result<()> {
        let Circumstances { date, machine, command, commit } = &Circumstances::of_this_process();
        let (identity, data) = (self.identity, without_folders(&self.opened.data));
        let checkpoint = self.trained.checkpoint.as_ref().map(|chosen| chosen.step);
        write_csv(self.csv, |csv| {
            for point in self.points {
                let [x, y] = self.grid.point(point.point);
                for (network, score) in identity.networks.iter().zip(&point.scores) {
                    csv.serialize(Line {
                        date,
                        machine,
                        command,
                        commit,
                        seed: identity.seed,
                        model: &identity.model,
                        checkpoint,
                        step: identity.step,
                        data: &data,
                        fingerprint: &identity.data[..FINGERPRINT.min(identity.data.len())],
                        split: self.split,
                        images: identity.images,
                        network,
                        x,
                        y,
                        loss: score.loss.map(|loss| loss.0),
                        top1: score.top1.map(|top1| top1.0),
                    })?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// How much of a fingerprint stands in tables.
const FINGERPRINT: usize = 16;

impl fmt::Display for SurfaceSheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (heads, rows) = self.table();
        let aligns = std::iter::once(Align::Left).chain(std::iter::repeat(Align::Right));
        let mut table = Table::new(heads.iter().map(String::as_str).zip(aligns));
        for row in rows {
            table.row(row);
        }
        writeln!(f, "{}\n\n{table}\n", self.subject())?;
        write!(f, "{}\n{}", self.csv.display(), self.page.display())
    }
}

fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.2e}") } else { format!("{value:.4}") }
}
