//! RandAugment (Cubuk et al. 2020, arXiv 1909.13719), with the operations and the magnitudes of
//! the released EfficientNetV2 code.
//!
//! A magnitude `M` is a number of which 10 is the nominal maximum; progressive learning goes
//! beyond it. `f = M / 10` scales every operation:
//!
//! | operation | strength at `f` |
//! | --- | --- |
//! | AutoContrast, Equalize, Invert | none |
//! | Rotate | ±30° · f |
//! | Posterize | keeps ⌊4 f⌋ bits |
//! | Solarize | from ⌊256 f⌋ on |
//! | SolarizeAdd | adds ⌊110 f⌋ below 128 |
//! | Color, Contrast, Brightness, Sharpness | factor 0.1 + 1.8 f |
//! | ShearX, ShearY | ±0.3 f |
//! | TranslateX, TranslateY | ±`translate` · f pixels |
//! | Cutout | a square of side 2 ⌊`cutout` · f⌋ pixels |
//!
//! Posterize and Solarize thus grow *weaker* with the magnitude, as in the released code.
//!
//! Deviations: Contrast blends with the mean grey, as Pillow does; the released code takes the
//! mean of the histogram's counts for it by mistake. AutoAugment, with which the paper's B0–B3 were
//! trained, is not here.

use super::geometry::{cutout, rotate, shear_x, shear_y, translate};
use super::point::{auto_contrast, equalize, invert, posterize, solarize, solarize_add};
use super::{brightness, contrast, saturation, sharpness};
use crate::{Image, Interpolation, Region};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How RandAugment treats an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandAugment {
    /// How many operations follow one another.
    pub layers: u32,
    /// The magnitude `M`; 10 is the nominal maximum.
    pub magnitude: f64,
    /// The greatest translation in pixels, reached at `M` = 10.
    pub translate: f64,
    /// Half the side of the cut-out square in pixels, reached at `M` = 10.
    pub cutout: f64,
    /// The grey that fills what an operation leaves empty.
    pub fill: u8,
    /// How rotated, sheared and translated pixels are made: nearest or bilinear.
    pub interpolation: Interpolation,
}

impl Default for RandAugment {
    /// Two operations at magnitude 10, with the constants of the released code, which are meant
    /// for images of 128 pixels and more.
    fn default() -> Self {
        Self {
            layers: 2,
            magnitude: 10.0,
            translate: 100.0,
            cutout: 40.0,
            fill: 128,
            interpolation: Interpolation::Nearest,
        }
    }
}

/// One operation, at its strength, before the random sign and position are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RandAugmentOp {
    /// Stretch the values of each channel.
    AutoContrast,
    /// Spread the values of each channel.
    Equalize,
    /// Invert all values.
    Invert,
    /// Turn by so many degrees, either way.
    Rotate(f64),
    /// Keep so many bits.
    Posterize(u32),
    /// Invert values from this threshold on.
    Solarize(u32),
    /// Saturation factor.
    Color(f32),
    /// Contrast factor.
    Contrast(f32),
    /// Brightness factor.
    Brightness(f32),
    /// Sharpness factor.
    Sharpness(f32),
    /// Horizontal slope, either way.
    ShearX(f64),
    /// Vertical slope, either way.
    ShearY(f64),
    /// Pixels to the left or right.
    TranslateX(f64),
    /// Pixels up or down.
    TranslateY(f64),
    /// Half the side of a square around a random pixel.
    Cutout(u32),
    /// Add this to dark values.
    SolarizeAdd(u8),
}

impl RandAugment {
    /// The operations at this magnitude, each as likely as any other.
    pub fn operations(&self) -> [RandAugmentOp; 16] {
        use RandAugmentOp::{
            AutoContrast, Brightness, Color, Contrast, Cutout, Equalize, Invert, Posterize, Rotate,
            Sharpness, ShearX, ShearY, Solarize, SolarizeAdd, TranslateX, TranslateY,
        };
        let level = self.magnitude / 10.0;
        let factor = (0.1 + 1.8 * level) as f32;
        [
            AutoContrast,
            Equalize,
            Invert,
            Rotate(30.0 * level),
            Posterize((4.0 * level) as u32),
            Solarize((256.0 * level) as u32),
            Color(factor),
            Contrast(factor),
            Brightness(factor),
            Sharpness(factor),
            ShearX(0.3 * level),
            ShearY(0.3 * level),
            TranslateX(self.translate * level),
            TranslateY(self.translate * level),
            Cutout((self.cutout * level) as u32),
            SolarizeAdd((110.0 * level) as u8),
        ]
    }

    pub(crate) fn apply(&self, image: &mut Image, random: &mut ChaCha8Rng) {
        let operations = self.operations();
        for _ in 0..self.layers {
            let operation = operations[random.random_range(0..operations.len())];
            self.run(operation, image, random);
        }
    }

    fn run(&self, operation: RandAugmentOp, image: &mut Image, random: &mut ChaCha8Rng) {
        let mut either_way = |strength: f64| if random.random() { strength } else { -strength };
        let (filter, fill) = (self.interpolation, self.fill);
        match operation {
            RandAugmentOp::AutoContrast => auto_contrast(image),
            RandAugmentOp::Equalize => equalize(image),
            RandAugmentOp::Invert => invert(image),
            RandAugmentOp::Rotate(angle) => rotate(image, either_way(angle), filter, fill),
            RandAugmentOp::Posterize(bits) => posterize(image, bits),
            RandAugmentOp::Solarize(threshold) => solarize(image, threshold),
            RandAugmentOp::Color(factor) => saturation(image, factor),
            RandAugmentOp::Contrast(factor) => contrast(image, factor),
            RandAugmentOp::Brightness(factor) => brightness(image, factor),
            RandAugmentOp::Sharpness(factor) => sharpness(image, factor),
            RandAugmentOp::ShearX(slope) => shear_x(image, either_way(slope), filter, fill),
            RandAugmentOp::ShearY(slope) => shear_y(image, either_way(slope), filter, fill),
            RandAugmentOp::TranslateX(pixels) => {
                translate(image, (either_way(pixels), 0.0), filter, fill);
            }
            RandAugmentOp::TranslateY(pixels) => {
                translate(image, (0.0, either_way(pixels)), filter, fill);
            }
            RandAugmentOp::Cutout(half) => {
                let region = square(image, half, random);
                cutout(image, region, fill);
            }
            RandAugmentOp::SolarizeAdd(addition) => solarize_add(image, addition),
        }
    }
}

/// The part inside the image of a square around a random pixel.
fn square(image: &Image, half: u32, random: &mut ChaCha8Rng) -> Region {
    let mut range = |len: u32| {
        let centre = random.random_range(0..len.max(1));
        let start = centre.saturating_sub(half);
        (start, centre.saturating_add(half).min(len) - start)
    };
    let (left, width) = range(image.width);
    let (top, height) = range(image.height);
    Region { left, top, width, height }
}

#[cfg(test)]
mod tests;
