//! Mixtures of quantizers on weights of ResNet-18, beside a copy of the same bytes.
//!
//! Criterion's throughput counts weights. A forward pass reads and writes each, a backward pass reads each and its
//! gradient; statistics are what the quantizers are fitted to.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_kernels::quantize::{Branch, Mixture, Per, Quantizer, Statistics, Weights, Zero};
use ocelli_kernels::{Rows, RowsMut, Write, copy};
use std::hint::black_box;

/// The weights of a 3 × 3 convolution of 512 channels to 512.
const CHANNELS: usize = 512;
const WEIGHTS: usize = CHANNELS * CHANNELS * 9;

fn quantizers(criterion: &mut Criterion) {
    let w: Vec<f32> = (0..WEIGHTS).map(|at| (at as f32 * 12.9898).sin()).collect();
    let (mut q, mut gradient) = (w.clone(), w.clone());
    let Ok(weights) = Weights::new(&w, CHANNELS) else { return };
    let branch = |quantizer, per| {
        weights.branch(quantizer, per, Zero::Paper, &weights.start(quantizer, per))
    };
    let min_max = |bits| branch(Quantizer::MinMax { bits }, Per::Tensor);
    let per_channel = |bits| branch(Quantizer::MinMax { bits }, Per::Channel);
    let sawb = |bits| branch(Quantizer::Sawb { bits }, Per::Tensor);
    let lsq = branch(Quantizer::Lsq { bits: 2 }, Per::Tensor);
    let dorefa = branch(Quantizer::DoReFa { bits: 2 }, Per::Tensor);
    let three = [0.5, 0.3, 0.2];
    let cases: [(&str, Vec<Branch>, &[f32]); 6] = [
        ("min_max 2", vec![min_max(2)], &[1.0]),
        ("min_max 2, 4, 8", vec![min_max(2), min_max(4), min_max(8)], &three),
        ("by channel 2, 4, 8", vec![per_channel(2), per_channel(4), per_channel(8)], &three),
        ("sawb 2, 4, 8", vec![sawb(2), sawb(4), sawb(8)], &three),
        ("lsq 2", vec![lsq], &[1.0]),
        ("dorefa 2", vec![dorefa], &[1.0]),
    ];
    let mut group = criterion.benchmark_group("quantize");
    group.sample_size(20).throughput(Throughput::Elements(WEIGHTS as u64));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| {
            let to = RowsMut::dense(black_box(&mut q), CHANNELS);
            copy(Rows::dense(&w, CHANNELS), to, Write::Replace);
        });
    });
    group.bench_function("statistics", |bencher| bencher.iter(|| Statistics::new(black_box(&w))));
    for (name, branches, shares) in &cases {
        let mixture = Mixture::new(&w, CHANNELS, branches, shares);
        group.bench_function(BenchmarkId::new("forward", name), |bencher| {
            bencher.iter(|| mixture.forward(black_box(&mut q)));
        });
        group.bench_function(BenchmarkId::new("backward", name), |bencher| {
            bencher.iter(|| mixture.backward(black_box(&mut gradient)));
        });
    }
    group.finish();
}

criterion_group!(benches, quantizers);
criterion_main!(benches);
