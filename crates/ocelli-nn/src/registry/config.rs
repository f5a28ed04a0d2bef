//! How images are prepared for a network.

use ocelli_common::{CropMode, Interpolation};
use serde::{Deserialize, Serialize};

/// What a network's weights expect of an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultConfig {
    /// How many classes the weights tell apart.
    pub num_classes: usize,
    /// Height and width of an image in evaluation, pixels.
    pub input_size: usize,
    /// Subtracted from each channel, on a scale of 0…1.
    pub mean: [f32; 3],
    /// Divides each channel, on a scale of 0…1.
    pub std: [f32; 3],
    /// How an image is resized.
    pub interpolation: Interpolation,
    /// The share of the resized image that the centre crop keeps.
    pub crop_pct: f64,
    /// How an image of another aspect ratio becomes square.
    pub crop_mode: CropMode,
}

const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

impl DefaultConfig {
    /// ImageNet-1k at 224 pixels as most PyTorch models have it.
    pub const IMAGENET: Self = Self {
        num_classes: 1000,
        input_size: 224,
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
        interpolation: Interpolation::Bicubic,
        crop_pct: 0.875,
        crop_mode: CropMode::Center,
    };

    /// CIFAR-10 at its own size.
    pub const CIFAR10: Self =
        Self { num_classes: 10, input_size: 32, crop_pct: 1.0, ..Self::IMAGENET };

    /// Values from −1 to 1, as Inception and the larger EfficientNetV2 take them.
    #[must_use]
    pub const fn inception(self) -> Self {
        Self { mean: [0.5; 3], std: [0.5; 3], ..self }
    }

    /// `(x − 127) / 128` on a scale of 0…255, as EfficientNet-Lite takes them.
    #[must_use]
    pub const fn lite(self) -> Self {
        Self { mean: [127.0 / 255.0; 3], std: [128.0 / 255.0; 3], ..self }
    }

    /// CIFAR-10's mean and deviation, 125.307, 122.95, 113.865 and 62.9932, 62.0887, 66.7048 on a scale
    /// of 0…255, as many Keras projects have them.
    #[must_use]
    pub const fn keras_cifar10(self) -> Self {
        Self {
            mean: [125.307 / 255.0, 122.95 / 255.0, 113.865 / 255.0],
            std: [62.9932 / 255.0, 62.0887 / 255.0, 66.7048 / 255.0],
            ..self
        }
    }

    /// ImageNet's mean subtracted on a scale of 0…255, as Caffe's networks take them.
    #[must_use]
    pub const fn caffe(self) -> Self {
        let mean = [122.679 / 255.0, 116.669 / 255.0, 104.007 / 255.0];
        Self { mean, std: [1.0 / 255.0; 3], ..self }
    }

    /// Values from 0 to 1.
    #[must_use]
    pub const fn unchanged(self) -> Self {
        Self { mean: [0.0; 3], std: [1.0; 3], ..self }
    }

    /// Resized with the triangle filter.
    #[must_use]
    pub const fn bilinear(self) -> Self {
        Self { interpolation: Interpolation::Bilinear, ..self }
    }

    /// At another size and crop.
    #[must_use]
    pub const fn sized(self, input_size: usize, crop_pct: f64) -> Self {
        Self { input_size, crop_pct, ..self }
    }

    /// With both sides resized.
    #[must_use]
    pub const fn squashed(self) -> Self {
        Self { crop_mode: CropMode::Squash, ..self }
    }
}
