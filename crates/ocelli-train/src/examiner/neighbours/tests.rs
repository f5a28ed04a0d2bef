use super::features::Features;
use super::*;
use crate::Local;
use burn::tensor::Device;
use ocelli_data::{Image, LoaderConfig, Payload, Record, Scratch, Source, Transform};
use ocelli_nn::graph::{Activation, Builder, ConvSettings, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_random::{ChaCha8Rng, Seed};

fn features(rows: &[(&[f32], u32)]) -> Features {
    let mut features = Features::default();
    for (row, class) in rows {
        features.extend(row, row.len(), &[*class]);
    }
    features
}

/// A direction whose cosine with `[1, 0]` is `cosine`.
fn at(cosine: f32) -> Vec<f32> {
    vec![cosine, (1.0 - cosine * cosine).sqrt()]
}

#[test]
fn near_neighbours_outweigh_many_as_the_temperature_says() {
    let (one, other) = (at(0.95), at(0.95));
    let bank = features(&[(&[3.0, 0.0], 0), (&one, 1), (&other, 1), (&[-1.0, 0.0], 1)]);
    let query = features(&[(&[0.5, 0.0], 0)]);
    let is_right = |k, temperature| query.classified_by(&bank, k, temperature) == 1;
    assert!(is_right(1, 0.1), "the nearest alone");
    // exp(−0.05 / τ) of two against one: 2 · 0.607 at 0.1, 2 · 0.368 at 0.05.
    assert!(!is_right(3, 0.1) && is_right(3, 0.05));
    assert!(!is_right(100, 0.1), "as many as there are");
    assert!(is_right(3, 1e-30), "weights do not overflow");
}

#[test]
fn of_equals_the_first_neighbour_and_the_smallest_class_count() {
    let bank = features(&[(&[1.0, 0.0], 2), (&[2.0, 0.0], 1)]);
    assert_eq!(features(&[(&[1.0, 0.0], 2)]).classified_by(&bank, 1, 0.1), 1);
    assert_eq!(features(&[(&[1.0, 0.0], 1)]).classified_by(&bank, 2, 0.1), 1);
}

#[test]
fn alignment_and_uniformity_are_those_of_the_paper() {
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}");
    let orthogonal = features(&[(&[2.0, 0.0], 0), (&[0.0, 5.0], 0)]);
    close(orthogonal.alignment(), 2.0);
    close(orthogonal.uniformity(), -4.0);
    let opposite = features(&[(&[1.0, 0.0], 0), (&[-1.0, 0.0], 0)]);
    close(opposite.alignment(), 4.0);
    close(opposite.uniformity(), -8.0);
    let same = features(&[(&[1.0, 1.0], 0), (&[2.0, 2.0], 0), (&[0.0, 1.0], 1)]);
    close(same.alignment(), 0.0);
    // One pair at 0, two at 2 − √2.
    let far = (-2.0 * (2.0 - 2_f64.sqrt())).exp();
    close(same.uniformity(), ((1.0 + 2.0 * far) / 3.0).ln());
    let single = features(&[(&[1.0, 1.0], 0)]);
    assert_eq!((single.alignment(), single.uniformity()), (0.0, 0.0));
}

#[test]
fn spread_is_one_where_features_point_everywhere_and_zero_where_they_collapse() {
    let axes: Vec<Vec<f32>> = (0..8)
        .map(|axis| {
            let mut row = vec![0.0; 4];
            row[axis / 2] = if axis % 2 == 0 { 1.0 } else { -1.0 };
            row
        })
        .collect();
    let rows: Vec<(&[f32], u32)> = axes.iter().map(|row| (row.as_slice(), 0)).collect();
    assert!((features(&rows).spread() - 1.0).abs() < 1e-12);
    let collapsed = features(&[(&[1.0, 2.0], 0), (&[2.0, 4.0], 1), (&[3.0, 6.0], 2)]);
    assert!(collapsed.spread() < 1e-6, "{}", collapsed.spread());
    let broken = features(&[(&[0.0, 0.0], 0), (&[0.0, 0.0], 0)]);
    assert_eq!(broken.spread(), 0.0);
}

#[test]
fn votes_need_neighbours_and_a_temperature() {
    assert!(Voting::new(5, 0.07).is_ok());
    let refused = |k, temperature| Voting::new(k, temperature).unwrap_err().to_string();
    assert_eq!(refused(0, 0.1), "`k` is 0, expected 1 or more neighbours");
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(1, temperature).contains("a number above 0"), "{temperature}");
    }
}

/// Grey images of two pixels, of two classes that only their contrast tells apart.
struct Contrast(u64, Vec<String>);

fn contrast(len: u64) -> Contrast {
    Contrast(len, vec!["left".to_owned(), "right".to_owned()])
}

impl Source for Contrast {
    fn len(&self) -> u64 {
        self.0
    }

    fn classes(&self) -> &[String] {
        &self.1
    }

    fn read(&self, index: u64) -> ocelli_data::Result<Record> {
        let (bright, dark) = (100 + 3 * index as u8, index as u8);
        let label = (index % 2) as u32;
        let pixels = if label == 0 { vec![bright, dark] } else { vec![dark, bright] };
        let image = Image { width: 2, height: 1, channels: 1, pixels };
        let name = format!("image {index}");
        Ok(Record { name, label: Some(label), others: Vec::new(), payload: Payload::Pixels(image) })
    }
}

struct Scaled;

impl Transform for Scaled {
    fn shape(&self) -> [usize; 3] {
        [1, 1, 2]
    }

    fn decode(&self, picture: Payload) -> ocelli_data::Result<Payload> {
        Ok(picture)
    }

    fn apply(
        &self,
        picture: &Payload,
        _: &mut ChaCha8Rng,
        _: &mut Scratch,
        output: &mut [f32],
    ) -> ocelli_data::Result<()> {
        let Payload::Pixels(image) = picture else { return Ok(()) };
        for (value, pixel) in output.iter_mut().zip(&image.pixels) {
            *value = f32::from(*pixel) / 255.0;
        }
        Ok(())
    }
}

fn loader(len: u64, batch: usize) -> Arc<Loader> {
    let config = LoaderConfig::eval(batch);
    Arc::new(Loader::new(Arc::new(contrast(len)), Arc::new(Scaled), config).unwrap())
}

/// A network whose features are its two pixels times `scale` and half of it, without a classifier that knows
/// anything.
fn network(scale: f32) -> Network {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let padding = Some(ocelli_nn::graph::Padding::Symmetric([0, 0]));
    let flat = b.conv("pixels", image, ConvSettings { padding, ..ConvSettings::new(2, 1) });
    let features = b.activation(flat, Activation::Relu);
    let pooled = b.flatten("flatten", features, 4);
    let logits = b.linear("fc", pooled, 7);
    let graph = b.finish(features, pooled, logits);
    let mut network = Network::new(graph, Seed(0), &Device::flex());
    let kernel = network.params().iter().map(|(id, _)| id).next().unwrap();
    network.params_mut().set_values(kernel, vec![scale, 0.5 * scale]).unwrap();
    network
}

#[test]
fn features_are_examined_whatever_the_classifier_is() {
    let examine = |scale, batch| {
        let mut neighbours =
            Neighbours::new(loader(12, batch), loader(7, batch), Voting::default());
        let mut heard = Vec::new();
        let mut progress = |done, total| heard.push((done, total));
        let examined = neighbours.examine(&network(scale), &Local, &mut progress).unwrap();
        assert_eq!(heard.last(), Some(&(19, 19)));
        (examined.values, examined.score.unwrap())
    };
    let (values, score) = examine(1.0, 3);
    assert_eq!((score.correct, score.samples), (7, 7), "{values:?}");
    assert_eq!(score.to_string(), "kNN top-1 100.00 %, 7 of 7");
    let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["knn/top1", "features/alignment", "features/uniformity", "features/spread"]);
    assert!(values[3].1 > 0.5, "{values:?}");
    assert_eq!(examine(1.0, 5), (values, score), "whatever the batch, to the bit");

    let (values, _) = examine(0.0, 3);
    assert_eq!(values[3].1, 0.0, "a network that sees nothing has collapsed: {values:?}");
}

#[test]
fn features_that_are_not_finite_are_named_by_their_image() {
    let mut neighbours = Neighbours::new(loader(4, 2), loader(2, 2), Voting::default());
    let error = neighbours.examine(&network(f32::INFINITY), &Local, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().starts_with("image 0: "), "{error}");
}
