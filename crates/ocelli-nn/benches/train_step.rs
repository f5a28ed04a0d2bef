//! Forward and backward pass of whole networks, without the optimiser.
//!
//! The CPU's frequency and its neighbours move these figures by tens of per cent: compare runs that
//! alternate, never single ones.

use burn::tensor::{Device, Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, GradientEngine, TrainPass};
use ocelli_random::Seed;

/// Model, whether its stem is for small images, batch size, image size.
const CASES: [(&str, bool, usize, usize); 5] = [
    ("ghostnet_050", true, 64, 28),
    ("ghostnet_100", false, 16, 224),
    ("tf_efficientnetv2_b0", false, 16, 224),
    ("resnet18", false, 16, 224),
    ("resnet20_cifar", false, 128, 32),
];

fn train_steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train step");
    group.sample_size(10);
    for (name, small_input, batch, size) in CASES {
        let step = prepare(name, small_input, [batch, 3, size, size]);
        let Ok(mut step) = step else { continue };
        group.throughput(Throughput::Elements(batch as u64));
        let id = BenchmarkId::new(name, format!("{batch}x{size}x{size}"));
        group.bench_function(id, |bencher| bencher.iter(&mut step));
    }
}

fn prepare(name: &str, small_input: bool, shape: [usize; 4]) -> Result<impl FnMut(), Error> {
    let model = registry::find(name)?;
    let options = ModelOptions { small_input, ..model.options() };
    let network = model.network(&options, Seed(0), &Device::flex())?;
    let length: usize = shape.iter().product();
    let values: Vec<f32> = (0..length).map(|place| (place % 251) as f32 / 125.0 - 1.0).collect();
    let images = Tensor::<4>::from_data(TensorData::new(values, shape), &Device::flex());
    let mut engine = GradientEngine::new();
    Ok(move || {
        let mut pass = TrainPass::new(Seed(0), 0, 0);
        let loss = |logits: Tensor<2>| logits.powi_scalar(2).mean();
        engine.differentiate(&network, images.clone(), &mut pass, loss);
    })
}

criterion_group!(benches, train_steps);
criterion_main!(benches);
