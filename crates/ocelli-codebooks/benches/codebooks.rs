//! k-means and product quantization on noise and on clusters, small enough for every change.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ocelli_codebooks::{
    KMeans, KMeansConfig, ProductConfig, ProductQuantizer, Pruning, Rows, Seeding,
};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

fn noise(length: usize) -> Vec<f32> {
    let mut stream = Seed(0).stream(Purpose("bench"), 0, 0);
    (0..length).map(|_| stream.random_range(-1.0..1.0)).collect()
}

fn kmeans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kmeans");
    group.sample_size(10);
    let values = noise(10_000 * 64);
    let rows = Rows::dense(&values, 64);
    for (name, pruning) in [("plain", Pruning::Off), ("pruned", Pruning::Auto)] {
        let (steps, seeding) = (10, Seeding::Random);
        let config = KMeansConfig {
            k: 256,
            restarts: 1,
            steps,
            seeding,
            pruning,
            ..KMeansConfig::default()
        };
        let Ok(kmeans) = KMeans::new(config) else { return };
        group.bench_function(name, |bencher| bencher.iter(|| kmeans.fit(rows, Seed(0))));
    }
}

fn product(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("product quantizer");
    group.sample_size(10);
    let values = noise(8192 * 128);
    let rows = Rows::dense(&values, 128);
    let config = ProductConfig { codebooks: 8, steps: 10, ..ProductConfig::default() };
    let Ok(trained) = ProductQuantizer::train(rows, &config, Seed(0)) else { return };
    let encoder = trained.quantizer.encoder();
    let Ok(codes) = encoder.encode(rows) else { return };
    group.throughput(Throughput::Elements(8192));
    group.bench_function("encode", |bencher| bencher.iter(|| encoder.encode(rows)));
    group.bench_function("decode", |bencher| bencher.iter(|| trained.quantizer.decode(&codes)));
    group.bench_function("train", |bencher| {
        bencher.iter(|| ProductQuantizer::train(rows, &config, Seed(0)));
    });
}

criterion_group!(benches, kmeans, product);
criterion_main!(benches);
