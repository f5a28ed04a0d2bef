//! `ocelli codebook encode`: from rows to codes.

use anyhow::Context;
use ocelli::codebooks::{ProductQuantizer, Rows, codes_to_bytes};
use serde::Serialize;
use std::path::PathBuf;

use super::files::read;
use crate::failure::Done;
use crate::npy;
use crate::output::grouped;
use crate::own_files::check_output;
use crate::settings::Settings;
use crate::whole_file::write_whole;

/// What can be typed after `ocelli codebook encode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rows
    #[arg(value_name = "FILE.npy")]
    rows: PathBuf,
    /// The codebooks, as `train` writes them
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    /// The safetensors file to write, whole or not at all
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct EncodeJson {
    rows: usize,
    bytes_per_row: usize,
    squared_error: f64,
    checksum: String,
    out: PathBuf,
}

/// Encodes rows.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.out, "safetensors", args.force)?;
    let quantizer = read(&args.with, ProductQuantizer::from_bytes)?;
    let matrix = npy::read(&args.rows)?;
    let named = || args.rows.display().to_string();
    let rows = Rows::dense(&matrix.values, matrix.width);
    let codes = quantizer.encode(rows).with_context(named)?;
    let squared_error = quantizer.squared_error(rows).with_context(named)?;
    write_whole(&args.out, codes_to_bytes(&codes)?)?;
    let json = EncodeJson {
        rows: codes.count(),
        bytes_per_row: codes.bytes_per_row(),
        squared_error,
        checksum: codes.checksum().to_owned(),
        out: args.out.clone(),
    };
    let (count, bytes) = (grouped(json.rows as u64), json.bytes_per_row);
    let output = &mut settings.output;
    output.text(format_args!("{count} rows of {bytes} bytes"))?;
    output.text(format_args!("mean squared error of a row {squared_error:.6}"))?;
    output.text(format_args!("wrote {}", args.out.display()))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}
