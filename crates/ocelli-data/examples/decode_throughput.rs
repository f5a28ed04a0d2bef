//! How many pictures one core prepares for training per second: decode, random resized crop to
//! 224 pixels, flip, normalise.
//!
//! ```sh
//! cargo run --release -p ocelli-data --example decode_throughput -- PICTURES.tar [SECONDS]
//! ```
//!
//! Prints one JSON object. The files are read into memory before the clock starts. On Linux the
//! clock is the time that this thread had a core, so that other work on the machine counts less.
//! `bench/run_decode.sh` runs this and its peers in turns.

#![expect(clippy::print_stdout, reason = "the result goes to stdout")]

use ocelli_data::{
    InputConfig, OpenOptions, Payload, Result, Scratch, TrainConfig, TrainTransform, Transform,
    open,
};
use ocelli_random::{Purpose, Seed};
use std::time::Instant;

const SEED: Seed = Seed(0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: decode_throughput PICTURES.tar [SECONDS]")?;
    let seconds: f64 = arguments.next().map_or(Ok(5.0), |text| text.parse())?;
    let pictures = read_all(&path)?;
    let transform = TrainTransform::new(InputConfig::default(), TrainConfig::default())?;
    let mut worker = Worker { transform, scratch: Scratch::default(), output: Vec::new() };

    // Once around without the clock: fills buffers and caches.
    for (position, picture) in pictures.iter().enumerate() {
        worker.prepare(picture, 0, position as u64)?;
    }
    let clock = Clock::start();
    let mut count = 0_u64;
    while clock.seconds() < seconds {
        let epoch = 1 + count / pictures.len() as u64;
        for (position, picture) in pictures.iter().enumerate() {
            worker.prepare(picture, epoch, position as u64)?;
        }
        count += pictures.len() as u64;
    }
    let elapsed = clock.seconds();
    println!(
        "{}",
        serde_json::json!({
            "tool": "ocelli",
            "images": count,
            "seconds": elapsed,
            "images_per_second": count as f64 / elapsed,
            "seed": SEED.0,
        })
    );
    Ok(())
}

/// Counts the time that this thread runs, or the time that passes where the system cannot say.
struct Clock {
    start: Instant,
    run_before: Option<f64>,
}

impl Clock {
    fn start() -> Self {
        Self { start: Instant::now(), run_before: thread_seconds() }
    }

    fn seconds(&self) -> f64 {
        match (self.run_before, thread_seconds()) {
            (Some(before), Some(now)) => now - before,
            _ => self.start.elapsed().as_secs_f64(),
        }
    }
}

fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

struct Worker {
    transform: TrainTransform,
    scratch: Scratch,
    output: Vec<f32>,
}

impl Worker {
    fn prepare(&mut self, picture: &Payload, epoch: u64, position: u64) -> Result<()> {
        self.output.resize(self.transform.shape().iter().product(), 0.0);
        let mut random = SEED.stream(Purpose::AUGMENT, epoch, position);
        self.transform.apply(picture, &mut random, &mut self.scratch, &mut self.output)
    }
}

fn read_all(path: &str) -> Result<Vec<Payload>> {
    let source = open(path, &OpenOptions::default())?;
    (0..source.len()).map(|index| source.read(index).map(|record| record.payload)).collect()
}
