//! Times k-means and product quantization on a raw file of numbers, for `bench/peers/codebooks.py`.
//!
//! `timing kmeans FILE WIDTH K STEPS PRUNING` takes the first K rows as starting centroids; PRUNING is `auto`,
//! `off` or a number of groups. `timing product FILE WIDTH M BITS PRUNING`. Prints one line of JSON; seconds are two,
//! of the wall clock and of processors. `RAYON_NUM_THREADS` sets the threads, `OUT` names a file for the assignment.

#![expect(clippy::print_stdout, reason = "it is a program")]

use ocelli_codebooks::{
    EmptyRule, KMeans, KMeansConfig, ProductConfig, ProductQuantizer, Pruning, Rows,
};
use ocelli_random::Seed;
use std::error::Error;
use std::time::Instant;

/// Seconds of the wall clock and of processors, of all threads.
struct Clock {
    begun: Instant,
    processors: f64,
}

impl Clock {
    fn start() -> Self {
        Self { begun: Instant::now(), processors: processor_seconds() }
    }

    fn stop(&self) -> [f64; 2] {
        [self.begun.elapsed().as_secs_f64(), processor_seconds() - self.processors]
    }
}

/// What the threads of this process have used of processors, where Linux tells.
fn processor_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let used = |thread: std::fs::DirEntry| -> Option<f64> {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    threads.filter_map(|thread| used(thread.ok()?)).sum::<f64>() * 1e-9
}

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
        ("product", [codebooks, bits, pruning]) => {
            product(rows, codebooks.parse()?, bits.parse()?, pruning)
        }
        _ => Err("kmeans FILE WIDTH K STEPS PRUNING or product FILE WIDTH M BITS PRUNING".into()),
    }
}

fn pruning_of(text: &str) -> Result<Pruning, Box<dyn Error>> {
    Ok(match text {
        "auto" => Pruning::Auto,
        "off" => Pruning::Off,
        groups => Pruning::Groups(groups.parse()?),
    })
}

fn kmeans(rows: Rows<'_>, k: usize, steps: usize, pruning: &str) -> Result<(), Box<dyn Error>> {
    let pruning = pruning_of(pruning)?;
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
    let clock = Clock::start();
    let fit = kmeans.fit_from(rows, &start, Seed(1234))?;
    let seconds = clock.stop();
    if let Some(out) = std::env::var_os("OUT") {
        let bytes: Vec<u8> =
            fit.assignment.iter().flat_map(|cluster| cluster.to_le_bytes()).collect();
        std::fs::write(out, bytes)?;
    }
    let share = fit.evaluations as f64 / ((fit.iterations + 1) * rows.count() * k) as f64;
    println!(
        "{{\"seconds\": {seconds:?}, \"inertia\": {}, \"iterations\": {}, \"evaluated\": {share}, \"repaired\": {}}}",
        fit.inertia, fit.iterations, fit.repaired
    );
    Ok(())
}

fn product(
    rows: Rows<'_>,
    codebooks: usize,
    bits: u32,
    pruning: &str,
) -> Result<(), Box<dyn Error>> {
    let config = ProductConfig {
        codebooks,
        bits,
        pruning: pruning_of(pruning)?,
        ..ProductConfig::default()
    };
    let clock = Clock::start();
    let trained = ProductQuantizer::train(rows, &config, Seed(1234))?;
    let train = clock.stop();
    let clock = Clock::start();
    let codes = trained.quantizer.encode(rows)?;
    let encode = clock.stop();
    let clock = Clock::start();
    let decoded = trained.quantizer.decode(&codes)?;
    let decode = clock.stop();
    // Again, into memory that is there: the first call makes its pages too.
    let mut decoded = decoded;
    let clock = Clock::start();
    trained.quantizer.decode_into(&codes, &mut decoded)?;
    let decode_into = clock.stop();
    println!(
        "{{\"train\": {train:?}, \"encode\": {encode:?}, \"decode\": {decode:?}, \"decode_into\": {decode_into:?}, \"rows\": {}, \"squared_error\": {}}}",
        decoded.len() / rows.channels(),
        trained.squared_error
    );
    Ok(())
}
