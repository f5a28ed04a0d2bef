//! `ocelli data verify`: every image read and decoded once, before a run stumbles over one.

use ocelli::data::{DecodeOptions, Fingerprint, Limits, OpenOptions, open, verify};
use serde::Serialize;
use std::time::Instant;

use super::part::{DATASETS, PartArgs};
use crate::failure::{BadInput, Done};
use crate::output::{grouped, plain};
use crate::settings::Settings;
use crate::talk::Progress;

/// What can be typed after `ocelli data verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = DATASETS)]
pub(crate) struct Args {
    /// The dataset
    #[arg(value_name = "DATASET")]
    dataset: String,
    #[command(flatten)]
    part: PartArgs,
    /// The most pixels that an image may have; larger ones count as corrupt
    #[arg(long, value_name = "N", default_value_t = Limits::default().pixels)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    max_pixels: u64,
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
    fingerprint: String,
    seconds: f64,
    images_per_second: f64,
}

/// Decodes everything; corrupt images are listed and make the command end as bad input.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let limits = Limits { pixels: args.max_pixels, ..Limits::default() };
    let source = open(&args.dataset, &OpenOptions { limits, ..args.part.resolve()? })?;
    let start = Instant::now();
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    let progress = Progress::start("verify", source.len(), "images");
    let found = verify(&*source, &options, |done| progress.set(done));
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
        output.text(format_args!("corrupt: {}", plain(&sample.reason)))?;
    }
    let rate = samples as f64 / seconds.max(f64::MIN_POSITIVE);
    let classes = match source.classes().len() {
        0 => "without labels".to_owned(),
        classes => format!("of {classes} classes"),
    };
    output.text(format_args!(
        "{} images {classes}, {bad} corrupt, {} grey{}",
        grouped(samples),
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
        fingerprint: Fingerprint::from_source(&*source)?.hash().to_owned(),
        seconds,
        images_per_second: rate,
    })?;
    if bad == 0 {
        return Ok(Done::Complete);
    }
    let message = format!("{}: {bad} of {samples} images cannot be decoded", args.dataset);
    let too_large = found.corrupt.iter().find(|sample| sample.error.is_too_large());
    let hint = too_large
        .and_then(|sample| sample.error.hint())
        .unwrap_or("remove them, or let `train` skip some with data.error_budget");
    Err(BadInput::new(message).hint(hint).into())
}

fn sizes(widths: Option<(u32, u32)>, heights: Option<(u32, u32)>) -> String {
    let (Some(widths), Some(heights)) = (widths, heights) else { return String::new() };
    let span = |(low, high)| if low == high { format!("{low}") } else { format!("{low}–{high}") };
    format!(", {} × {} pixels", span(widths), span(heights))
}
