//! The way of a picture that is trained on.

use super::config::{InputConfig, TrainConfig, TrainCrop};
use super::draw::Canvas;
use super::eval::decoding;
use super::frame::Frame;
use super::{Scratch, Transform};
use crate::augment::grey;
use crate::{Image, Limits, Payload, Region, Result};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;

/// Random crop, random changes of pixels, random flip, normalise, random erasing.
///
/// The flip is done last, while the values are written: the other steps draw left and right
/// evenly, so that it makes no difference.
#[derive(Clone, Debug)]
pub struct TrainTransform {
    input: InputConfig,
    config: TrainConfig,
    canvas: Canvas,
    changes_pixels: bool,
}

impl TrainTransform {
    /// # Errors
    /// When a setting is out of range.
    pub fn new(input: InputConfig, config: TrainConfig) -> Result<Self> {
        input.check()?;
        config.check()?;
        let canvas = Canvas { size: input.size, background: [0; 3], decoding: decoding(&input) };
        let changes_pixels = matches!(config.crop, TrainCrop::Pad(_))
            || config.rand_augment.is_some()
            || config.colour_jitter.is_some()
            || config.grey > 0.0
            || config.blur.is_some();
        Ok(Self { input, config, canvas, changes_pixels })
    }

    /// The same with other limits on what is decoded.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.canvas.decoding.limits = limits;
        self
    }

    fn frame(&self, width: u32, height: u32, random: &mut ChaCha8Rng) -> Frame {
        let region = match self.config.crop {
            TrainCrop::RandomResized(crop) => crop.draw(width, height, random),
            TrainCrop::Pad(_) | TrainCrop::Squash => Region::whole(width, height),
        };
        Frame::stretched(region, self.input.size, self.input.interpolation)
    }

    fn change_pixels(&self, image: &mut Image, random: &mut ChaCha8Rng) {
        let config = &self.config;
        if let TrainCrop::Pad(pad) = config.crop {
            pad.apply(image, random);
        }
        if let Some(rand_augment) = config.rand_augment {
            rand_augment.apply(image, random);
        }
        if let Some(jitter) = config.colour_jitter {
            jitter.apply(image, random);
        }
        if config.grey > 0.0 && random.random::<f32>() < config.grey {
            grey(image);
        }
        if let Some(blur) = config.blur {
            blur.apply(image, random);
        }
    }
}

impl Transform for TrainTransform {
    fn shape(&self) -> [usize; 3] {
        self.input.shape()
    }

    fn decode(&self, picture: Payload) -> Result<Payload> {
        self.canvas.decode(picture)
    }

    fn apply(
        &self,
        picture: &Payload,
        random: &mut ChaCha8Rng,
        scratch: &mut Scratch,
        output: &mut [f32],
    ) -> Result<()> {
        let frame = |width, height| self.frame(width, height, random);
        self.canvas.draw(picture, frame, scratch)?;
        if self.changes_pixels {
            self.change_pixels(scratch.pixels(), random);
        }
        let flip = random.random::<f32>() < self.config.flip;
        scratch.write(self.input.scale_and_offset(), flip, output);
        if let Some(erasing) = self.config.erasing {
            let side = self.input.size as usize;
            erasing.apply(output, (side, side), random);
        }
        Ok(())
    }
}
