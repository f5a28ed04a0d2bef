//! Decoding, resizing and preparing pictures on one core.
//!
//! ```sh
//! cargo bench -p ocelli-data
//! ```
//!
//! The picture is synthetic: waves with some noise, in 500 × 375 pixels, as a JPEG of quality 90 of
//! about the size of a photo. These benches show whether a change made a step slower. How fast
//! photos are, side by side with torchvision, is measured by `bench/run_decode.sh`.

#![expect(clippy::expect_used, reason = "a bench that cannot start has nothing to report")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use ocelli_data::augment::{GaussianBlur, PadCrop, RandAugment};
use ocelli_data::{
    DecodeOptions, EvalConfig, EvalTransform, Image, InputConfig, Interpolation, Payload, Scratch,
    TrainConfig, TrainCrop, TrainTransform, Transform, decode, resize,
};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use std::hint::black_box;

const WIDTH: u32 = 500;
const HEIGHT: u32 = 375;

fn picture() -> Image {
    let mut noise = Seed(0).stream(Purpose("bench"), 0, 0);
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (x, y) = (f64::from(x), f64::from(y));
            let wave =
                |period: f64| ((x + 0.7 * y) / period).sin() * ((y - 0.3 * x) / period).cos();
            for period in [41.0, 57.0, 83.0] {
                let level = 128.0 + 60.0 * wave(period) + 30.0 * wave(period / 7.0);
                pixels.push((level + noise.random_range(-12.0..12.0)) as u8);
            }
        }
    }
    Image { width: WIDTH, height: HEIGHT, channels: 3, pixels }
}

fn jpeg(image: &Image, sampling: SamplingFactor) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(sampling);
    let (width, height) = (image.width as u16, image.height as u16);
    encoder.encode(&image.pixels, width, height, ColorType::Rgb).expect("a valid image");
    bytes
}

fn decoding(criterion: &mut Criterion) {
    let image = picture();
    let mut group = criterion.benchmark_group("decode");
    for (name, sampling) in [("4:2:0", SamplingFactor::R_4_2_0), ("4:4:4", SamplingFactor::R_4_4_4)]
    {
        let bytes = jpeg(&image, sampling);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| decode(black_box(&bytes), &DecodeOptions::default()));
        });
    }
}

fn resizing(criterion: &mut Criterion) {
    let image = picture();
    let mut group = criterion.benchmark_group("resize to 224");
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        group.bench_function(format!("{interpolation:?}"), |bencher| {
            bencher.iter(|| resize(black_box(&image), 224, 224, interpolation));
        });
    }
}

fn preparing(criterion: &mut Criterion) {
    let image = picture();
    let photo = Payload::Encoded(jpeg(&image, SamplingFactor::R_4_2_0));
    let small = resize(&image, 32, 32, Interpolation::Bilinear).expect("a valid size");
    let small = Payload::Pixels(small);
    let train = |size, config| {
        let input = InputConfig { size, ..InputConfig::default() };
        TrainTransform::new(input, config).expect("valid settings")
    };
    let rand_augment = Some(RandAugment::default());
    let padded = TrainConfig { crop: TrainCrop::Pad(PadCrop::default()), ..TrainConfig::default() };
    let blur = Some(GaussianBlur { probability: 1.0, ..GaussianBlur::default() });
    let cases: [(&str, &Payload, Box<dyn Transform>); 5] = [
        ("train 224", &photo, Box::new(train(224, TrainConfig::default()))),
        (
            "train 224 with RandAugment",
            &photo,
            Box::new(train(224, TrainConfig { rand_augment, ..TrainConfig::default() })),
        ),
        (
            "train 224 with blur",
            &photo,
            Box::new(train(224, TrainConfig { blur, ..TrainConfig::default() })),
        ),
        (
            "eval 224",
            &photo,
            Box::new(
                EvalTransform::new(InputConfig::default(), EvalConfig::default())
                    .expect("valid settings"),
            ),
        ),
        ("train 32 from pixels, pad and crop", &small, Box::new(train(32, padded))),
    ];
    let mut group = criterion.benchmark_group("prepare");
    group.throughput(Throughput::Elements(1));
    for (name, picture, transform) in cases {
        let mut scratch = Scratch::default();
        let mut output = vec![0.0; transform.shape().iter().product()];
        let mut position = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                position += 1;
                let mut random = Seed(0).stream(Purpose::AUGMENT, 0, position);
                transform.apply(picture, &mut random, &mut scratch, &mut output)
            });
        });
    }
}

criterion_group!(benches, decoding, resizing, preparing);
criterion_main!(benches);
