//! Times k-means and product quantization on a raw file of numbers, for `bench/peers/codebooks.py`.
//!
//! `timing kmeans FILE WIDTH K STEPS PRUNING` takes the first K rows as starting centroids; PRUNING is `auto`,
//! `off` or a number of groups. `timing product FILE WIDTH M BITS`. Prints one line of JSON; seconds are of the
//! wall clock. `RAYON_NUM_THREADS` sets the threads, `OUT` names a file for the assignment.

#![expect(clippy::print_stdout, reason = "it is a program")]

use ocelli_codebooks::{
    EmptyRule, KMeans, KMeansConfig, ProductConfig, ProductQuantizer, Pruning, Rows,
};
use ocelli_random::Seed;
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [what, file, width, rest @ ..] = &arguments[..] else { return Err("too few".into()) };
    let bytes = std::fs::read(file)?;
    let (chunks, _) = bytes.as_chunks::<4>();
    let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let rows = Rows::dense(&values, width.parse()?);
    match (*what, rest) {
        ("kmeans", [k, steps, pruning]) => kmeans(rows, k.parse()?, steps.parse()?, pruning),
        ("product", [codebooks, bits]) => product(rows, codebooks.parse()?, bits.parse()?),
        _ => Err("kmeans FILE WIDTH K STEPS PRUNING or product FILE WIDTH M BITS".into()),
    }
}

fn kmeans(rows: Rows<'_>, k: usize, steps: usize, pruning: &str) -> Result<(), Box<dyn Error>> {
    let pruning = match pruning {
        "auto" => Pruning::Auto,
        "off" => Pruning::Off,
        groups => Pruning::Groups(groups.parse()?),
    };
    let start: Vec<f32> = (0..k).flat_map(|row| rows.row(row).iter().copied()).collect();
    let empty = EmptyRule::Split;
    let config = KMeansConfig {
        k,
        restarts: 1,
        steps,
        tolerance: 0.0,
        empty,
        pruning,
        ..KMeansConfig::default()
    };
    let kmeans = KMeans::new(config)?;
    let begun = Instant::now();
    let fit = kmeans.fit_from(rows, &start, Seed(1234))?;
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(out) = std::env::var_os("OUT") {
        let bytes: Vec<u8> =
            fit.assignment.iter().flat_map(|cluster| cluster.to_le_bytes()).collect();
        std::fs::write(out, bytes)?;
    }
    let share = fit.evaluations as f64 / ((fit.iterations + 1) * rows.count() * k) as f64;
    println!(
        "{{\"seconds\": {seconds}, \"inertia\": {}, \"iterations\": {}, \"evaluated\": {share}, \"repaired\": {}}}",
        fit.inertia, fit.iterations, fit.repaired
    );
    Ok(())
}

fn product(rows: Rows<'_>, codebooks: usize, bits: u32) -> Result<(), Box<dyn Error>> {
    let config = ProductConfig { codebooks, bits, ..ProductConfig::default() };
    let begun = Instant::now();
    let trained = ProductQuantizer::train(rows, &config, Seed(1234))?;
    let train = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let codes = trained.quantizer.encode(rows)?;
    let encode = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let decoded = trained.quantizer.decode(&codes)?;
    let decode = begun.elapsed().as_secs_f64();
    println!(
        "{{\"train\": {train}, \"encode\": {encode}, \"decode\": {decode}, \"rows\": {}, \"squared_error\": {}}}",
        decoded.len() / rows.channels(),
        trained.squared_error
    );
    Ok(())
}
