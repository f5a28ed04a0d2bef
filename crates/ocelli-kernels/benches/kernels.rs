//! Time per kernel family on shapes of GhostNet, EfficientNetV2-B0 and ResNet-18 at 224 × 224,
//! batch 16. Criterion's throughput counts multiply-adds for convolutions, bytes for the rest.
//!
//! Caveat: one kernel alone finds its input in the last cache more often than in a network.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_kernels::{
    Activation, Axis, Conv, Depthwise, Geometry, Norm, Rows, RowsMut, Statistics, Window, Write,
};
use std::hint::black_box;

const BATCH: usize = 16;

/// A square image of `size` pixels under a `kernel` with symmetric padding.
fn geometry(size: usize, kernel: usize, stride: usize) -> Geometry {
    let before = kernel / 2;
    let window = Window { kernel, stride, dilation: 1, before };
    let axis = Axis { window, input: size, output: (size + 2 * before - kernel) / stride + 1 };
    Geometry { batch: BATCH, rows: axis, columns: axis }
}

/// Something in every number, so that nothing is denormal or zero.
fn filled(length: usize) -> Vec<f32> {
    (0..length).map(|index| (index % 251) as f32 / 125.0 - 1.0).collect()
}

fn convolutions(criterion: &mut Criterion) {
    /// Size, kernel, stride, input channels, output channels.
    const SHAPES: [(usize, usize, usize, usize, usize); 14] = [
        (112, 1, 1, 16, 8),
        (112, 1, 1, 16, 24),
        (56, 1, 1, 36, 12),
        (14, 1, 1, 200, 40),
        (14, 1, 1, 112, 672),
        (7, 1, 1, 160, 480),
        (7, 1, 1, 192, 1152),
        (7, 1, 1, 1152, 192),
        (224, 3, 2, 3, 16),
        (56, 3, 1, 64, 64),
        (28, 3, 1, 128, 128),
        (14, 3, 1, 256, 256),
        (7, 3, 1, 512, 512),
        (16, 5, 1, 96, 192),
    ];
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for (size, kernel, stride, inputs, outputs) in SHAPES {
        let conv = Conv {
            geometry: geometry(size, kernel, stride),
            in_channels: inputs,
            out_channels: outputs,
        };
        let weight_len = conv.geometry.taps() * inputs * outputs;
        let (x, weight) = (filled(conv.geometry.input_pixels() * inputs), filled(weight_len));
        let mut y = filled(conv.geometry.output_pixels() * outputs);
        let (mut dx, mut dweight) = (x.clone(), weight.clone());
        let name = format!("{inputs}-{outputs} {kernel}x{kernel}/{stride} @{size}");
        group.throughput(Throughput::Elements((y.len() * weight_len / outputs) as u64));
        group.bench_function(BenchmarkId::new("forward", &name), |bencher| {
            bencher.iter(|| {
                let mut statistics = Statistics::default();
                let y = RowsMut::dense(black_box(&mut y), outputs);
                conv.forward(Rows::dense(&x, inputs), &weight, None, y, Some(&mut statistics));
            });
        });
        group.bench_function(BenchmarkId::new("data gradient", &name), |bencher| {
            bencher.iter(|| {
                let dx = RowsMut::dense(black_box(&mut dx), inputs);
                conv.data_gradient(Rows::dense(&y, outputs), &weight, dx, Write::Replace);
            });
        });
        group.bench_function(BenchmarkId::new("weight gradient", &name), |bencher| {
            bencher.iter(|| {
                let (x, dy) = (Rows::dense(&x, inputs), Rows::dense(&y, outputs));
                conv.weight_gradient(x, dy, black_box(&mut dweight));
            });
        });
    }
}

fn depthwise(criterion: &mut Criterion) {
    /// Size, kernel, stride, channels.
    const SHAPES: [(usize, usize, usize, usize); 9] = [
        (28, 3, 2, 240),
        (14, 3, 1, 576),
        (7, 3, 1, 1152),
        (112, 3, 1, 8),
        (112, 3, 1, 24),
        (112, 3, 2, 48),
        (28, 5, 1, 60),
        (14, 3, 1, 92),
        (7, 5, 1, 480),
    ];
    let mut group = criterion.benchmark_group("depthwise");
    group.sample_size(10);
    for (size, kernel, stride, channels) in SHAPES {
        let conv = Depthwise { geometry: geometry(size, kernel, stride), channels };
        let x = filled(conv.geometry.input_pixels() * channels);
        let weight = filled(conv.geometry.taps() * channels);
        let mut y = filled(conv.geometry.output_pixels() * channels);
        let (mut dx, mut dweight) = (x.clone(), weight.clone());
        let name = format!("{channels} {kernel}x{kernel}/{stride} @{size}");
        group.throughput(Throughput::Elements((y.len() * conv.geometry.taps()) as u64));
        group.bench_function(BenchmarkId::new("forward", &name), |bencher| {
            bencher.iter(|| {
                let mut statistics = Statistics::default();
                let y = RowsMut::dense(black_box(&mut y), channels);
                conv.forward(Rows::dense(&x, channels), &weight, y, Some(&mut statistics));
            });
        });
        group.bench_function(BenchmarkId::new("data gradient", &name), |bencher| {
            bencher.iter(|| {
                let dx = RowsMut::dense(black_box(&mut dx), channels);
                conv.data_gradient(Rows::dense(&y, channels), &weight, dx, Write::Replace);
            });
        });
        group.bench_function(BenchmarkId::new("weight gradient", &name), |bencher| {
            bencher.iter(|| {
                let (x, dy) = (Rows::dense(&x, channels), Rows::dense(&y, channels));
                conv.weight_gradient(x, dy, black_box(&mut dweight));
            });
        });
    }
}

fn norms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch norm");
    group.sample_size(10);
    for (size, channels) in [(112, 8), (112, 48), (14, 100)] {
        let count = BATCH * size * size;
        let (z, dy) = (filled(count * channels), filled(count * channels));
        let mut y = z.clone();
        let ones = vec![1.0; channels];
        let norm = Norm::new(&ones, &ones, &ones, &ones, 1e-5);
        for (what, activation) in [("relu", Activation::Relu), ("silu", Activation::Silu)] {
            let name = format!("{channels} {what} @{size}");
            let (z, dy) = (Rows::dense(&z, channels), Rows::dense(&dy, channels));
            group.throughput(Throughput::Bytes((count * channels * 8) as u64));
            group.bench_function(BenchmarkId::new("forward", &name), |bencher| {
                bencher.iter(|| {
                    let y = RowsMut::dense(black_box(&mut y), channels);
                    norm.forward(z, Some(activation), y);
                });
            });
            group.throughput(Throughput::Bytes((count * channels * 20) as u64));
            group.bench_function(BenchmarkId::new("backward", &name), |bencher| {
                bencher.iter(|| {
                    let gradients = norm.parameter_gradients(z, dy, Some(activation));
                    let dz = RowsMut::dense(black_box(&mut y), channels);
                    norm.data_gradient(dz, dy, Some(activation), Some(&gradients));
                });
            });
        }
    }
}

criterion_group!(benches, convolutions, depthwise, norms);
criterion_main!(benches);
