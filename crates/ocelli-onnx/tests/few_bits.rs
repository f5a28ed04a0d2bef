//! Networks of few bits as files.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_kernels::quantize::{CodeBits, Per, Quantizer, Weights, Zero};
use ocelli_nn::graph::{ActivationQuantizer, QuantizerSettings};
use ocelli_nn::parameter::Role;
use ocelli_nn::registry;
use ocelli_nn::{Calibration, Network, PackedTensor};
use ocelli_onnx::{Error, ExportOptions, OnnxFile, WeightsForm};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::figure;
use rand::RngExt;

fn noise(shape: [usize; 4]) -> Tensor<4> {
    let mut rng = Seed(9).stream(Purpose::INIT, 0, 0);
    let noise: Vec<f32> =
        (0..shape.iter().product()).map(|_| rng.random::<f32>() * 4.0 - 2.0).collect();
    Tensor::from_data(TensorData::new(noise, shape), &Device::flex())
}

/// A folded network with all weights of layers on the levels of a quantizer, and its activations on 256 levels
/// where they are to be.
fn network(quantizer: &str, per: Per, zero: Zero, has_levels: bool) -> Network {
    let model = registry::find("resnet20_cifar").unwrap();
    let plain = model.graph(&model.options()).unwrap();
    let settings = QuantizerSettings::new(vec![ActivationQuantizer::MinMax { bits: 8 }]);
    let graph =
        if has_levels { plain.with_quantizers(&settings, |_| true).unwrap() } else { plain };
    let network = Network::new(graph, Seed(3), &Device::flex());
    let mut network = network.fold_batch_norm().unwrap();
    let quantizer: Quantizer = quantizer.parse().unwrap();
    let weights = network.params().iter().filter(|(_, it)| it.spec.role == Role::Weight);
    let weights: Vec<_> = weights.map(|(id, it)| (id, it.spec.shape[0])).collect();
    for (id, channels) in weights {
        let values = network.params().to_values(id);
        let layer = Weights::new(&values, channels).unwrap();
        let branch = layer.branch(quantizer, per, zero, &layer.start(quantizer, per));
        let grids = branch.levels().iter().map(|levels| levels.grid().unwrap()).collect();
        let bits = CodeBits::for_bits(quantizer.bits()).unwrap();
        let codes = branch.codes(&values, channels);
        let packed = PackedTensor::from_codes(&codes, bits, grids).unwrap();
        network.params_mut().set_packed(id, packed).unwrap();
    }
    if has_levels {
        let mut calibration = Calibration::new(&network).unwrap();
        calibration.observe(noise([4, 3, 32, 32])).unwrap();
        calibration.set_ranges(&mut network, 1.0).unwrap();
    }
    network
}

fn export(network: &Network) -> OnnxFile {
    OnnxFile::from_network(network, &ExportOptions::new("resnet20_cifar", [32, 32])).unwrap()
}

#[test]
fn weights_on_steps_are_integers_that_compute_the_same() {
    for (name, per, zero) in [
        ("min_max:8", Per::Channel, Zero::Aligned),
        ("min_max:8", Per::Tensor, Zero::Aligned),
        ("min_max:4", Per::Tensor, Zero::Aligned),
        ("sawb:2", Per::Tensor, Zero::Paper),
        ("bwn", Per::Channel, Zero::Paper),
        ("twn", Per::Tensor, Zero::Paper),
        ("lsq:3", Per::Channel, Zero::Paper),
    ] {
        let network = network(name, per, zero, false);
        let file = export(&network);
        assert_eq!(file.weights(), WeightsForm::Int8Qdq, "{name}");
        let comparison = file.compare(&network).unwrap();
        figure(&format!("{name}: logits of integers in ONNX"), comparison.relative());
        assert!(comparison.is_close() && comparison.tolerance == 1e-4, "{name}: {comparison:?}");
        let floats = export(&registry_network()).bytes().len();
        assert!(file.bytes().len() * 7 < floats * 2, "{name}: {} of {floats}", file.bytes().len());
    }
}

fn registry_network() -> Network {
    let model = registry::find("resnet20_cifar").unwrap();
    model.network(&model.options(), Seed(3), &Device::flex()).unwrap()
}

#[test]
fn ranges_of_the_papers_are_written_by_their_values() {
    let network = network("min_max:2", Per::Tensor, Zero::Paper, false);
    let file = export(&network);
    assert_eq!(file.weights(), WeightsForm::Float32);
    assert!(file.compare(&network).unwrap().is_close());
}

#[test]
fn activations_on_levels_are_pairs_of_operations() {
    let network = network("min_max:8", Per::Channel, Zero::Aligned, true);
    let file = export(&network);
    let comparison = file.compare(&network).unwrap();
    figure("logits of bytes in ONNX", comparison.relative());
    assert!(comparison.is_close() && comparison.tolerance > 1e-2, "{comparison:?}");
    let text = String::from_utf8_lossy(file.bytes());
    let quantizers = network.graph().quantizers().count();
    assert_eq!(text.matches("QuantizeLinear").count(), quantizers);
    assert!(text.matches("DequantizeLinear").count() > 2 * quantizers);
}

#[test]
fn a_mixture_of_quantizers_has_no_export() {
    let model = registry::find("resnet20_cifar").unwrap();
    let both = [4, 8].map(|bits| ActivationQuantizer::MinMax { bits });
    let graph = model.graph(&model.options()).unwrap();
    let graph = graph.with_quantizers(&QuantizerSettings::new(both.to_vec()), |_| true).unwrap();
    let network = Network::new(graph, Seed(3), &Device::flex());
    let options = ExportOptions::new("resnet20_cifar", [32, 32]);
    let error = OnnxFile::from_network(&network, &options).unwrap_err();
    assert!(matches!(error, Error::NoExport { .. }), "{error}");
    assert!(error.to_string().contains(".quantize"), "{error}");
}
