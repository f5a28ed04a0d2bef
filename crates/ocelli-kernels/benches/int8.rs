//! Inference layers on integers beside the same in `f32`, on shapes of ResNet-18, ResNet-20 and
//! MobileNetV2, batch 1 and 16. Criterion's throughput counts multiply-adds; `peak` says what the
//! instructions could do at most.
//!
//! Caveat: one kernel alone finds its input in the last cache more often than in a network.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_kernels::int8::{
    AddendKind, ByteGrid, Output, OutputKind, PackedConv, PackedDepthwise, QuantizedLayer,
};
use ocelli_kernels::quantize::Grid;
use ocelli_kernels::{Activation, Axis, Conv, Depthwise, Finish, Geometry, Rows, RowsMut, Window};
use std::hint::black_box;

/// A square image of `size` pixels under a `kernel` with symmetric padding.
fn geometry(batch: usize, size: usize, kernel: usize, stride: usize) -> Geometry {
    let before = kernel / 2;
    let window = Window { kernel, stride, dilation: 1, before };
    let axis = Axis { window, input: size, output: (size + 2 * before - kernel) / stride + 1 };
    Geometry { batch, rows: axis, columns: axis }
}

fn floats(length: usize) -> Vec<f32> {
    (0..length).map(|place| (place % 251) as f32 / 125.0 - 1.0).collect()
}

fn codes(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 7 % 251) as u8).collect()
}

const WEIGHT: [Grid; 1] = [Grid { offset: -1.28, step: 0.01, top: 255 }];

/// A layer whose output are codes, after a ReLU.
fn layer<'a>(codes: &'a [u8], bias: &'a [f32]) -> Option<QuantizedLayer<'a>> {
    let grid = ByteGrid::new(Grid { offset: 0.0, step: 0.02, top: 255 })?;
    Some(QuantizedLayer {
        codes,
        grids: &WEIGHT,
        factors: None,
        bias: Some(bias),
        input: grid,
        before_addend: None,
        addend: AddendKind::None,
        range: [0.0, f32::INFINITY],
        output: OutputKind::Codes(grid),
    })
}

fn convolutions(criterion: &mut Criterion) {
    /// Batch, size, kernel, stride, input channels, output channels.
    const SHAPES: [[usize; 6]; 14] = [
        [1, 56, 3, 1, 64, 64],
        [16, 56, 3, 1, 64, 64],
        [1, 28, 3, 1, 128, 128],
        [1, 14, 3, 1, 256, 256],
        [1, 7, 3, 1, 512, 512],
        [16, 7, 3, 1, 512, 512],
        [1, 224, 7, 2, 3, 64],
        [1, 32, 3, 1, 16, 16],
        [16, 32, 3, 1, 16, 16],
        [1, 8, 3, 1, 64, 64],
        [1, 56, 1, 1, 24, 144],
        [1, 56, 1, 1, 144, 24],
        [16, 14, 1, 1, 96, 576],
        [1, 7, 1, 1, 320, 1280],
    ];
    let mut group = criterion.benchmark_group("int8 convolution");
    group.sample_size(20);
    for [batch, size, kernel, stride, inputs, outputs] in SHAPES {
        let geometry = geometry(batch, size, kernel, stride);
        let conv = Conv { geometry, in_channels: inputs, out_channels: outputs };
        let weight_len = geometry.taps() * inputs * outputs;
        let pixels = [geometry.input_pixels(), geometry.output_pixels()];
        let (bias, weight) = (floats(outputs), codes(weight_len));
        let name = format!("{inputs}-{outputs} {kernel}x{kernel}/{stride} @{size} x{batch}");
        group.throughput(Throughput::Elements((pixels[1] * weight_len) as u64));
        if let Some(layer) = layer(&weight, &bias) {
            let packed = PackedConv::new(conv, &layer);
            let (x, mut y) = (codes(pixels[0] * inputs), vec![0; pixels[1] * outputs]);
            group.bench_function(BenchmarkId::new("int8", &name), |bencher| {
                bencher.iter(|| {
                    let y = Output::Codes(RowsMut::dense(black_box(&mut y), outputs));
                    packed.run(batch, Rows::dense(&x, inputs), None, y);
                });
            });
        }
        let packed = conv.pack(&floats(weight_len));
        let (x, mut y) = (floats(pixels[0] * inputs), floats(pixels[1] * outputs));
        let finish =
            Finish { bias: Some(&bias), activation: Some(Activation::Relu), ..Finish::default() };
        group.bench_function(BenchmarkId::new("f32", &name), |bencher| {
            bencher.iter(|| {
                let y = RowsMut::dense(black_box(&mut y), outputs);
                conv.infer(Rows::dense(&x, inputs), &packed, &finish, y);
            });
        });
    }
}

fn depthwise(criterion: &mut Criterion) {
    /// Batch, size, kernel, stride, channels.
    const SHAPES: [[usize; 5]; 5] = [
        [1, 112, 3, 1, 32],
        [1, 56, 3, 1, 144],
        [1, 28, 3, 2, 192],
        [16, 14, 3, 1, 576],
        [1, 28, 5, 1, 120],
    ];
    let mut group = criterion.benchmark_group("int8 depthwise");
    group.sample_size(20);
    for [batch, size, kernel, stride, channels] in SHAPES {
        let geometry = geometry(batch, size, kernel, stride);
        let conv = Depthwise { geometry, channels };
        let weight_len = geometry.taps() * channels;
        let pixels = [geometry.input_pixels(), geometry.output_pixels()];
        let (bias, weight) = (floats(channels), codes(weight_len));
        let name = format!("{channels} {kernel}x{kernel}/{stride} @{size} x{batch}");
        group.throughput(Throughput::Elements((pixels[1] * weight_len) as u64));
        if let Some(layer) = layer(&weight, &bias) {
            let packed = PackedDepthwise::new(conv, &layer);
            let (x, mut y) = (codes(pixels[0] * channels), vec![0; pixels[1] * channels]);
            group.bench_function(BenchmarkId::new("int8", &name), |bencher| {
                bencher.iter(|| {
                    let y = Output::Codes(RowsMut::dense(black_box(&mut y), channels));
                    packed.run(batch, Rows::dense(&x, channels), None, y);
                });
            });
        }
        let packed = conv.pack(&floats(weight_len));
        let (x, mut y) = (floats(pixels[0] * channels), floats(pixels[1] * channels));
        let finish =
            Finish { bias: Some(&bias), activation: Some(Activation::Relu), ..Finish::default() };
        group.bench_function(BenchmarkId::new("f32", &name), |bencher| {
            bencher.iter(|| {
                let y = RowsMut::dense(black_box(&mut y), channels);
                conv.infer(Rows::dense(&x, channels), &packed, &finish, y);
            });
        });
    }
}

/// When a second thread is worth it: pointwise layers of 64 channels as a whole on one thread, and in two halves
/// on two. The limit below which layers are not shared out (`int8::threads`) is where halves begin to win.
fn sharing(criterion: &mut Criterion) {
    const CHANNELS: usize = 64;
    const PIXELS: [usize; 6] = [32, 64, 128, 192, 256, 512];
    let mut group = criterion.benchmark_group("int8 sharing");
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build());
    let [Ok(one), Ok(two)] = pools else { return };
    let (bias, weight) = (floats(CHANNELS), codes(CHANNELS * CHANNELS));
    let Some(layer) = layer(&weight, &bias) else { return };
    let packed = PackedConv::new(Conv::linear(1, CHANNELS, CHANNELS), &layer);
    for pixels in PIXELS {
        let (x, mut y) = (codes(pixels * CHANNELS), vec![0; pixels * CHANNELS]);
        let products = pixels * CHANNELS * CHANNELS;
        group.throughput(Throughput::Elements(products as u64));
        group.bench_function(BenchmarkId::new("whole", products), |bencher| {
            one.install(|| {
                bencher.iter(|| {
                    let y = Output::Codes(RowsMut::dense(black_box(&mut y), CHANNELS));
                    packed.run(pixels, Rows::dense(&x, CHANNELS), None, y);
                });
            });
        });
        group.bench_function(BenchmarkId::new("halves", products), |bencher| {
            two.install(|| {
                bencher.iter(|| {
                    let (low, high) = y.split_at_mut(pixels / 2 * CHANNELS);
                    let (x_low, x_high) = x.split_at(pixels / 2 * CHANNELS);
                    let run = |x: &[u8], y: &mut [u8]| {
                        let y = Output::Codes(RowsMut::dense(black_box(y), CHANNELS));
                        packed.run(pixels / 2, Rows::dense(x, CHANNELS), None, y);
                    };
                    rayon::join(|| run(x_low, low), || run(x_high, high));
                });
            });
        });
    }
}

#[cfg(target_arch = "x86_64")]
mod registers {
    #![expect(unsafe_code, reason = "the instructions are checked for before")]

    use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi32};
    use std::hint::black_box;

    pub(crate) const STEPS: u64 = 100_000;
    /// Independent sums, enough to hide the latency of two units.
    const CHAINS: usize = 12;
    /// Multiply-adds of [`run`].
    pub(crate) const PRODUCTS: u64 = STEPS * CHAINS as u64 * 64;

    /// Runs them, where there are the instructions.
    pub(crate) fn products() -> Option<i32> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        // SAFETY: AVX-512 F and VNNI were found.
        has.then(|| unsafe { run() })
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn run() -> i32 {
        let codes = _mm512_set1_epi32(black_box(0x0102_0304));
        let weights = _mm512_set1_epi32(black_box(0x0101_0101));
        let mut sums = [_mm512_set1_epi32(0); CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, codes, weights);
            }
        }
        sums.into_iter().fold(0_i32, |all, sum| all.wrapping_add(_mm512_reduce_add_epi32(sum)))
    }
}

/// What one thread's instructions could do.
fn peak(criterion: &mut Criterion) {
    #[cfg(target_arch = "x86_64")]
    {
        let mut group = criterion.benchmark_group("int8 peak");
        group.throughput(Throughput::Elements(registers::PRODUCTS));
        group.bench_function("AVX-512 VNNI in registers", |bencher| {
            bencher.iter(registers::products);
        });
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = criterion;
}

criterion_group!(benches, convolutions, depthwise, sharing, peak);
criterion_main!(benches);
