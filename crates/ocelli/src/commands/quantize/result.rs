//! What a quantization shows.

use ocelli::kernels::quantize::Per;
use ocelli::train::ChosenCheckpoint;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::Path;

use crate::output::{Align, Table, grouped, percent};

/// How a network was quantized.
pub(super) struct QuantizedLayers<'a> {
    /// Per weight; 32 for those that are kept.
    pub(super) bits: f64,
    pub(super) layers: Vec<LayerJson>,
    /// Which weights share their levels, where that was chosen.
    pub(super) per: Option<Per>,
    pub(super) activations: Option<Activations>,
    pub(super) calibration: Option<Calibration>,
    /// The training of this command that gave the levels.
    pub(super) run: Option<&'a Path>,
}

/// The one JSON object, also written as `quantize.json`.
#[derive(Serialize)]
pub(super) struct QuantizeJson<'a> {
    pub(super) model: &'a str,
    pub(super) weights: &'a Path,
    pub(super) checkpoint: Option<&'a ChosenCheckpoint>,
    pub(super) bits: f64,
    #[serde(serialize_with = "as_map")]
    pub(super) bits_per_layer: &'a [LayerJson],
    pub(super) bytes: u64,
    pub(super) predicted_bytes: u64,
    pub(super) payload_bytes: u64,
    /// Four for each learnt value.
    pub(super) float_bytes: u64,
    pub(super) samples: u64,
    pub(super) correct: u64,
    pub(super) top1: f64,
    pub(super) top5: Option<f64>,
    pub(super) loss: f64,
    pub(super) float_correct: u64,
    pub(super) float_top1: f64,
    pub(super) float_loss: f64,
    #[serde(serialize_with = "as_word")]
    pub(super) per: Option<Per>,
    pub(super) activations: Option<&'a Activations>,
    pub(super) calibration: Option<&'a Calibration>,
    pub(super) layers: &'a [LayerJson],
    pub(super) run: Option<&'a Path>,
    pub(super) packed: &'a Path,
}

/// The images on which the loss of each layer was measured.
#[derive(Serialize)]
pub(super) struct Calibration {
    pub(super) images: u64,
    pub(super) seed: u64,
    /// Whether they are others than those of the result.
    pub(super) is_apart: bool,
}

/// What layers read.
#[derive(Serialize)]
pub(super) struct Activations {
    /// Of the tensor that has the most.
    pub(super) bits: u32,
    /// How their ranges were found, where that was not in training.
    #[serde(flatten)]
    pub(super) calibration: Option<ActivationRanges>,
}

/// How ranges were found.
#[derive(Serialize)]
pub(super) struct ActivationRanges {
    /// How many images their ranges were seen on.
    pub(super) images: u64,
    /// The share of a tensor's values that its levels span.
    pub(super) coverage: f64,
    /// The loss on these images with each of the coverages that were tried.
    pub(super) losses: Vec<f64>,
}

#[derive(Serialize)]
pub(super) struct LayerJson {
    pub(super) name: String,
    pub(super) weights: usize,
    pub(super) bits: u32,
    /// Of codes and levels.
    pub(super) bytes: u64,
    /// By how much the loss on calibration images grows with this layer alone quantized.
    pub(super) loss_increase: Option<f64>,
}

impl QuantizeJson<'_> {
    /// How many times smaller the file is than the learnt values in single precision.
    pub(super) fn ratio(&self) -> f64 {
        self.float_bytes as f64 / self.bytes as f64
    }

    /// The heads and rows of the table of layers; those that hurt most come first if `sorted`.
    pub(super) fn table(&self, sorted: bool) -> (Vec<String>, Vec<Vec<String>>) {
        let heads = ["layer", "weights", "bits", "bytes", "loss added"].map(str::to_owned);
        let mut layers: Vec<&LayerJson> = self.layers.iter().collect();
        if sorted {
            let hurt = |layer: &LayerJson| layer.loss_increase.unwrap_or(f64::NEG_INFINITY);
            layers.sort_by(|a, b| hurt(b).total_cmp(&hurt(a)));
        }
        let rows = layers.into_iter().map(|layer| {
            let bits = if layer.bits == 32 { "float".to_owned() } else { layer.bits.to_string() };
            let added = layer.loss_increase;
            vec![
                layer.name.clone(),
                grouped(layer.weights as u64),
                bits,
                grouped(layer.bytes),
                added.map_or_else(|| "–".to_owned(), |added| format!("{added:+.5}")),
            ]
        });
        (heads.into(), rows.collect())
    }

    /// The result in words, each with its name.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let share = |fraction, part| {
            format!("{} ({} of {})", percent(fraction), grouped(part), grouped(self.samples))
        };
        let measured = self.calibration.map(|Calibration { images, is_apart, .. }| {
            let of =
                if *is_apart { "training images" } else { "images, among those of the result" };
            ("loss added", format!("of each layer alone, on {} {of}", grouped(*images)))
        });
        let activations = self.activations.map_or_else(
            || "floats".to_owned(),
            |Activations { bits, calibration }| match calibration {
                None => format!("{bits} bits, as they were trained"),
                Some(ActivationRanges { images, coverage, .. }) => {
                    let (share, images) = (percent(*coverage), grouped(*images));
                    format!("{bits} bits; ranges of {share} of the values on {images} images")
                }
            },
        );
        let lines = vec![
            ("model", self.model.to_owned()),
            ("bits", format!("{:.2} per weight", self.bits)),
            ("activations", activations),
            (
                "size",
                format!(
                    "{} bytes, as predicted; {:.1} times smaller than {} of floats",
                    grouped(self.bytes),
                    self.ratio(),
                    grouped(self.float_bytes)
                ),
            ),
            ("before", share(self.float_top1, self.float_correct)),
            ("packed", share(self.top1, self.correct)),
        ];
        lines.into_iter().chain(measured).collect()
    }
}

impl fmt::Display for QuantizeJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (heads, rows) = self.table(false);
        let aligns = std::iter::once(Align::Left).chain(std::iter::repeat(Align::Right));
        let mut table = Table::new(heads.iter().map(String::as_str).zip(aligns));
        for row in rows {
            table.row(row);
        }
        writeln!(f, "{table}\n")?;
        for (name, value) in self.lines() {
            writeln!(f, "{name:<11}  {value}")?;
        }
        write!(f, "{:<11}  {}", "file", self.packed.display())
    }
}

fn as_map<S: Serializer>(layers: &[LayerJson], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(layers.len()))?;
    for LayerJson { name, bits, .. } in layers {
        map.serialize_entry(name, bits)?;
    }
    map.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
#[expect(clippy::ref_option, reason = "serde asks for a reference")]
fn as_word<S: Serializer>(per: &Option<Per>, serializer: S) -> Result<S::Ok, S::Error> {
    let word = per.map(|per| match per {
        Per::Tensor => "tensor",
        Per::Channel => "channel",
    });
    word.serialize(serializer)
}
