//! The networks of the one-pixel attack: those of its paper, and those of its Keras re-implementation.

use super::config::DefaultConfig;
use super::model::{Model, model};
use crate::backbones::alexnet::alexnet;
use crate::backbones::allconv::{Form as AllConv, allconv};
use crate::backbones::keras_cifar;
use crate::backbones::nin::{Form as Nin, nin};
use crate::backbones::vgg::{Head, vgg16};

/// CIFAR-10 as the authors' code and the Keras project prepare it.
const CIFAR: DefaultConfig = DefaultConfig::CIFAR10.keras_cifar10();

macro_rules! forms {
    ($family:literal $build:ident, $($arch:literal $form:path),* $(,)?) => {
        [$(model($arch, $family, CIFAR, |options| $build($form, options))),*]
    };
}

/// The default of a family comes first, then the form on the original CIFAR-10, as printed, and of
/// the authors' later code.
pub(super) static ALLCONVS: [Model; 3] = forms!["allconv" allconv,
    "allconv_cifar" AllConv::Kaggle,
    "allconv_original_cifar" AllConv::Original,
    "allconv_bn_cifar" AllConv::Normalised,
];

pub(super) static NINS: [Model; 4] = forms!["nin" nin,
    "nin_cifar" Nin::Kaggle,
    "nin_original_cifar" Nin::Original,
    "nin_printed_cifar" Nin::Printed,
    "nin_bn_cifar" Nin::Normalised,
];

pub(super) static WIDE_VGGS: [Model; 2] = [
    model("vgg16_fc2048_cifar", "vgg", CIFAR, |options| vgg16(Head::Printed, 1, options)),
    model("vgg16_fc2048_bn_cifar", "vgg", CIFAR, |options| vgg16(Head::Wide, 1, options)),
];

pub(super) static OTHERS: [Model; 3] = [
    model("bvlc_alexnet", "alexnet", DefaultConfig::IMAGENET.caffe().sized(227, 1.0), alexnet),
    model("lenet_keras_cifar", "keras_cifar", CIFAR, keras_cifar::lenet),
    model("resnet32_keras_cifar", "keras_cifar", CIFAR, keras_cifar::resnet32),
];
