//! State dicts and logits are those of timm and torchvision, without any file of theirs.
//!
//! Every tensor is filled with a function of its name in the other project's state dict, here and in
//! `bench/peers/reference_networks.py`, which prints what is expected here (timm 1.0.31 and
//! torchvision 0.29.2, in double precision). A tensor that is looked up under a wrong name has other
//! values, and the logits differ; so do they with another padding, epsilon or operation.

use super::{SCHEMES, Scheme};
use crate::parameter::{ParamSpec, Role};
use crate::registry::{self, ModelOptions};
use crate::weights::{DType, LoadOptions, StateDict, TensorEntry, load};
use crate::{InferenceEngine, Network, Pass};
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_random::Seed;
use ocelli_testkit::{figure, relative_error};

const CLASSES: usize = 4;
const OWN: &str = "own";
const TV_EFFICIENTNET: &str = "torchvision_efficientnetv2";
const TV_MOBILENET: &str = "torchvision_mobilenetv2";

/// Our network, the scheme of the names, and how many tensors there are, with a digest of the sorted
/// names and shapes.
const STATE_DICTS: [(&str, &str, usize, u64); 24] = [
    ("ghostnet_050", OWN, 512, 0xd727_9000_3cae_d497),
    ("ghostnet_100", OWN, 512, 0xe2ea_6798_8ae0_0d77),
    ("ghostnet_130", OWN, 512, 0x8da4_2c84_2350_312f),
    ("tf_efficientnetv2_b0", OWN, 420, 0x7edf_d1ae_7516_ac38),
    ("tf_efficientnetv2_b1", OWN, 516, 0x5913_c95a_ff84_2f76),
    ("tf_efficientnetv2_b2", OWN, 538, 0xcbff_1a8d_be81_4d21),
    ("tf_efficientnetv2_b3", OWN, 626, 0xa9ff_aeb8_801e_75aa),
    ("tf_efficientnetv2_s", OWN, 782, 0xbd42_eef2_563f_5624),
    ("tf_efficientnetv2_m", OWN, 1120, 0x897c_2a21_83ee_8ccd),
    ("tf_efficientnetv2_l", OWN, 1548, 0xd894_bee5_4f79_e069),
    ("tf_efficientnetv2_xl", OWN, 1990, 0x4c46_a4d8_0877_9110),
    ("efficientnetv2_s", OWN, 782, 0xbd42_eef2_563f_5624),
    ("efficientnetv2_rw_t", OWN, 760, 0xf5a9_0494_a903_6ba0),
    ("efficientnetv2_rw_s", OWN, 794, 0x8df4_9dc8_a9f2_d6d4),
    ("efficientnetv2_rw_m", OWN, 1204, 0x6363_9e91_ee53_20a6),
    ("mobilenetv2_100", OWN, 314, 0xbb9e_2339_d6dc_bd08),
    ("tv_efficientnetv2_s", TV_EFFICIENTNET, 782, 0x7084_01f5_7966_b3fa),
    ("tv_efficientnetv2_m", TV_EFFICIENTNET, 1120, 0x9e5f_2bc1_0532_7d25),
    ("tv_efficientnetv2_l", TV_EFFICIENTNET, 1548, 0x3154_c68e_b8ca_da0a),
    ("mobilenetv2_100", TV_MOBILENET, 314, 0x44a5_f6b6_90cd_6ffd),
    ("resnet18", OWN, 122, 0xec4a_d30e_81d2_4eec),
    ("resnet34", OWN, 218, 0xcd05_21bd_0559_5cee),
    ("resnet50", OWN, 320, 0xba4a_5f03_8c46_8d5e),
    // The convolutions of torchvision's VGG-16, whose classifier is another one.
    ("vgg16_cifar", OWN, VGG_FEATURES, 0xa574_0f33_8fa4_53a8),
];

/// The tensors of VGG-16 before its classifier.
const VGG_FEATURES: usize = 91;

/// Our network, the scheme of the names, the size of an image, and its logits.
const LOGITS: [(&str, &str, usize, [f64; CLASSES]); 30] = [
    ("ghostnet_050", OWN, 224, [5.412_994_74, -8.000_283_54, 13.781_437_4, 21.574_507_2]),
    ("ghostnet_050", OWN, 160, [2.646_434, -7.508_264_06, 23.441_008, 8.851_456_88]),
    ("ghostnet_100", OWN, 224, [29.530_739_1, 52.377_865_5, 15.141_392_8, 79.483_864_1]),
    ("ghostnet_100", OWN, 160, [28.704_930_5, 43.145_259_1, 3.615_187_36, 63.927_432_5]),
    ("ghostnet_130", OWN, 224, [74.762_484_6, 31.220_575_8, 86.278_125_5, 45.246_516_9]),
    ("ghostnet_130", OWN, 160, [48.882_213_7, 35.561_976_3, 69.379_840_7, 41.915_640_6]),
    (
        "tf_efficientnetv2_b0",
        OWN,
        224,
        [-0.376_724_743, 0.079_851_283_2, 0.337_574_74, -0.048_215_745_3],
    ),
    (
        "tf_efficientnetv2_b0",
        OWN,
        225,
        [-0.374_587_399, 0.079_685_803, 0.336_301_214, -0.045_542_205_2],
    ),
    (
        "tf_efficientnetv2_b2",
        OWN,
        260,
        [-0.017_671_132_3, 0.145_449_907, 0.504_416_307, 0.011_047_276_8],
    ),
    (
        "tf_efficientnetv2_b2",
        OWN,
        225,
        [-0.017_681_544_2, 0.142_809_964, 0.500_064_889, 0.011_976_705_7],
    ),
    (
        "tf_efficientnetv2_s",
        OWN,
        224,
        [-0.399_226_763, 0.268_622_948, -0.069_026_798_6, 0.160_791_743],
    ),
    (
        "tf_efficientnetv2_s",
        OWN,
        193,
        [-0.385_538_629, 0.260_626_997, -0.076_718_233_7, 0.153_041_697],
    ),
    (
        "efficientnetv2_s",
        OWN,
        224,
        [-0.380_057_953, 0.276_839_342, -0.091_390_207_3, 0.169_041_409],
    ),
    ("efficientnetv2_s", OWN, 193, [-0.386_102_258, 0.261_621_869, -0.076_583_670_6, 0.154_389_28]),
    (
        "efficientnetv2_rw_t",
        OWN,
        224,
        [-0.149_681_25, -0.201_408_929, 0.307_116_72, -0.430_036_607],
    ),
    (
        "efficientnetv2_rw_t",
        OWN,
        193,
        [-0.169_917_165, -0.189_785_118, 0.302_209_181, -0.418_485_025],
    ),
    (
        "efficientnetv2_rw_s",
        OWN,
        224,
        [0.000_966_968_556, 0.206_263_652, 0.201_705_725, -0.167_748_047],
    ),
    (
        "efficientnetv2_rw_s",
        OWN,
        193,
        [-0.016_990_920_3, 0.183_178_813, 0.192_870_685, -0.166_939_794],
    ),
    ("efficientnetv2_rw_m", OWN, 193, [-33.576_733_1, 70.549_922_7, 93.328_101_4, 51.489_401_2]),
    ("mobilenetv2_100", OWN, 224, [-0.365_603_16, 1.016_270_43, 1.482_248_19, 2.139_683_47]),
    (
        "tv_efficientnetv2_s",
        TV_EFFICIENTNET,
        224,
        [0.087_080_056, -0.634_474_555, -0.358_512_47, 0.415_232_11],
    ),
    (
        "tv_efficientnetv2_s",
        TV_EFFICIENTNET,
        193,
        [0.082_193_896_1, -0.638_486_049, -0.351_494_091, 0.424_842_698],
    ),
    (
        "tv_efficientnetv2_m",
        TV_EFFICIENTNET,
        193,
        [33.770_717, -21.624_326_9, -32.764_545_5, 13.367_027_9],
    ),
    (
        "mobilenetv2_100",
        TV_MOBILENET,
        224,
        [0.635_531_365, -1.084_219_77, -0.634_514_312, 0.547_496_133],
    ),
    (
        "mobilenetv2_100",
        TV_MOBILENET,
        193,
        [0.439_653_47, -1.022_355_79, -0.602_531_692, 0.608_459_681],
    ),
    ("resnet18", OWN, 224, [-9.329_191_82, 5.823_021_16, -5.961_658_21, 2.028_456_35]),
    ("resnet18", OWN, 193, [-8.727_043_89, 5.101_870_77, -5.163_693_28, 1.626_299_9]),
    ("resnet34", OWN, 193, [-54.453_568_9, 55.803_472_4, -14.159_47, 41.283_479]),
    ("resnet50", OWN, 224, [-19.247_719_5, -20.547_325_3, 11.637_986_7, -7.013_157_3]),
    ("resnet50", OWN, 193, [-17.016_252_1, -18.907_382_1, 10.602_185_3, -5.799_127_44]),
];

#[test]
fn state_dicts_have_the_names_and_shapes_of_the_other_projects() {
    for (model, scheme, tensors, digest) in STATE_DICTS {
        let model = registry::find(model).unwrap();
        let options = ModelOptions { num_classes: CLASSES, ..model.options() };
        let graph = model.graph(&options).unwrap();
        let params = graph.params();
        let mut lines: Vec<String> = params
            .iter()
            .zip(names(scheme, params))
            .filter(|(_, name)| model.family != "vgg" || name.starts_with("features."))
            .map(|(param, name)| format!("{name}:{:?}\n", param.shape))
            .collect();
        lines.sort_unstable();
        assert_eq!(lines.len(), tensors, "{} in {scheme}", model.name());
        assert_eq!(fnv64(&lines.concat()), digest, "{} in {scheme}", model.name());
    }
}

#[test]
fn logits_are_those_of_timm() {
    compare(|scheme, model| scheme == OWN && !model.starts_with("resnet"));
}

#[test]
fn logits_are_those_of_torchvision() {
    compare(|scheme, model| scheme != OWN || model.starts_with("resnet"));
}

fn compare(is_wanted: impl Fn(&str, &str) -> bool) {
    let mut last: Option<(&str, &str, Network)> = None;
    for (name, scheme, size, expected) in LOGITS {
        if !is_wanted(scheme, name) {
            continue;
        }
        let is_last = last.as_ref().is_some_and(|(n, s, _)| (*n, *s) == (name, scheme));
        if !is_last {
            last = Some((name, scheme, filled(name, scheme)));
        }
        let Some((_, _, network)) = &last else { continue };
        let pixels = hashed("image", 3 * size * size).map(|u| (2.0 * u - 1.0) as f32).collect();
        let image = TensorData::new::<f32, _>(pixels, [1, 3, size, size]);
        let image = Tensor::<4>::from_data(image, &Device::flex());
        let expected = expected.map(|logit| logit as f32);
        let compiled = InferenceEngine::new(network).unwrap().logits(image.clone()).unwrap();
        let plain = network.forward(image, Pass::Eval);
        for (how, logits) in [("compiled", compiled), ("plain", plain)] {
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            let error = relative_error(&logits, &expected);
            figure(&format!("{name} as in {scheme} at {size}, {how} logits"), error);
            assert!(error < 3e-5, "{name} at {size}, {how}: logits differ by {error:e}");
        }
    }
}

/// The network with the values that the names of another project give it.
fn filled(name: &str, scheme: &str) -> Network {
    let model = registry::find(name).unwrap();
    let options = ModelOptions { num_classes: CLASSES, ..model.options() };
    let mut network = model.network(&options, Seed(0), &Device::flex()).unwrap();
    let dict = named_values(scheme, network.graph().params());
    let report = load(&mut network, &dict, &LoadOptions::default()).unwrap();
    assert_eq!(report.scheme, scheme, "{name}");
    network
}

/// What another project calls each parameter.
fn names(scheme: &str, params: &[ParamSpec]) -> Vec<String> {
    let known: Option<&Scheme> = SCHEMES.iter().find(|known| known.name == scheme);
    match known {
        Some(known) => known.aliases(params).unwrap().into_iter().map(|alias| alias.name).collect(),
        None => params.iter().map(|param| param.name.clone()).collect(),
    }
}

fn named_values(scheme: &str, params: &[ParamSpec]) -> StateDict {
    let mut dict = StateDict::new();
    for (param, name) in params.iter().zip(names(scheme, params)) {
        let values = hashed(&name, param.len());
        let fan_in: usize = param.shape.iter().skip(1).product();
        let bound = (4.0 / fan_in as f64).sqrt();
        let values: Vec<f32> = values
            .map(|u| match param.role {
                Role::Weight => (2.0 * u - 1.0) * bound,
                Role::Bias | Role::NormShift | Role::RunningMean => 0.2 * u - 0.1,
                Role::NormScale | Role::RunningVar => 0.75 + 0.5 * u,
                Role::BatchCount | Role::Coefficient | Role::Range => 0.0,
            })
            .map(|value| value as f32)
            .collect();
        let entry = TensorEntry::new(name, DType::F32, &param.shape, values);
        dict.push(entry.unwrap()).unwrap();
    }
    dict
}

/// Values from 0 to 1 that depend on a name and a position.
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

fn fnv64(text: &str) -> u64 {
    let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, fnv)
}
