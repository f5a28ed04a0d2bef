//! Compiled inference of whole networks, batches of one and of sixteen.
//!
//! The CPU's frequency and its neighbours move these figures by tens of per cent: compare runs that
//! alternate, never single ones.

use burn::tensor::{Device, Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_nn::registry;
use ocelli_nn::{Error, InferenceEngine};
use ocelli_random::Seed;

/// Model and image size.
const CASES: [(&str, usize); 5] = [
    ("ghostnet_100", 224),
    ("tf_efficientnetv2_b0", 224),
    ("resnet18", 224),
    ("efficientnet_lite0", 224),
    ("resnet20_cifar", 32),
];

fn inference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("inference");
    group.sample_size(10);
    for (name, size) in CASES {
        for batch in [1, 16] {
            let Ok(mut run) = prepare(name, [batch, 3, size, size]) else { continue };
            group.throughput(Throughput::Elements(batch as u64));
            let id = BenchmarkId::new(name, format!("{batch}x{size}x{size}"));
            group.bench_function(id, |bencher| bencher.iter(&mut run));
        }
    }
}

fn prepare(
    name: &str,
    shape: [usize; 4],
) -> Result<impl FnMut() -> Result<Tensor<2>, Error>, Error> {
    let model = registry::find(name)?;
    let network = model.network(&model.options(), Seed(0), &Device::flex())?;
    let length: usize = shape.iter().product();
    let values: Vec<f32> = (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect();
    let images = Tensor::<4>::from_data(TensorData::new(values, shape), &Device::flex());
    let mut engine = InferenceEngine::new(&network)?;
    Ok(move || engine.logits(images.clone()))
}

criterion_group!(benches, inference);
criterion_main!(benches);
