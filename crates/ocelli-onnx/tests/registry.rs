//! Every network that the registry knows, written, read and run again.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Head, Projection};
use ocelli_nn::parameter::ParamSpec;
use ocelli_nn::registry::{self, Model, ModelOptions};
use ocelli_nn::{Network, Pass, TrainPass};
use ocelli_onnx::{Error, ExportOptions, OnnxFile, Opset};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::figure;
use rand::RngExt;

/// The networks whose linear layers read a map of one size, and that of their images.
const FIXED_SIZES: [(&str, usize); 2] = [("bvlc_alexnet", 227), ("nin_original_cifar", 32)];

/// A network of random weights whose normalisations have the statistics of its own values, without which the
/// signal of a deep network grows or fades beyond what single precision holds.
fn network(model: &Model, options: &ModelOptions, [height, width]: [usize; 2]) -> Network {
    let mut network = model.network(options, Seed(3), &Device::flex()).unwrap();
    let mut rng = Seed(9).stream(Purpose::INIT, 0, 0);
    let shape = [8, options.in_channels, height, width];
    let noise: Vec<f32> =
        (0..shape.iter().product()).map(|_| rng.random::<f32>() * 4.0 - 2.0).collect();
    let mut train = TrainPass::new(Seed(3), 0, 0);
    network.forward(
        Tensor::from_data(TensorData::new(noise, shape), &Device::flex()),
        Pass::Train(&mut train),
    );
    for _ in 0..30 {
        network.apply_batch_stats(train.stats()).unwrap();
    }
    network
}

/// Larger networks are of the families of smaller ones.
const MOST_PARAMS: usize = 30_000_000;

fn check(name: &str, network: &Network, size: [usize; 2], opset: u32) -> OnnxFile {
    let opset = Opset::new(opset).unwrap();
    let options = ExportOptions { opset, ..ExportOptions::new(name, size) };
    let file = OnnxFile::from_network(network, &options).unwrap();
    let comparison = file.compare(network).unwrap();
    figure(&format!("{name}: logits of the ONNX file"), comparison.relative());
    // Random networks of many layers make more of a rounding than trained ones do.
    assert!(comparison.relative() < 1e-3, "{name}: {comparison:?}");
    file
}

#[test]
fn every_network_computes_the_same_from_its_file() {
    for (index, model) in registry::models().enumerate() {
        let name = model.name();
        let options = ModelOptions { num_classes: 7, ..model.options() };
        let graph = model.graph(&options).unwrap();
        let params: usize = graph.params().iter().map(ParamSpec::len).sum();
        if params > MOST_PARAMS {
            continue;
        }
        let size = FIXED_SIZES.iter().find(|(fixed, _)| *fixed == name);
        let size = size.map_or([96, 65], |(_, size)| [*size; 2]);
        // Old operations for one, new ones for the next.
        let opset = [13, 17, 18, 22][index % 4];
        let file = check(&name, &network(model, &options, size), size, opset);
        assert_eq!((file.outputs(), file.opset().version()), (7, opset), "{name}");
    }
}

#[test]
fn networks_without_a_classifier_give_their_features() {
    let model = registry::find("resnet20_cifar").unwrap();
    let projection = Head::Projection(Projection { widths: vec![24, 12], batch_norm: true });
    for (head, outputs) in [(projection, 12), (Head::None, 64)] {
        for opset in [17, 18] {
            let options = ModelOptions { head: head.clone(), ..model.options() };
            let network = network(model, &options, [32, 32]);
            let file = check("resnet20_cifar", &network, [32, 32], opset);
            assert_eq!(file.outputs(), outputs);
        }
    }
}

#[test]
fn what_the_file_does_not_hold_is_refused() {
    let model = registry::find("vgg16_cifar").unwrap();
    let options = ModelOptions { num_classes: 1 << 20, ..model.options() };
    let network = model.network(&options, Seed(0), &Device::flex()).unwrap();
    let error = OnnxFile::from_network(&network, &ExportOptions::new("vgg16_cifar", [32, 32]));
    assert!(matches!(error, Err(Error::TooLarge { .. })), "{error:?}");
}

#[test]
fn a_file_of_another_network_is_not_close() {
    let model = registry::find("resnet20_cifar").unwrap();
    let [one, other] =
        [1, 2].map(|seed| model.network(&model.options(), Seed(seed), &Device::flex()).unwrap());
    let file =
        OnnxFile::from_network(&one, &ExportOptions::new("resnet20_cifar", [32, 32])).unwrap();
    assert!(!file.compare(&other).unwrap().is_close());
}
