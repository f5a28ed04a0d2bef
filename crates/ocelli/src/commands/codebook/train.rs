//! `ocelli codebook train`: codebooks of rows.

use anyhow::Context;
use ocelli::codebooks::{ProductConfig, ProductQuantizer, Rows};
use ocelli::random::Seed;
use serde::Serialize;
use std::path::PathBuf;

use crate::failure::Done;
use crate::npy;
use crate::output::grouped;
use crate::own_files::check_output;
use crate::settings::Settings;
use crate::whole_file::write_whole;

/// What can be typed after `ocelli codebook train`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rows
    #[arg(value_name = "FILE.npy")]
    rows: PathBuf,
    /// The safetensors file to write, whole or not at all
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How many codes a row has; it divides the number of columns
    #[arg(long, value_name = "M", default_value_t = 32)]
    codebooks: usize,
    /// How many bits a code has, 2 to 16
    #[arg(long, value_name = "BITS", default_value_t = 8)]
    bits: u32,
    /// The most steps of each k-means
    #[arg(long, value_name = "N", default_value_t = 25)]
    steps: usize,
    /// Of more rows than that for each centroid a sample is drawn; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 256)]
    rows_per_centroid: usize,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct TrainJson {
    rows: usize,
    rows_used: usize,
    width: usize,
    codebooks: usize,
    bits: u32,
    bytes_per_row: usize,
    bytes: usize,
    squared_error: f64,
    iterations: Vec<usize>,
    checksum: String,
    out: PathBuf,
}

/// Makes codebooks.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.out, "safetensors", args.force)?;
    let matrix = npy::read(&args.rows)?;
    let named = || args.rows.display().to_string();
    let rows = Rows::dense(&matrix.values, matrix.width);
    tracing::info!("{}: {} rows of {}", named(), grouped(rows.count() as u64), matrix.width);
    let config = ProductConfig {
        codebooks: args.codebooks,
        bits: args.bits,
        steps: args.steps,
        rows_per_centroid: Some(args.rows_per_centroid).filter(|rows| *rows > 0),
        ..ProductConfig::default()
    };
    let seed = Seed(settings.seed.unwrap_or_default());
    let trained = ProductQuantizer::train(rows, &config, seed).with_context(named)?;
    if let Some(few) = trained.warning {
        let (rows, wanted) = (grouped(few.rows as u64), grouped(few.wanted as u64));
        tracing::warn!("{rows} rows are few for codebooks of this size, which want {wanted}");
    }
    let quantizer = &trained.quantizer;
    write_whole(&args.out, quantizer.to_bytes()?)?;
    let json = TrainJson {
        rows: matrix.rows,
        rows_used: trained.rows,
        width: matrix.width,
        codebooks: args.codebooks,
        bits: args.bits,
        bytes_per_row: quantizer.bytes_per_row(),
        bytes: quantizer.bytes(),
        squared_error: trained.squared_error,
        iterations: trained.iterations.clone(),
        checksum: quantizer.checksum().to_owned(),
        out: args.out.clone(),
    };
    let TrainJson { codebooks, bits, bytes_per_row, squared_error, checksum, .. } = &json;
    let output = &mut settings.output;
    output.text(format_args!("{codebooks} codes of {bits} bits: {bytes_per_row} bytes a row"))?;
    output.text(format_args!("mean squared error of a row {squared_error:.6}"))?;
    output.text(format_args!("wrote {}: codebooks {checksum}", args.out.display()))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}
