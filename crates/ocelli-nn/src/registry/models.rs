//! The table of all networks.

use super::config::DefaultConfig;
use super::model::{Build, DESCRIBED_ARCH, Model, model};
use super::one_pixel::{ALLCONVS, NINS, OTHERS, WIDE_VGGS};
use crate::backbones::autoencoder::{Form, encoder};
use crate::backbones::efficientnetv2::{self, Flavour, Variant};
use crate::backbones::ghostnet::{Layout, Widths, ghostnet};
use crate::backbones::mobilenetv2::{self, mobilenetv2};
use crate::backbones::resnet::{Depth, resnet};
use crate::backbones::resnet_cifar::resnet_cifar;
use crate::backbones::vgg::{Head, vgg16};

const fn efficientnet(
    arch: &'static str,
    config: DefaultConfig,
    layout: fn() -> efficientnetv2::Layout,
) -> Model {
    let family = "efficientnetv2";
    Model { arch, tag: "", family, config, ghost: false, build: Build::Layout(layout) }
}

/// The Ghost form of a model.
const fn ghost(arch: &'static str, host: Model) -> Model {
    Model { arch, ghost: true, ..host }
}

macro_rules! ghostnets {
    ($($arch:literal $layout:ident $width:literal $config:expr),* $(,)?) => {
        [$(model($arch, "ghostnet", $config, |options| {
            ghostnet(Layout::$layout, Widths($width), options)
        })),*]
    };
}

macro_rules! efficientnets {
    ($($arch:literal $variant:ident $flavour:ident $config:expr),* $(,)?) => {
        [$(efficientnet($arch, $config, || Variant::$variant.layout(Flavour::$flavour))),*]
    };
}

macro_rules! resnets {
    ($($arch:literal $depth:ident),* $(,)?) => {
        [$(model($arch, "resnet", IMAGENET.sized(224, 0.875), |options| {
            resnet(Depth::$depth, options)
        })),*]
    };
}

/// The number of blocks per stage is n where the depth is 6n + 2.
macro_rules! cifar_resnets {
    ($($arch:literal $blocks:literal),* $(,)?) => {
        [$(model($arch, "resnet_cifar", DefaultConfig::CIFAR10, |options| {
            resnet_cifar($blocks, options)
        })),*]
    };
}

const IMAGENET: DefaultConfig = DefaultConfig::IMAGENET;

static GHOSTNETS: [Model; 6] = ghostnets![
    "ghostnet_050" PAPER 0.5 IMAGENET,
    "ghostnet_100" PAPER 1.0 IMAGENET,
    "ghostnet_110" PAPER 1.1 IMAGENET,
    "ghostnet_130" PAPER 1.3 IMAGENET,
    "ghostnet_150" PAPER 1.5 IMAGENET,
    "ghostnet_small" SMALL 1.0 DefaultConfig::CIFAR10,
];

/// Sizes, crops and normalisation as timm evaluates these networks, and torchvision its own.
static EFFICIENTNETS: [Model; 23] = efficientnets![
    "efficientnetv2_b0" B0 PyTorch IMAGENET.sized(224, 0.875),
    "efficientnetv2_b1" B1 PyTorch IMAGENET.sized(240, 0.882),
    "efficientnetv2_b2" B2 PyTorch IMAGENET.sized(260, 0.890),
    "efficientnetv2_b3" B3 PyTorch IMAGENET.sized(300, 0.904),
    "efficientnetv2_s" S PyTorch IMAGENET.sized(384, 1.0),
    "efficientnetv2_m" M PyTorch IMAGENET.sized(480, 1.0),
    "efficientnetv2_l" L PyTorch IMAGENET.sized(480, 1.0),
    "efficientnetv2_xl" XL PyTorch IMAGENET.sized(512, 1.0),
    "tf_efficientnetv2_b0" B0 TensorFlow IMAGENET.sized(224, 0.875),
    "tf_efficientnetv2_b1" B1 TensorFlow IMAGENET.sized(240, 0.882),
    "tf_efficientnetv2_b2" B2 TensorFlow IMAGENET.sized(260, 0.890),
    "tf_efficientnetv2_b3" B3 TensorFlow IMAGENET.sized(300, 0.904),
    "tf_efficientnetv2_s" S TensorFlow IMAGENET.sized(384, 1.0).inception(),
    "tf_efficientnetv2_m" M TensorFlow IMAGENET.sized(480, 1.0).inception().squashed(),
    "tf_efficientnetv2_l" L TensorFlow IMAGENET.sized(480, 1.0).inception().squashed(),
    "tf_efficientnetv2_xl" XL TensorFlow IMAGENET.sized(512, 1.0).inception().squashed(),
    "tv_efficientnetv2_s" S Torchvision IMAGENET.sized(384, 1.0).bilinear(),
    "tv_efficientnetv2_m" M Torchvision IMAGENET.sized(480, 1.0).bilinear(),
    "tv_efficientnetv2_l" L Torchvision IMAGENET.sized(480, 1.0).inception(),
    "efficientnetv2_rw_t" RW_T PyTorch IMAGENET.sized(288, 1.0),
    "efficientnetv2_rw_s" RW_S PyTorch IMAGENET.sized(384, 1.0),
    "efficientnetv2_rw_m" RW_M PyTorch IMAGENET.sized(416, 1.0),
    "efficientnetv2_small_cifar" SMALL_CIFAR PyTorch DefaultConfig::CIFAR10,
];

/// No network by itself, and so not among the others.
pub(super) static DESCRIBED: Model = Model {
    arch: DESCRIBED_ARCH,
    tag: "",
    family: "efficientnetv2",
    config: IMAGENET,
    ghost: false,
    build: Build::Described,
};

static RESNETS: [Model; 3] = resnets!["resnet18" D18, "resnet34" D34, "resnet50" D50];

static CIFAR_RESNETS: [Model; 5] = cifar_resnets![
    "resnet20_cifar" 3,
    "resnet32_cifar" 5,
    "resnet44_cifar" 7,
    "resnet56_cifar" 9,
    "resnet110_cifar" 18,
];

static MOBILENETS: [Model; 4] = [
    model("mobilenetv2_100", "mobilenetv2", IMAGENET, |options| {
        mobilenetv2(mobilenetv2::Layout::MOBILENETV2, options)
    }),
    model("mobilenetv2_cifar", "mobilenetv2", DefaultConfig::CIFAR10, |options| {
        mobilenetv2(mobilenetv2::Layout::CIFAR, options)
    }),
    model("mobilenetv2_small", "mobilenetv2", DefaultConfig::CIFAR10, |options| {
        mobilenetv2(mobilenetv2::Layout::SMALL, options)
    }),
    model("efficientnet_lite0", "mobilenetv2", IMAGENET.lite(), |options| {
        mobilenetv2(mobilenetv2::Layout::LITE0, options)
    }),
];

/// CIFAR's two forms of VGG-16 and a narrow one, and their Ghost forms.
static VGGS: [Model; 6] = [
    VGG16_CIFAR,
    VGG16_FC512_CIFAR,
    VGG16_SMALL_CIFAR,
    ghost("ghost_vgg16_cifar", VGG16_CIFAR),
    ghost("ghost_vgg16_fc512_cifar", VGG16_FC512_CIFAR),
    ghost("ghost_vgg16_small_cifar", VGG16_SMALL_CIFAR),
];

const VGG16_CIFAR: Model =
    model("vgg16_cifar", "vgg", DefaultConfig::CIFAR10, |options| vgg16(Head::Single, 1, options));

const VGG16_FC512_CIFAR: Model =
    model("vgg16_fc512_cifar", "vgg", DefaultConfig::CIFAR10, |options| {
        vgg16(Head::Hidden, 1, options)
    });

const VGG16_SMALL_CIFAR: Model =
    model("vgg16_small_cifar", "vgg", DefaultConfig::CIFAR10, |options| {
        vgg16(Head::Single, 4, options)
    });

/// The Ghost forms of other networks.
static GHOST_RESNETS: [Model; 3] = [
    ghost(
        "ghost_resnet50",
        model("", "resnet", IMAGENET.sized(224, 0.875), |options| resnet(Depth::D50, options)),
    ),
    ghost(
        "ghost_resnet20_cifar",
        model("", "resnet_cifar", DefaultConfig::CIFAR10, |options| resnet_cifar(3, options)),
    ),
    ghost(
        "ghost_resnet56_cifar",
        model("", "resnet_cifar", DefaultConfig::CIFAR10, |options| resnet_cifar(9, options)),
    ),
];

/// The encoders of denoising autoencoders, for values of 0 to 1.
static AUTOENCODERS: [Model; 2] = [
    model("dae_shallow", "autoencoder", DefaultConfig::CIFAR10.unchanged(), |options| {
        encoder(Form::Shallow, options)
    }),
    model("dae_deep", "autoencoder", IMAGENET.sized(224, 1.0).squashed().unchanged(), |options| {
        encoder(Form::Deep, options)
    }),
];

/// All networks, in the order in which they are listed.
pub fn models() -> impl Iterator<Item = &'static Model> {
    GHOSTNETS
        .iter()
        .chain(&EFFICIENTNETS)
        .chain(&RESNETS)
        .chain(&CIFAR_RESNETS)
        .chain(&VGGS)
        .chain(&GHOST_RESNETS)
        .chain(&MOBILENETS)
        .chain(&ALLCONVS)
        .chain(&NINS)
        .chain(&WIDE_VGGS)
        .chain(&OTHERS)
        .chain(&AUTOENCODERS)
}
