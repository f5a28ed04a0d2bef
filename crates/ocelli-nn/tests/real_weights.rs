//! Published weights give the logits that PyTorch computes from them.
//!
//! The expected values are those of PyTorch 2 in double precision, for the image of [`image`].

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::registry;
use ocelli_nn::weights::{LoadOptions, LoadReport, ReadOptions, StateDict, load};
use ocelli_nn::{Error, InferenceEngine, Network, Pass};
use ocelli_random::Seed;
use ocelli_testkit::{reference_data, relative_error};

/// Single precision through up to 56 layers.
const TOLERANCE: f64 = 1e-5;

const RESNET20: [f32; 10] = [
    -0.893_566_84,
    -3.926_995_6,
    8.048_117,
    0.343_404_15,
    2.882_062_3,
    -2.271_502_5,
    10.070_745,
    -6.907_827,
    -2.983_685,
    -4.379_682,
];

const RESNET56: [f32; 10] = [
    -0.070_069_07,
    -3.370_172_5,
    7.852_591_3,
    0.275_4,
    0.685_266_1,
    -8.724_954,
    8.171_281,
    -3.963_797_6,
    -0.135_87,
    -0.720_256,
];

#[test]
fn cifar_resnets_of_the_akamaster_project() -> Result<(), Error> {
    for (arch, file, prefix, expected) in [
        ("resnet20_cifar", "resnet20_cifar10.safetensors", "", RESNET20),
        ("resnet20_cifar", "resnet20_cifar10.th", "module.", RESNET20),
        ("resnet56_cifar", "resnet56_cifar10.safetensors", "", RESNET56),
    ] {
        let Some((network, report)) = published(arch, file)? else { return Ok(()) };
        assert!(report.is_complete());
        assert_eq!(report.prefix, prefix);
        for logits in logits(&network, 32)? {
            let error = relative_error(&logits, &expected);
            assert!(error < TOLERANCE, "{file}: logits differ by {error:e}");
        }
    }
    Ok(())
}

#[test]
fn efficientnet_lite0_under_the_names_of_efficientnet_pytorch() -> Result<(), Error> {
    let file = "efficientnet_lite0_imagenet.safetensors";
    let Some((network, report)) = published("efficientnet_lite0", file)? else { return Ok(()) };
    assert!(report.is_complete());
    assert_eq!(report.scheme, "efficientnet_pytorch");
    assert!(report.absent_counts.is_empty());

    let first = [-1.941_526_2, -1.230_301_1, -1.964_341_8, -1.847_855_8, -0.453_566_6];
    let best = [(794, 7.594_603), (549, 6.922_127), (858, 6.636_972), (588, 6.249_658)];
    logits(&network, 224)?.iter().for_each(|logits| check_thousand(logits, &first, &best));
    let first = [-1.406_109_9, -0.670_917_3, -1.066_594_1, -1.611_591_3, 0.114_455_64];
    let best = [(858, 7.136_524), (549, 6.523_928), (906, 6.106_564), (446, 5.354_155_4)];
    logits(&network, 193)?.iter().for_each(|logits| check_thousand(logits, &first, &best));
    Ok(())
}

fn check_thousand(logits: &[f32], first: &[f32], best: &[(usize, f32)]) {
    let (indices, expected): (Vec<usize>, Vec<f32>) = best.iter().copied().unzip();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
    assert_eq!(order[..best.len()], indices);
    let actual: Vec<f32> = indices.iter().map(|index| logits[*index]).collect();
    assert!(relative_error(&actual, &expected) < TOLERANCE);
    assert!(relative_error(&logits[..first.len()], first) < TOLERANCE);
}

/// The network `arch` with the weights of a file; `None` where there are no reference data.
fn published(arch: &str, file: &str) -> Result<Option<(Network, LoadReport)>, Error> {
    let Some(path) = reference_data(&format!("weights/{file}")) else { return Ok(None) };
    let model = registry::find(arch)?;
    let mut network = model.network(&model.options(), Seed(0), &Device::flex())?;
    let dict = StateDict::open(&path, &ReadOptions::default())?;
    let report = load(&mut network, &dict, &LoadOptions::default())?;
    Ok(Some((network, report)))
}

/// By burn and compiled.
fn logits(network: &Network, size: usize) -> Result<[Vec<f32>; 2], Error> {
    let compiled = InferenceEngine::new(network)?.logits(image(size))?;
    let both = [network.forward(image(size), Pass::Eval), compiled];
    Ok(both.map(|logits| logits.into_data().iter::<f32>().collect()))
}

/// A square image whose value number i is sin(0.37 i + 0.001 i (i mod 7)).
fn image(size: usize) -> Tensor<4> {
    let value = |i: usize| {
        let i = i as f64;
        (0.37 * i + 0.001 * i * (i % 7.0)).sin() as f32
    };
    let values: Vec<f32> = (0..3 * size * size).map(value).collect();
    Tensor::from_data(TensorData::new(values, [1, 3, size, size]), &Device::flex())
}
