//! Weights in the order in which products read them: panels of 32 channels of the output, in each the
//! steps of the depth one after the other, in each of these [`STEP`] weights for every channel.

#![expect(unsafe_code, reason = "a panel is read as bytes")]

use super::constants::PADDED;
use super::simd::STEP;

/// Bytes of one step of a panel.
pub(super) const STEP_BYTES: usize = PADDED * STEP;

/// A cache line: vectors that start at a multiple of it are in one line each.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line([i8; 64]);

/// Packed weights.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    lines: Vec<Line>,
    steps: usize,
}

impl Panels {
    /// Panels for `channels` channels of `steps` steps, all zero.
    pub(super) fn zeros(channels: usize, steps: usize) -> Self {
        let bytes = channels.div_ceil(PADDED) * steps * STEP_BYTES;
        Self { lines: vec![Line([0; 64]); bytes.div_ceil(64)], steps }
    }

    /// Puts a weight in its place.
    pub(super) fn set(&mut self, channel: usize, step: usize, within: usize, weight: i8) {
        assert!(step < self.steps && within < STEP, "step {step} of {}", self.steps);
        let panel = channel / PADDED * self.steps;
        let byte = (panel + step) * STEP_BYTES + channel % PADDED * STEP + within;
        self.lines[byte / 64].0[byte % 64] = weight;
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    /// The first step of a panel, and of this the weights of channel `channel`, the first of a vector.
    #[inline(always)]
    pub(super) fn at(&self, channel: usize) -> *const i8 {
        let byte = channel / PADDED * self.steps * STEP_BYTES + channel % PADDED * STEP;
        assert!(byte < self.bytes() || self.steps == 0, "channel {channel} of a packed weight");
        // SAFETY: the byte is among those of the lines, or the pointer is not read.
        unsafe { self.lines.as_ptr().cast::<i8>().add(byte.min(self.bytes())) }
    }
}
