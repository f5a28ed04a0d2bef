//! The contrastive loss with its gradient, beside the form that holds the matrix of all pairs.
//!
//! Criterion's throughput counts pairs. The naive form uses the same matrix product, in one piece; at 4,096
//! rows it holds two matrices of 64 MiB, the tiled one less than a megabyte.
//!
//! Caveat: the naive form takes exponentials one by one, as plain code does.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_kernels::{
    Axis, Conv, Geometry, Rows, RowsMut, Window, Write, nt_xent, two_towers, unit,
};
use std::hint::black_box;

const CHANNELS: usize = 128;
const SCALE: f32 = 10.0;

/// Rows of length 1 that point anywhere.
fn unit_rows(count: usize) -> Vec<f32> {
    let x: Vec<f32> = (0..count * CHANNELS).map(|at| (at as f32 * 12.9898).sin()).collect();
    let mut y = x.clone();
    unit(Rows::dense(&x, CHANNELS), 1e-12, RowsMut::dense(&mut y, CHANNELS));
    y
}

/// NT-Xent by the formula: all scores, their softmax, its sum with its transpose, and one product.
fn naive_nt_xent(z: &[f32], gradient: &mut [f32]) -> f64 {
    let count = z.len() / CHANNELS;
    let window = Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let axis = |pixels| Axis { window, input: pixels, output: pixels };
    let geometry = Geometry { batch: 1, rows: axis(1), columns: axis(count) };
    let product = Conv { geometry, in_channels: CHANNELS, out_channels: count };
    let mut scores = vec![0.0; count * count];
    let to = RowsMut::dense(&mut scores, count);
    product.forward(Rows::dense(z, CHANNELS), z, None, to, None);
    let mut loss = 0.0;
    for (i, row) in scores.chunks_exact_mut(count).enumerate() {
        row[i] = f32::NEG_INFINITY;
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let partner = row[i ^ 1];
        for score in &mut *row {
            *score = (SCALE * (*score - most)).exp();
        }
        let sum: f32 = row.iter().sum();
        for score in &mut *row {
            *score /= sum;
        }
        loss += f64::from(sum.ln() + SCALE * (most - partner));
        row[i ^ 1] -= 1.0;
    }
    let factor = SCALE / count as f32;
    let mut slopes = vec![0.0; count * count];
    for (i, row) in slopes.chunks_exact_mut(count).enumerate() {
        for (j, slope) in row.iter_mut().enumerate() {
            *slope = factor * (scores[i * count + j] + scores[j * count + i]);
        }
    }
    let to = RowsMut::dense(gradient, CHANNELS);
    product.data_gradient(Rows::dense(&slopes, count), z, to, Write::Replace);
    loss / count as f64
}

fn losses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contrastive loss");
    group.sample_size(10);
    for count in [512, 4096] {
        let (z, other) = (unit_rows(count), unit_rows(count + 7));
        let other = &other[7 * CHANNELS..];
        let (mut dz, mut d_other) = (z.clone(), z.clone());
        let tiled = nt_xent(Rows::dense(&z, CHANNELS), 10.0, RowsMut::dense(&mut dz, CHANNELS));
        let naive = naive_nt_xent(&z, &mut d_other);
        assert!((tiled.loss - naive).abs() < 1e-4, "{} is not {naive}", tiled.loss);
        group.throughput(Throughput::Elements((count * count) as u64));
        group.bench_function(BenchmarkId::new("nt-xent, tiled", count), |bencher| {
            bencher.iter(|| {
                let to = RowsMut::dense(black_box(&mut dz), CHANNELS);
                nt_xent(Rows::dense(&z, CHANNELS), 10.0, to)
            });
        });
        group.bench_function(BenchmarkId::new("nt-xent, naive", count), |bencher| {
            bencher.iter(|| naive_nt_xent(&z, black_box(&mut dz)));
        });
        group.bench_function(BenchmarkId::new("two towers, tiled", count), |bencher| {
            bencher.iter(|| {
                let towers = [Rows::dense(&z, CHANNELS), Rows::dense(other, CHANNELS)];
                let to = [&mut dz, &mut d_other];
                two_towers(towers, 10.0, to.map(|to| RowsMut::dense(black_box(to), CHANNELS)))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, losses);
criterion_main!(benches);
