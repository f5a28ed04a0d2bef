//! Several networks on one page: how small they are, and how good.

use anyhow::Context;
use ocelli::report::{Cell, Page, ParetoPlot, ParetoPoint, Table, pareto_front};
use ocelli::train::{MODEL, RunFolder, read_text};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

use super::SavedEvaluation;
use crate::failure::BadInput;
use crate::output::{grouped, percent};

/// What `ocelli quantize` leaves in its folder.
const QUANTIZED: &str = "quantize.json";
/// Where it writes for a run.
const OF_RUN: &str = "quantized";
/// Far more than the layers of any network need.
const LARGEST: u64 = 64 << 20;

/// A network with its size and its accuracy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SizedNetwork {
    name: String,
    bytes: u64,
    /// Bits per weight.
    bits: f64,
    samples: u64,
    top1: f64,
    /// Whether no other is smaller and as good, or better and as small.
    is_on_front: bool,
}

/// Of the file what is compared.
#[derive(Deserialize)]
struct Quantized {
    model: String,
    bits: f64,
    bytes: u64,
    float_bytes: u64,
    samples: u64,
    top1: f64,
    float_top1: f64,
}

/// All networks that are in `folders`: of a run that which it trained, packed where it was, and of the folder of a
/// quantization the network before and after.
///
/// # Errors
/// When a folder holds none, or a file is something else.
pub(super) fn networks(folders: &[impl AsRef<Path>]) -> anyhow::Result<Vec<SizedNetwork>> {
    let mut all: Vec<SizedNetwork> = Vec::new();
    for folder in folders {
        for network in of_folder(folder.as_ref())? {
            // Several quantizations of one network begin with the same.
            if !all.contains(&network) {
                all.push(network);
            }
        }
    }
    for at in pareto_front(&points(&all)) {
        all[at].is_on_front = true;
    }
    Ok(all)
}

fn of_folder(folder: &Path) -> anyhow::Result<Vec<SizedNetwork>> {
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    if let Some(found) = read(&folder.join(QUANTIZED))? {
        let before = SizedNetwork::new(
            format!("{}, floats", found.model),
            found.float_bytes,
            32.0,
            (found.samples, found.float_top1),
        );
        return Ok(vec![before, found.packed(&name)]);
    }
    if let Some(found) = read(&folder.join(OF_RUN).join(QUANTIZED))? {
        return Ok(vec![found.packed(&name)]);
    }
    let newest = RunFolder::checkpoints_of(folder).newest()?.checkpoint;
    let evaluation = SavedEvaluation::load(folder)?;
    let (Some(newest), Some(evaluation)) = (newest, evaluation) else {
        let message =
            format!("{}: no run that was evaluated, and no quantization", folder.display());
        let hint = "name folders that `ocelli train` or `ocelli quantize` wrote";
        return Err(BadInput::new(message).hint(hint).into());
    };
    let path = newest.file(MODEL);
    let bytes = std::fs::metadata(&path).with_context(|| path.display().to_string())?.len();
    let found = (evaluation.samples, evaluation.top1);
    Ok(vec![SizedNetwork::new(name.into_owned(), bytes, 32.0, found)])
}

impl SizedNetwork {
    fn new(name: String, bytes: u64, bits: f64, (samples, top1): (u64, f64)) -> Self {
        Self { name, bytes, bits, samples, top1, is_on_front: false }
    }
}

impl Quantized {
    fn packed(&self, folder: &str) -> SizedNetwork {
        let name = format!("{folder}, {:.2} bits", self.bits);
        SizedNetwork::new(name, self.bytes, self.bits, (self.samples, self.top1))
    }
}

fn read(path: &Path) -> anyhow::Result<Option<Quantized>> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = read_text(path, LARGEST)?;
    let found = serde_json::from_str(&text).map_err(io::Error::from);
    found.with_context(|| path.display().to_string()).map(Some)
}

fn points(networks: &[SizedNetwork]) -> Vec<ParetoPoint> {
    let point = |network: &SizedNetwork| ParetoPoint {
        name: network.name.clone(),
        cost: network.bytes as f64,
        value: network.top1,
    };
    networks.iter().map(point).collect()
}

/// The page of `networks`.
///
/// # Errors
/// When the figure cannot be drawn.
pub(super) fn page(networks: &[SizedNetwork]) -> anyhow::Result<Page> {
    let mut page = Page::new("Size and accuracy", &format!("{} networks", networks.len()));
    let plot = ParetoPlot {
        title: "Size and accuracy".to_owned(),
        x_label: "bytes of the file".to_owned(),
        y_label: "top-1".to_owned(),
        points: points(networks),
    };
    page.figure(&plot.to_svg()?).paragraph(
        "The line is the front: of the networks on it none is both smaller and as good, or better and as small. Files \
         of floats are the learnt values, or the checkpoint of a run.",
    );
    if networks.windows(2).any(|pair| pair[0].samples != pair[1].samples) {
        page.paragraph("Not all accuracies are of as many images: they are no fair comparison.");
    }
    let head = ["network", "bits per weight", "bytes", "top-1", "images", "on the front"];
    let row = |network: &SizedNetwork| {
        vec![
            Cell::Text(network.name.clone()),
            Cell::Number(format!("{:.2}", network.bits)),
            Cell::Number(grouped(network.bytes)),
            Cell::Number(percent(network.top1)),
            Cell::Number(grouped(network.samples)),
            Cell::Text(if network.is_on_front { "yes" } else { "" }.to_owned()),
        ]
    };
    let rows = networks.iter().map(row).collect();
    page.table(&Table { head: head.map(str::to_owned).into(), rows });
    Ok(page)
}
