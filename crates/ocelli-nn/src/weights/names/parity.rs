//! The names of torchvision give torchvision's logits.
//!
//! Every tensor is filled with a function of its name in torchvision's state dict, here and in
//! `bench/peers/torchvision_names.py`. A tensor that is looked up under a wrong name has other
//! values, and the logits differ.

use super::{SCHEMES, Scheme};
use crate::{
    Pass,
    parameter::{ParamSpec, Role},
    registry::{self, ModelOptions},
    weights::{DType, LoadOptions, StateDict, TensorEntry, load},
};
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_random::Seed;
use ocelli_testkit::relative_error;

/// Model, scheme, and the logits that the script prints.
const EXPECTED: [(&str, &str, [f32; 4]); 2] = [
    (
        "tv_efficientnetv2_s",
        "torchvision_efficientnetv2",
        [-0.029_272_042, -0.140_033, -0.270_219_6, 0.296_805],
    ),
    (
        "mobilenetv2_100",
        "torchvision_mobilenetv2",
        [-0.021_681_083, 0.043_585_137, -0.028_272_029, -0.044_747_904],
    ),
];

#[test]
fn torchvision_names_give_its_logits() {
    for (model, scheme, expected) in EXPECTED {
        let model = registry::find(model).unwrap();
        let options = ModelOptions { num_classes: 4, ..model.options() };
        let mut network = model.network(&options, Seed(0), &Device::flex()).unwrap();
        let scheme = SCHEMES.iter().find(|known| known.name == scheme).unwrap();
        let dict = named_values(scheme, network.graph().params());
        let report = load(&mut network, &dict, &LoadOptions::default()).unwrap();
        assert_eq!(report.scheme, scheme.name);

        let pixels = hashed("image", 3 * 64 * 64).map(|u| (2.0 * u - 1.0) as f32).collect();
        let image = TensorData::new::<f32, _>(pixels, [1, 3, 64, 64]);
        let logits = network.forward(Tensor::from_data(image, &Device::flex()), Pass::Eval);
        let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
        let error = relative_error(&logits, &expected);
        assert!(error < 1e-5, "{}: logits differ by {error:e}", model.name());
    }
}

fn named_values(scheme: &Scheme, params: &[ParamSpec]) -> StateDict {
    let mut dict = StateDict::new();
    for (param, alias) in params.iter().zip(scheme.aliases(params).unwrap()) {
        let values = hashed(&alias.name, param.len());
        let fan_in: usize = param.shape.iter().skip(1).product();
        let bound = (3.0 / fan_in as f64).sqrt();
        let values: Vec<f32> = values
            .map(|u| match param.role {
                Role::Weight => (2.0 * u - 1.0) * bound,
                Role::Bias | Role::NormShift | Role::RunningMean => 0.2 * u - 0.1,
                Role::NormScale | Role::RunningVar => 0.5 + u,
                Role::BatchCount => 0.0,
            })
            .map(|value| value as f32)
            .collect();
        let entry = TensorEntry::new(alias.name, DType::F32, &param.shape, values);
        dict.push(entry.unwrap()).unwrap();
    }
    dict
}

/// Numbers from 0 to 1 that depend on a name and a position.
fn hashed(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let fnv = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let seed = name.bytes().fold(0x811c_9dc5, fnv);
    (0..count as u32).map(move |position| {
        let x = seed ^ position.wrapping_mul(0x9e37_79b9);
        let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        f64::from((x ^ (x >> 16)) >> 8) / f64::from(1 << 24)
    })
}
