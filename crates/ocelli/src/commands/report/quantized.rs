//! What the page of a run with few bits tells of them: sizes, attention, errors by temperature, and which layer hurts.

use ocelli::methods::dqa::{ErrorPoint, error_curve};
use ocelli::report::{Cell, LinePlot, MultiplesPlot, Panel, ReportSection, Series, Table};
use ocelli::train::{Machine, Recipe, Row};
use std::collections::BTreeSet;
use std::path::Path;

use super::quantized_run::QuantizedRun;
use super::sensitivity::SavedSensitivity;
use crate::output::{grouped, percent};

/// What the names of the mixture's measurements begin with.
pub(super) const SOFT: &str = "soft";
const ATTENTION: &str = "dqa/attention/";
/// At so many moments of the schedule errors are computed.
const MOMENTS: u64 = 81;
/// More small figures than this nobody looks at.
const MOST_PANELS: usize = 120;

/// What is added to the page of a run; nothing for most.
#[derive(Default)]
pub(super) struct QuantizedPart {
    pub(super) headlines: Vec<(String, String)>,
    pub(super) sections: Vec<ReportSection>,
}

/// Whether a measurement is of a single layer, which is no figure of its own.
pub(super) fn is_of_layer(key: &str) -> bool {
    key.starts_with("dqa/") && key.matches('/').count() > 1
}

/// The part of the run in `folder`, of which `rows` were measured.
pub(super) fn of_run(
    folder: &Path,
    recipe: &Recipe,
    rows: &[Row],
) -> anyhow::Result<QuantizedPart> {
    if !rows.iter().flat_map(|row| row.values.keys()).any(|key| key.starts_with("dqa/")) {
        return Ok(QuantizedPart::default());
    }
    let run = QuantizedRun::open(folder, recipe, &Machine::cpu(1).device);
    // A page is of use without it, as while the run has no checkpoint.
    let run = run.unwrap_or_else(|error| {
        tracing::warn!("{}: no sizes and errors of layers: {error:#}", folder.display());
        None
    });
    let sensitivity = SavedSensitivity::load(folder)?;
    let layers = layers(run.as_ref(), rows);
    let mut part = QuantizedPart { headlines: headlines(run.as_ref(), rows), sections: Vec::new() };
    part.sections.push(bits(run.as_ref(), rows, &layers, sensitivity.as_ref()));
    part.sections.extend(attention(rows, &layers)?);
    part.sections.extend(errors(run.as_ref(), rows)?);
    Ok(part)
}

/// The names of the layers in running order, where it is known.
fn layers(run: Option<&QuantizedRun>, rows: &[Row]) -> Vec<String> {
    let keys: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.values.keys())
        .filter_map(|key| key.strip_prefix("dqa/bits/"))
        .collect();
    match run {
        Some(run) => {
            let names = run.levels.layers.iter().map(|layer| layer.name.as_str());
            names.filter(|name| keys.contains(name)).map(str::to_owned).collect()
        }
        None => keys.into_iter().map(str::to_owned).collect(),
    }
}

/// The last value that was measured.
fn last(rows: &[Row], key: &str) -> Option<f64> {
    rows.iter().rev().find_map(|row| row.values.get(key).copied())
}

fn headlines(run: Option<&QuantizedRun>, rows: &[Row]) -> Vec<(String, String)> {
    let mut headlines = Vec::new();
    if let Some(run) = run {
        let times = run.float_bytes as f64 / run.packed_bytes.max(1) as f64;
        headlines.push(("bits per weight", format!("{:.2}", run.levels.mean_bits())));
        headlines.push(("packed bytes", grouped(run.packed_bytes)));
        headlines.push(("times smaller than floats", format!("{times:.1}")));
    }
    let both = rows
        .iter()
        .rev()
        .find_map(|row| Some((row.values.get("soft/eval/top1")?, row.values.get("eval/top1")?)));
    if let Some((soft, hard)) = both {
        headlines.push(("soft to hard, points", format!("{:+.2}", 100.0 * (hard - soft))));
    }
    headlines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Bits and errors of each layer, and what they cost.
fn bits(
    run: Option<&QuantizedRun>,
    rows: &[Row],
    layers: &[String],
    sensitivity: Option<&SavedSensitivity>,
) -> ReportSection {
    let quantizers = quantizers(rows);
    let mut head: Vec<String> = ["layer", "weights", "bits", "bytes"].map(str::to_owned).into();
    head.extend(quantizers.iter().map(|name| format!("share of {name}")));
    head.push("error".to_owned());
    if sensitivity.is_some() {
        head.extend(["loss added alone", "loss saved in floats"].map(str::to_owned));
    }
    let row = |name: &String| {
        let number = |text: Option<String>| Cell::Number(text.unwrap_or_else(|| "–".to_owned()));
        let of = run.and_then(|run| run.levels.layers.iter().find(|layer| layer.name == *name));
        let mut cells = vec![
            Cell::Text(name.clone()),
            number(of.map(|layer| grouped(layer.weights as u64))),
            number(last(rows, &format!("dqa/bits/{name}")).map(|bits| bits.to_string())),
            number(of.map(|layer| grouped(layer.bytes))),
        ];
        for quantizer in &quantizers {
            cells.push(number(last(rows, &format!("{ATTENTION}{name}/{quantizer}")).map(percent)));
        }
        cells.push(number(last(rows, &format!("dqa/error/{name}")).map(|own| format!("{own:.4}"))));
        if let Some(saved) = sensitivity {
            let own = saved.layers.iter().find(|layer| layer.name == *name);
            let shown = |value: f64| format!("{value:+.5}");
            cells.push(number(own.map(|layer| shown(layer.added_alone))));
            cells.push(number(own.map(|layer| shown(layer.saved_in_floats))));
        }
        cells
    };
    let mut words = vec![
        "Bits of each layer as it is used. Bytes are those of its codes and levels; the error is what the mixture \
         leaves of the squares of the weights."
            .to_owned(),
    ];
    words.extend(run.map(|run| {
        let (packed, floats) = (grouped(run.packed_bytes), grouped(run.float_bytes));
        format!("The packed file has {packed} bytes, the learnt values as floats {floats}.")
    }));
    words.push(match sensitivity {
        Some(SavedSensitivity { step, images, float_loss, quantized_loss, .. }) => format!(
            "Which layer hurts, on {} training images after step {step}: the loss is {float_loss:.4} with all \
             trained weights in floats and {quantized_loss:.4} with all quantized; with one layer alone \
             quantized it is above the first by what is added, with one alone in floats below the second by what \
             is saved.",
            grouped(*images)
        ),
        None => "Which layer hurts is measured by `ocelli report RUN --sensitivity 256`.".to_owned(),
    });
    let words = words.join(" ");
    let table = Table { head, rows: layers.iter().map(row).collect() };
    ReportSection { heading: "Few bits".to_owned(), words, figures: Vec::new(), table }
}

/// The names of the quantizers that have a share, lowest first as they were measured.
fn quantizers(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.values.keys())
        .filter_map(|key| key.strip_prefix(ATTENTION)?.rsplit_once('/').map(|(_, name)| name))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let bits = |name: &str| name.rsplit_once(':').and_then(|(_, bits)| bits.parse::<u32>().ok());
    names.sort_by_key(|name| bits(name).unwrap_or(if *name == "float" { 32 } else { 1 }));
    names.into_iter().map(str::to_owned).collect()
}

/// The attention of each layer over the training (figure 3 of the paper).
fn attention(rows: &[Row], layers: &[String]) -> anyhow::Result<Option<ReportSection>> {
    let names = quantizers(rows);
    if names.is_empty() {
        return Ok(None);
    }
    let panel = |layer: &String| {
        let curve = |name: &String| {
            let key = format!("{ATTENTION}{layer}/{name}");
            let point = |row: &Row| Some((row.step as f64, *row.values.get(&key)?));
            rows.iter().filter_map(point).collect()
        };
        Panel { name: layer.clone(), curves: names.iter().map(curve).collect() }
    };
    let plot = MultiplesPlot {
        title: "Attention of each layer".to_owned(),
        x_label: "step".to_owned(),
        panels: layers.iter().take(MOST_PANELS).map(panel).collect(),
        names: names.clone(),
        y_range: [0.0, 1.0],
    };
    let words = match layers.len() {
        count if count > MOST_PANELS => format!("Of {count} layers, the first {MOST_PANELS}."),
        _ => String::new(),
    };
    let figures = vec![plot.to_svg()?];
    let heading = "Attention over the training".to_owned();
    Ok(Some(ReportSection { heading, words, figures, table: Table::default() }))
}

/// The quantization error by temperature (figure 2 of the paper).
fn errors(run: Option<&QuantizedRun>, rows: &[Row]) -> anyhow::Result<Option<ReportSection>> {
    let measured = |row: &Row| {
        let (temperature, error) =
            (row.values.get("dqa/temperature")?, row.values.get("dqa/error")?);
        Some((temperature.log10(), *error))
    };
    let mut recorded: Vec<(f64, f64)> = rows.iter().filter_map(measured).collect();
    recorded.sort_by(|a, b| a.0.total_cmp(&b.0));
    let curve = match run {
        Some(run) => error_curve(run.latent.network(), &run.settings, MOMENTS)?,
        None => Vec::new(),
    };
    let of = |value: &dyn Fn(&ErrorPoint) -> f64| -> Vec<(f64, f64)> {
        curve.iter().rev().map(|point| (point.temperature.log10(), value(point))).collect()
    };
    let series = [
        ("during the training", recorded),
        ("mixture, last weights", of(&|point| point.mixture)),
        ("Binary-Relax, last weights", of(&|point| point.binary_relax)),
    ];
    let series: Vec<Series> = series
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(name, points)| Series { name: name.to_owned(), points })
        .collect();
    if series.is_empty() {
        return Ok(None);
    }
    let plot = LinePlot {
        title: "Quantization error by temperature".to_owned(),
        x_label: "temperature, as a power of ten; it falls over the training".to_owned(),
        y_label: "share of the weights' squares".to_owned(),
        series,
        marks: Vec::new(),
    };
    let words = "What the mixture leaves of the weights, as measured while they were trained; and of the last \
                 weights, with their attention at every temperature. Binary-Relax mixes the lowest quantizer with the \
                 weights, by the ω of the same moment of the schedule."
        .to_owned();
    let figures = vec![plot.to_svg()?];
    let heading = "Quantization error".to_owned();
    Ok(Some(ReportSection { heading, words, figures, table: Table::default() }))
}
