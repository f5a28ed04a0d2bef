//! Files of two bits are as small as promised.

use super::super::{PostTraining, PostTrainingConfig, Width};
use burn::tensor::Device;
use ocelli_kernels::quantize::Per;
use ocelli_nn::Network;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::weights::PackedSize;
use ocelli_random::Seed;
use ocelli_train::{Metadata, preprocessing};

/// The file of a network for CIFAR-10 with two bits for each weight, and the bytes of its learnt values as floats.
fn two_bits(name: &str, small_input: bool, per: Per) -> (PackedSize, u64) {
    let model = registry::find(name).unwrap();
    let options = ModelOptions { num_classes: 10, small_input, ..model.options() };
    let network: Network = model.network(&options, Seed(1), &Device::flex()).unwrap();
    let config = PostTrainingConfig { width: Width::Bits(2), per, ..PostTrainingConfig::default() };
    let found = PostTraining::new(&network, &config).unwrap();
    let (input, eval) = preprocessing(&model.config, 3);
    let classes = ["airplane", "automobile", "bird", "cat", "deer"];
    let classes = classes.into_iter().chain(["dog", "frog", "horse", "ship", "truck"]);
    let metadata = Metadata {
        arch: Some(name.to_owned()),
        options: Some(options),
        input: Some(input),
        eval: Some(eval),
        classes: Some(classes.map(str::to_owned).collect()),
    };
    let layout = found.layout(&vec![2; found.layers().len()]);
    let size = layout.size(&metadata.to_map().unwrap()).unwrap();
    (size, 4 * network.params().learnt_count() as u64)
}

/// The formula of the specification on ResNet-18: 11,173,962 parameters, of which 11,164,352 are weights.
#[test]
fn the_payload_is_the_formula() {
    let (size, floats) = two_bits("resnet18", true, Per::Channel);
    assert_eq!(floats, 4 * 11_173_962);
    let (codes, channels) = (2_791_088, 4_810);
    assert_eq!(size.payload, codes + 4 * (2 * channels + channels));
    let (size, _) = two_bits("resnet18", true, Per::Tensor);
    let (tensors, normalised) = (21, 4_800);
    assert_eq!(size.payload, codes + 4 * (2 * tensors + normalised + channels));
}

#[test]
fn two_bits_are_as_small_as_promised() {
    for (name, small_input, per, times) in [
        ("resnet18", true, Per::Channel, 15.0),
        ("resnet18", true, Per::Tensor, 15.0),
        ("resnet20_cifar", false, Per::Channel, 12.0),
        ("resnet20_cifar", false, Per::Tensor, 12.0),
        // A channel has 88 weights on average, so that steps and offsets are a fifth of the file.
        ("ghostnet_small", false, Per::Channel, 9.0),
        ("ghostnet_small", false, Per::Tensor, 10.0),
    ] {
        let (size, floats) = two_bits(name, small_input, per);
        let ratio = floats as f64 / size.file() as f64;
        ocelli_testkit::figure(&format!("{name} {per:?}: bytes of the file"), size.file() as f64);
        ocelli_testkit::figure(&format!("{name} {per:?}: bytes of the header"), size.header as f64);
        ocelli_testkit::figure(&format!("{name} {per:?}: times smaller than floats"), ratio);
        assert!(ratio >= times, "{name} {per:?}: {size:?}, {ratio} times smaller than {floats}");
    }
}
