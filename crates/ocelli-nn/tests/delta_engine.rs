//! Candidates that differ from a base image in few pixels have the logits of whole images.

mod support;

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::registry;
use ocelli_nn::{DeltaEngine, EditBatch, Error, InferenceEngine, Network, PixelEdit};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::relative_error;
use rand::RngExt;
use support::{noise, values};

/// Candidates of one to `most` edits all over the image, of which the last two are of one pixel;
/// the first candidate has none.
fn candidates(image: [usize; 3], count: usize, most: usize) -> Result<EditBatch, Error> {
    let mut rng = Seed(5).stream(Purpose::INIT, 0, 0);
    let mut edits = EditBatch::new(image);
    edits.push([])?;
    for candidate in 1..count {
        let mut pixel = || [rng.random_range(0..image[1]), rng.random_range(0..image[2])];
        let mut pixels: Vec<[usize; 2]> = (0..=candidate % most).map(|_| pixel()).collect();
        if let [.., before, last] = &mut pixels[..] {
            *last = *before;
        }
        let value: Vec<f32> = (0..image[0]).map(|_| rng.random::<f32>() * 6.0 - 3.0).collect();
        let edit = |(index, pixel): (usize, &[usize; 2])| {
            let value = if index % 2 == 0 { value.as_slice() } else { &[0.5; 9][..image[0]] };
            PixelEdit { row: pixel[0], column: pixel[1], value }
        };
        edits.push(pixels.iter().enumerate().map(edit))?;
    }
    Ok(edits)
}

/// Candidates as whole images.
fn whole(image: &[f32], edits: &EditBatch) -> Tensor<4> {
    let [channels, height, width] = edits.image();
    let mut images = image.repeat(edits.len());
    for (candidate, image) in images.chunks_exact_mut(image.len()).enumerate() {
        for PixelEdit { row, column, value } in edits.candidate(candidate) {
            for (channel, value) in value.iter().enumerate() {
                image[(channel * height + row) * width + column] = *value;
            }
        }
    }
    let shape = [edits.len(), channels, height, width];
    Tensor::from_data(TensorData::new(images, shape), &Device::flex())
}

#[test]
fn candidates_have_the_logits_of_whole_images() -> Result<(), Error> {
    let cases = [
        ("resnet20_cifar", [32, 32], 40),
        ("vgg16_small_cifar", [96, 96], 12),
        ("ghost_vgg16_small_cifar", [64, 67], 12),
        ("mobilenetv2_100", [97, 81], 8),
        ("ghostnet_100", [96, 96], 8),
        ("efficientnetv2_b0", [80, 91], 8),
        ("efficientnet_lite0", [112, 112], 8),
        ("resnet18", [112, 96], 8),
        ("allconv_cifar", [32, 32], 12),
        ("nin_cifar", [32, 32], 12),
        ("vgg16_fc2048_cifar", [32, 32], 12),
        ("lenet_keras_cifar", [32, 32], 12),
        ("resnet32_keras_cifar", [32, 32], 12),
        ("bvlc_alexnet", [227, 227], 4),
    ];
    for (name, [height, width], count) in cases {
        let model = registry::find(name)?;
        let network = model.network(&model.options(), Seed(1), &Device::flex())?;
        let (engine, mut plain) =
            (DeltaEngine::new(&network, [height, width])?, InferenceEngine::new(&network)?);
        assert!(engine.has_plan(), "{name}");
        let image = values(noise([1, 3, height, width]));
        let base = engine.base(&image)?;
        for most in [1, 3, 5] {
            let edits = candidates(engine.image(), count, most)?;
            let mut logits = vec![f32::NAN; count * engine.classes()];
            base.logits(&edits, &mut logits)?;
            let expected = values(plain.logits(whole(&image, &edits))?);
            let rows = logits.chunks(engine.classes()).zip(expected.chunks(engine.classes()));
            for (candidate, (actual, expected)) in rows.enumerate() {
                let error = relative_error(actual, expected);
                assert!(error < 1e-5, "{name}, {most} edits, {candidate}: differs by {error:e}");
                let best = |row: &[f32]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
                assert_eq!(best(actual), best(expected), "{name}, {most} edits, {candidate}");
            }
            assert_eq!(&logits[..engine.classes()], base.own_logits(), "{name} without edits");
        }
    }
    Ok(())
}

#[test]
fn logits_are_the_same_for_any_number_of_threads_and_in_any_batch()
-> Result<(), Box<dyn std::error::Error>> {
    let model = registry::find("ghostnet_050")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    let engine = DeltaEngine::new(&network, [64, 64])?;
    let base = engine.base(&values(noise([1, 3, 64, 64])))?;
    let edits = candidates(engine.image(), 21, 2)?;
    let mut expected = vec![0.0; 21 * engine.classes()];
    base.logits(&edits, &mut expected)?;
    for threads in [1, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut logits = vec![0.0; expected.len()];
        pool.install(|| base.logits(&edits, &mut logits))?;
        assert_eq!(logits, expected, "{threads} threads");
    }
    for (candidate, expected) in expected.chunks(engine.classes()).enumerate() {
        let mut alone = EditBatch::new(engine.image());
        alone.push(edits.candidate(candidate))?;
        let mut logits = vec![0.0; engine.classes()];
        base.logits(&alone, &mut logits)?;
        assert_eq!(logits, expected, "candidate {candidate}");
    }
    Ok(())
}

#[test]
fn shares_are_predicted_and_counted() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    let engine = DeltaEngine::new(&network, [32, 32])?;
    assert!(engine.layer_shares(1).iter().all(|layer| layer.measured.is_none()));
    let base = engine.base(&values(noise([1, 3, 32, 32])))?;
    // Every pixel once.
    let mut edits = EditBatch::new(engine.image());
    for index in 0..32 * 32 {
        let (row, column) = (index / 32, index % 32);
        edits.push([PixelEdit { row, column, value: &[1.0, 0.0, -1.0] }])?;
    }
    base.logits(&edits, &mut vec![0.0; edits.len() * engine.classes()])?;
    let layers = engine.layer_shares(1);
    assert_eq!(layers.iter().map(|layer| layer.macs).sum::<u64>(), 40_551_040);
    // A window of three pixels: 30 pixels per axis see it whole, two in two thirds.
    let first = (30.0 * 3.0 + 2.0 * 2.0_f64).powi(2) / 1024.0 / 1024.0;
    assert_eq!((layers[0].name.as_str(), layers[0].measured), ("conv1", Some(first)));
    for layer in &layers {
        let measured = layer.measured.unwrap_or_default();
        assert!((layer.predicted - measured).abs() < 0.02, "{layer:?}");
        assert!(measured <= 1.0);
    }
    assert!(base.bytes() > 4 * 32 * 32 * 16 * 7);
    assert!(engine.scratch_bytes() > 0);
    Ok(())
}

#[test]
fn more_edits_than_pixels_change_every_pixel() -> Result<(), Error> {
    let model = registry::find("lenet_keras_cifar")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    let engine = DeltaEngine::new(&network, [32, 32])?;
    assert_eq!(engine.layer_shares(usize::MAX), engine.layer_shares(32 * 32));
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<(), Error> {
    let model = registry::find("vgg16_small_cifar")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    assert!(DeltaEngine::new(&network, [16, 16]).is_err());
    let engine = DeltaEngine::new(&network, [32, 32])?;
    let words = |result: Result<(), Error>| result.map_err(|error| error.to_string());
    let short = words(engine.base(&[0.0; 9]).map(drop));
    assert_eq!(short, Err("an image of [3, 32, 32] has 3072 values, got 9".to_owned()));
    let base = engine.base(&[0.0; 3072])?;
    let mut edits = EditBatch::new([3, 32, 48]);
    edits.push([PixelEdit { row: 0, column: 40, value: &[0.0; 3] }])?;
    assert!(matches!(base.logits(&edits, &mut [0.0; 10]), Err(Error::Candidates { .. })));
    let edits = EditBatch::new([3, 32, 32]);
    assert!(matches!(base.logits(&edits, &mut [0.0; 10]), Err(Error::Candidates { .. })));
    base.logits(&edits, &mut [])
}

/// An activation that would read from the memory that it writes.
fn unplanned() -> Graph {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let conv = b.conv("conv", image, ConvSettings::new(4, 3));
    let active = b.activation(conv, Activation::Relu);
    let joined = b.concat("joined", &[conv, active], 8);
    let pooled = b.global_avg_pool("pool", joined);
    let logits = b.linear("fc", pooled, 3);
    b.finish(joined, pooled, logits)
}

#[test]
fn networks_without_a_plan_are_run_as_a_whole() -> Result<(), Error> {
    let network = Network::new(unplanned(), Seed(1), &Device::flex());
    let engine = DeltaEngine::new(&network, [9, 7])?;
    assert!(!engine.has_plan());
    let image = values(noise([1, 1, 9, 7]));
    let base = engine.base(&image)?;
    let edits = candidates(engine.image(), 40, 3)?;
    let mut logits = vec![0.0; 40 * 3];
    base.logits(&edits, &mut logits)?;
    let expected = network.forward(whole(&image, &edits), ocelli_nn::Pass::Eval);
    assert!(relative_error(&logits, &values(expected)) < 1e-5);
    Ok(())
}
