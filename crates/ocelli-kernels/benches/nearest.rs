//! Exact nearest centroids: those of a k-means of wide rows, and of one sub-space of a product quantizer.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::NearestIndex;

fn numbers(length: usize, mut state: u32) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

fn nearest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nearest");
    group.sample_size(10);
    for (count, width, k) in [(4096, 256, 1000), (16384, 16, 256), (4096, 64, 64)] {
        let (rows, centroids) = (numbers(count * width, 1), numbers(k * width, 2));
        let mut assignment = vec![0; count];
        group.throughput(Throughput::Elements((count * width * k) as u64));
        group.bench_function(
            BenchmarkId::new("assign", format!("{count}x{width}, k={k}")),
            |bencher| {
                bencher.iter(|| {
                    let index =
                        NearestIndex::new(Rows::dense(&centroids, width), &vec![0.0; width]);
                    index.assign(Rows::dense(&rows, width), &mut assignment);
                });
            },
        );
    }
}

criterion_group!(benches, nearest);
criterion_main!(benches);
