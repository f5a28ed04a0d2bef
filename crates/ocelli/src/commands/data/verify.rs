//! `ocelli data verify`: every image read and decoded once, before a run stumbles over one.

use ocelli::data::{DecodeOptions, open, verify};
use serde::Serialize;
use std::time::Instant;

use super::PartArgs;
use crate::failure::{BadInput, Done};
use crate::output::grouped;
use crate::settings::Settings;
use crate::talk::Progress;

/// What can be typed after `ocelli data verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = super::DATASETS)]
pub(crate) struct Args {
    /// The dataset
    #[arg(value_name = "DATASET")]
    dataset: String,
    #[command(flatten)]
    part: PartArgs,
}

#[derive(Serialize)]
struct Corrupt {
    index: u64,
    reason: String,
}

#[derive(Serialize)]
struct Report<'a> {
    dataset: &'a str,
    samples: u64,
    corrupt: Vec<Corrupt>,
    classes: usize,
    grey: u64,
    not_images: u64,
    widths: Option<(u32, u32)>,
    heights: Option<(u32, u32)>,
    seconds: f64,
    images_per_second: f64,
}

/// Decodes everything; corrupt images are listed and make the command end as bad input.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let source = open(&args.dataset, &args.part.resolve()?)?;
    let start = Instant::now();
    let progress = Progress::start("verify", source.len(), "images");
    let found = verify(&*source, &DecodeOptions::default(), |done| progress.set(done));
    drop(progress);
    let seconds = start.elapsed().as_secs_f64();

    let corrupt: Vec<Corrupt> = found
        .corrupt
        .iter()
        .map(|sample| Corrupt { index: sample.index, reason: sample.error.to_string() })
        .collect();
    let (bad, samples) = (corrupt.len(), found.samples);
    let output = &mut settings.output;
    for sample in &corrupt {
        output.text(format_args!("corrupt: {}", sample.reason))?;
    }
    let rate = samples as f64 / seconds.max(f64::MIN_POSITIVE);
    output.text(format_args!(
        "{} images of {} classes, {bad} corrupt, {} grey{}",
        grouped(samples),
        source.classes().len(),
        grouped(found.grey),
        sizes(found.widths, found.heights),
    ))?;
    settings.output.finish(&Report {
        dataset: &args.dataset,
        samples,
        corrupt,
        classes: source.classes().len(),
        grey: found.grey,
        not_images: source.not_images().count,
        widths: found.widths,
        heights: found.heights,
        seconds,
        images_per_second: rate,
    })?;
    if bad == 0 {
        return Ok(Done::Complete);
    }
    let message = format!("{}: {bad} of {samples} images cannot be decoded", args.dataset);
    let hint = "remove them, or let `train` skip some with data.error_budget";
    Err(BadInput::new(message).hint(hint).into())
}

fn sizes(widths: Option<(u32, u32)>, heights: Option<(u32, u32)>) -> String {
    let (Some(widths), Some(heights)) = (widths, heights) else { return String::new() };
    let span = |(low, high)| if low == high { format!("{low}") } else { format!("{low}–{high}") };
    format!(", {} × {} pixels", span(widths), span(heights))
}
