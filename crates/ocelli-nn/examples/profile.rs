//! Where the time of a training step goes: per step of the plan, forward and backward.
//!
//! ```text
//! cargo run --release -p ocelli-nn --example profile -- ghostnet_100:16x224 10
//! ```
//!
//! prints milliseconds per training step, most first. It listens to the spans that a plan opens for
//! each of its steps; without a listener they cost nothing.

#![expect(clippy::print_stdout, reason = "a profile is printed")]

use burn::tensor::{Device, Tensor};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{GradientEngine, TrainPass};
use ocelli_random::Seed;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// How often a step ran, and for how long in all.
type Times = HashMap<String, (u32, Duration)>;

/// Adds up the time of spans by name and label. Spans do not nest.
#[derive(Clone, Default)]
struct Profile {
    times: Arc<Mutex<Times>>,
    current: Arc<Mutex<Option<(String, Instant)>>>,
}

struct Label(String);

impl Visit for Label {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        self.0 = format!("{value:?}");
    }
}

impl Subscriber for Profile {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("ocelli_nn::train_plan")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut label = Label(String::new());
        span.record(&mut label);
        let name = format!("{:8} {}", span.metadata().name(), label.0);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some((name, Instant::now()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((name, start)) = current else { return };
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, time) = times.entry(name).or_default();
        *count += 1;
        *time += start.elapsed();
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let case = arguments.first().map_or("ghostnet_100:16x224", String::as_str);
    let repeats: u32 = arguments.get(1).map_or(Ok(10), |text| text.parse())?;
    let (name, shape) = case.split_once(':').ok_or("the case has the form MODEL:BATCHxSIZE")?;
    let (batch, size) = shape.split_once('x').ok_or("the case has the form MODEL:BATCHxSIZE")?;
    let (batch, size): (usize, usize) = (batch.parse()?, size.parse()?);

    let model = registry::find(name)?;
    let options = ModelOptions { drop_path: Some(0.0), dropout: Some(0.0), ..model.options() };
    let network = model.network(&options, Seed(0), &Device::flex())?;
    let images = Tensor::<4>::ones([batch, 3, size, size], &Device::flex());
    let mut engine = GradientEngine::new();
    let mut step = || {
        let mut pass = TrainPass::new(Seed(0), 0, 0);
        let loss = |logits: Tensor<2>| logits.powi_scalar(2).mean();
        engine.differentiate(&network, images.clone(), &mut pass, loss).map(drop)
    };
    step()?;
    let profile = Profile::default();
    // Global, as the plan runs on a thread of the pool.
    tracing::subscriber::set_global_default(profile.clone())?;
    let start = Instant::now();
    (0..repeats).try_for_each(|_| step())?;
    let total = start.elapsed();

    let times = std::mem::take(&mut *profile.times.lock().unwrap_or_else(PoisonError::into_inner));
    let mut rows: Vec<_> = times.into_iter().collect();
    rows.sort_by_key(|(_, (_, time))| std::cmp::Reverse(*time));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(repeats);
    println!("{:9.2} ms a step", milliseconds(total));
    for (name, (count, time)) in rows {
        println!("{:9.2} ms in {:2} × {name}", milliseconds(time), count / repeats);
    }
    Ok(())
}
