//! `ocelli codebook decode`: from codes to rows.

use anyhow::Context;
use ocelli::codebooks::{ProductQuantizer, codes_from_bytes};
use serde::Serialize;
use std::path::PathBuf;

use super::files::read;
use crate::failure::Done;
use crate::npy;
use crate::output::grouped;
use crate::own_files::check_output;
use crate::settings::Settings;

/// What can be typed after `ocelli codebook decode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The codes, as `encode` writes them
    #[arg(value_name = "FILE")]
    codes: PathBuf,
    /// The codebooks that made them
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    /// The NumPy file to write, whole or not at all
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct DecodeJson {
    rows: usize,
    width: usize,
    out: PathBuf,
}

/// Decodes codes.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.out, "npy", args.force)?;
    let quantizer = read(&args.with, ProductQuantizer::from_bytes)?;
    let codes = read(&args.codes, codes_from_bytes)?;
    let rows = quantizer.decode(&codes).with_context(|| args.codes.display().to_string())?;
    npy::write(&args.out, &rows, quantizer.width())?;
    let json = DecodeJson { rows: codes.count(), width: quantizer.width(), out: args.out.clone() };
    let count = grouped(json.rows as u64);
    let output = &mut settings.output;
    output.text(format_args!("{count} rows of {}", json.width))?;
    output.text(format_args!("wrote {}", args.out.display()))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}
