//! The way of a picture that is evaluated.

use super::config::{EvalConfig, InputConfig};
use super::draw::Canvas;
use super::frame::Frame;
use super::{Scratch, Transform};
use crate::{DecodeOptions, Limits, Payload, Result};
use ocelli_common::CropMode;
use ocelli_random::ChaCha8Rng;

/// Resize, centre crop, normalise: the same values for a picture every time.
///
/// Resizing and cropping are one pass over the pixels that the crop shows, with the result that
/// resizing the whole picture and cropping it would have.
#[derive(Clone, Debug)]
pub struct EvalTransform {
    input: InputConfig,
    config: EvalConfig,
    canvas: Canvas,
}

impl EvalTransform {
    /// # Errors
    /// When a setting is out of range.
    pub fn new(input: InputConfig, config: EvalConfig) -> Result<Self> {
        input.check()?;
        config.check()?;
        let background = match config.crop_mode {
            CropMode::Border => mean_colour(&input),
            CropMode::Center | CropMode::Squash | CropMode::None => [0; 3],
        };
        let canvas = Canvas { size: input.size, background, decoding: decoding(&input) };
        Ok(Self { input, config, canvas })
    }

    /// The same with other limits on what is decoded.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.canvas.decoding.limits = limits;
        self
    }
}

pub(super) fn decoding(input: &InputConfig) -> DecodeOptions {
    DecodeOptions {
        channels: input.colours(),
        apply_orientation: input.apply_orientation,
        ..DecodeOptions::default()
    }
}

fn mean_colour(input: &InputConfig) -> [u8; 3] {
    let first = input.mean.first().copied().unwrap_or_default();
    std::array::from_fn(|channel| {
        let mean = input.mean.get(channel).copied().unwrap_or(first);
        (255.0 * mean).round_ties_even() as u8
    })
}

impl Transform for EvalTransform {
    fn shape(&self) -> [usize; 3] {
        self.input.shape()
    }

    fn decode(&self, picture: Payload) -> Result<Payload> {
        self.canvas.decode(picture)
    }

    fn apply(
        &self,
        picture: &Payload,
        _random: &mut ChaCha8Rng,
        scratch: &mut Scratch,
        output: &mut [f32],
    ) -> Result<()> {
        let InputConfig { size, interpolation, .. } = self.input;
        let frame =
            |width, height| Frame::evaluated(&self.config, (width, height), size, interpolation);
        self.canvas.draw(picture, frame, scratch)?;
        scratch.write(self.input.scale_and_offset(), false, output);
        Ok(())
    }
}
