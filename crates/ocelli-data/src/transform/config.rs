//! What a recipe says about the way from a picture to values.

mod channel_values;

use super::normalise::ScaleAndOffset;
use crate::augment::{
    ColourJitter, GaussianBlur, PadCrop, RandAugment, RandomErasing, RandomResizedCrop,
};
use crate::{Channels, Error, Result};
use ocelli_common::{CropMode, Interpolation};
use serde::{Deserialize, Serialize};

/// What a model wants to see. The defaults of each model come from its entry in the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// Height and width in pixels.
    pub size: u32,
    /// 1 (grey) or 3 (colour); pictures are converted.
    pub channels: u8,
    /// Subtracted from each channel after scaling to 0…1; one number, or one per channel.
    #[serde(deserialize_with = "channel_values::one_or_several")]
    pub mean: Vec<f32>,
    /// What each channel is divided by then; one number, or one per channel.
    #[serde(deserialize_with = "channel_values::one_or_several")]
    pub std: Vec<f32>,
    /// How pictures are resized.
    pub interpolation: Interpolation,
    /// Whether to turn pictures as their EXIF orientation says.
    pub apply_orientation: bool,
}

impl Default for InputConfig {
    /// 224 pixels, colour, the mean and deviation of ImageNet, bilinear.
    fn default() -> Self {
        Self {
            size: 224,
            channels: 3,
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            interpolation: Interpolation::Bilinear,
            apply_orientation: false,
        }
    }
}

/// Operations of RandAugment on one image; the paper has up to four.
const MOST_LAYERS: u32 = 64;

/// The largest input size that is accepted, in pixels.
const LARGEST_SIZE: u32 = 8192;

impl InputConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// With the first that is out of range.
    pub fn check(&self) -> Result<()> {
        if !(1..=LARGEST_SIZE).contains(&self.size) {
            let size = self.size;
            let reason = format!("is {size} pixels, expected 1 to {LARGEST_SIZE}");
            return Err(Error::setting("input.size", reason));
        }
        if ![1, 3].contains(&self.channels) {
            let reason = format!("is {}, expected 1 (grey) or 3 (colour)", self.channels);
            return Err(Error::setting("input.channels", reason));
        }
        for (field, values) in [("input.mean", &self.mean), ("input.std", &self.std)] {
            if values.len() != 1 && values.len() != usize::from(self.channels) {
                let (found, channels) = (values.len(), self.channels);
                let reason =
                    format!("has {found} numbers, expected 1 or one per channel, {channels}");
                return Err(Error::setting(field, reason));
            }
            if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
                return Err(Error::setting(
                    field,
                    format!("holds {bad}, expected a finite number"),
                ));
            }
        }
        if let Some(bad) = self.std.iter().find(|value| **value <= 0.0) {
            return Err(Error::setting("input.std", format!("holds {bad}, expected more than 0")));
        }
        Ok(())
    }

    pub(crate) fn shape(&self) -> [usize; 3] {
        [usize::from(self.channels), self.size as usize, self.size as usize]
    }

    pub(crate) fn colours(&self) -> Channels {
        if self.channels == 1 { Channels::Grey } else { Channels::Rgb }
    }

    /// What to multiply a byte with and what to add then, for each channel.
    pub fn scale_and_offset(&self) -> ScaleAndOffset {
        std::array::from_fn(|channel| {
            let of = |values: &[f32]| {
                let single = values.first().copied().unwrap_or_default();
                f64::from(values.get(channel).copied().unwrap_or(single))
            };
            let (mean, std) = (of(&self.mean), of(&self.std));
            ((1.0 / (255.0 * std)) as f32, (-mean / std) as f32)
        })
    }
}

/// What a picture goes through before it is evaluated; the rules are timm's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalConfig {
    /// The input size divided by the size to which the picture is resized.
    pub crop_pct: f64,
    /// What is resized to which size.
    pub crop_mode: CropMode,
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self { crop_pct: 0.875, crop_mode: CropMode::Center }
    }
}

impl EvalConfig {
    pub(crate) fn check(&self) -> Result<()> {
        if (0.01..=1.0).contains(&self.crop_pct) {
            return Ok(());
        }
        let reason = format!("is {}, expected more than 0.01 and up to 1", self.crop_pct);
        Err(Error::setting("eval.crop_pct", reason))
    }
}

/// What a picture goes through before it is trained on, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Which part of the picture is taken.
    pub crop: TrainCrop,
    /// How often left and right are swapped.
    pub flip: f32,
    /// Random operations of a common magnitude.
    pub rand_augment: Option<RandAugment>,
    /// Random changes of the colours.
    pub colour_jitter: Option<ColourJitter>,
    /// How often a picture is made grey.
    pub grey: f32,
    /// Random blur.
    pub blur: Option<GaussianBlur>,
    /// Erases a rectangle after normalisation.
    pub erasing: Option<RandomErasing>,
}

impl Default for TrainConfig {
    /// A random resized crop and a flip of every second picture.
    fn default() -> Self {
        Self {
            crop: TrainCrop::default(),
            flip: 0.5,
            rand_augment: None,
            colour_jitter: None,
            grey: 0.0,
            blur: None,
            erasing: None,
        }
    }
}

/// Which part of a picture is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TrainCrop {
    /// A random part, stretched to the input size.
    RandomResized(RandomResizedCrop),
    /// All of it, resized to the input size where it has another, then padded and cropped.
    Pad(PadCrop),
    /// All of it, resized to the input size where it has another.
    Squash,
}

impl Default for TrainCrop {
    fn default() -> Self {
        Self::RandomResized(RandomResizedCrop::default())
    }
}

impl TrainConfig {
    /// SimCLR's augmentation (Chen et al. 2020, arXiv 2002.05709, appendix A): crops of 8–100 % of the
    /// area, flips, colour jitter of strength `s`, grey with probability 0.2 and Gaussian blur of every
    /// second image. The paper takes `s` = 1 for ImageNet, and 0.5 and no blur for CIFAR-10.
    pub fn simclr(s: f32) -> Self {
        Self {
            colour_jitter: Some(ColourJitter::of_strength(s)),
            grey: 0.2,
            blur: Some(GaussianBlur::default()),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        probability("augment.flip", self.flip)?;
        probability("augment.grey", self.grey)?;
        match self.crop {
            TrainCrop::RandomResized(crop) => {
                range("augment.crop.random_resized.scale", crop.scale, 1.0)?;
                range("augment.crop.random_resized.ratio", crop.ratio, f64::MAX)?;
            }
            TrainCrop::Pad(pad) if pad.pixels > LARGEST_SIZE => {
                let reason = format!("is {}, expected up to {LARGEST_SIZE}", pad.pixels);
                return Err(Error::setting("augment.crop.pad.pixels", reason));
            }
            TrainCrop::Pad(_) | TrainCrop::Squash => {}
        }
        if let Some(rand_augment) = self.rand_augment {
            let RandAugment { layers, magnitude, translate, cutout, .. } = rand_augment;
            if layers > MOST_LAYERS {
                let reason = format!("is {layers}, expected up to {MOST_LAYERS}");
                return Err(Error::setting("augment.rand_augment.layers", reason));
            }
            at_least_zero("augment.rand_augment.magnitude", magnitude)?;
            at_least_zero("augment.rand_augment.translate", translate)?;
            at_least_zero("augment.rand_augment.cutout", cutout)?;
        }
        if let Some(jitter) = self.colour_jitter {
            probability("augment.colour_jitter.probability", jitter.probability)?;
            at_least_zero("augment.colour_jitter.brightness", jitter.brightness.into())?;
            at_least_zero("augment.colour_jitter.contrast", jitter.contrast.into())?;
            at_least_zero("augment.colour_jitter.saturation", jitter.saturation.into())?;
            if !(0.0..=0.5).contains(&jitter.hue) {
                let reason = format!("is {}, expected 0 to 0.5", jitter.hue);
                return Err(Error::setting("augment.colour_jitter.hue", reason));
            }
        }
        if let Some(blur) = self.blur {
            probability("augment.blur.probability", blur.probability)?;
            probability("augment.blur.kernel", blur.kernel)?;
            range("augment.blur.sigma", blur.sigma.map(f64::from), f64::MAX)?;
        }
        if let Some(erasing) = self.erasing {
            probability("augment.erasing.probability", erasing.probability)?;
            range("augment.erasing.area", erasing.area.map(f64::from), 1.0)?;
            range("augment.erasing.ratio", erasing.ratio.map(f64::from), f64::MAX)?;
        }
        Ok(())
    }
}

fn probability(field: &'static str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(field, format!("is {value}, expected 0 to 1")))
}

fn at_least_zero(field: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::setting(field, format!("is {value}, expected 0 or more")))
}

fn range(field: &'static str, [low, high]: [f64; 2], limit: f64) -> Result<()> {
    if 0.0 < low && low <= high && high <= limit {
        return Ok(());
    }
    let most = if limit == f64::MAX { String::new() } else { format!(", at most {limit}") };
    Err(Error::setting(field, format!("is [{low}, {high}], expected 0 < low ≤ high{most}")))
}

#[cfg(test)]
mod tests;
