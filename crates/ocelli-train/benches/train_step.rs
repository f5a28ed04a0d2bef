//! Time and memory of one training step: forward, backward and an update by SGD with momentum.
//!
//! ```text
//! train_step MODEL:BATCHxSIZE [REPEATS]
//! ```
//!
//! prints one JSON object with the time of each repeat, in milliseconds, and the most memory that
//! the process ever had, in mebibytes. `bench/run_train_step.sh` runs it in turns with the same
//! step in PyTorch: the CPU's frequency and its neighbours move such figures by tens of per cent,
//! so single runs say little. Without arguments (`cargo bench`) it runs a small network once.

#![expect(clippy::print_stdout, reason = "a benchmark talks to its caller")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{GradientEngine, Network, TrainPass};
use ocelli_random::Seed;
use ocelli_train::optimizer::Optimizer;
use ocelli_train::recipe::{OptimizerKind, OptimizerSection};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// Steps that are not timed: they fill memory and caches.
const WARM_UP: usize = 2;

struct Case {
    model: String,
    batch: usize,
    size: usize,
}

impl Case {
    /// As in `ghostnet_100:16x224`.
    fn parse(text: &str) -> Option<Self> {
        let (model, shape) = text.split_once(':')?;
        let (batch, size) = shape.split_once('x')?;
        Some(Self { model: model.into(), batch: batch.parse().ok()?, size: size.parse().ok()? })
    }

    fn network(&self) -> Result<Network, Failure> {
        let model = registry::find(&self.model)?;
        let options = ModelOptions { drop_path: Some(0.0), dropout: Some(0.0), ..model.options() };
        Ok(model.network(&options, Seed(0), &Device::flex())?)
    }

    fn images(&self) -> Tensor<4> {
        let shape = [self.batch, 3, self.size, self.size];
        let length: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// The milliseconds of each of `repeats` steps.
    fn times(&self, repeats: usize) -> Result<Vec<f64>, Failure> {
        let (mut network, images) = (self.network()?, self.images());
        let mut engine = GradientEngine::new();
        let section = OptimizerSection { kind: OptimizerKind::Sgd, ..OptimizerSection::default() };
        let mut optimizer = Optimizer::new(&section);
        let mut times = Vec::new();
        for step in 0..WARM_UP + repeats {
            let start = Instant::now();
            let mut pass = TrainPass::new(Seed(0), step as u64, 0);
            let loss = |logits: Tensor<2>| logits.powi_scalar(2).mean();
            let result = engine.differentiate(&network, images.clone(), &mut pass, loss)?;
            network.apply_batch_stats(pass.stats())?;
            optimizer.step(network.params_mut(), &result.gradients, 1e-3)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times.split_off(WARM_UP))
    }
}

/// The most memory that this process ever had, in mebibytes, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let case = arguments.first().map_or("resnet20_cifar:8x32", String::as_str);
    let case = Case::parse(case).ok_or("the case has the form MODEL:BATCHxSIZE")?;
    let repeats = arguments.get(1).map_or(Ok(1), |text| text.parse())?;
    let times = case.times(repeats)?;
    let times: Vec<String> = times.iter().map(|time| format!("{time:.2}")).collect();
    let memory = peak_memory().map_or("null".to_owned(), |memory| format!("{memory:.0}"));
    println!(r#"{{"tool": "ocelli", "ms": [{}], "peak_mib": {memory}}}"#, times.join(", "));
    Ok(())
}
