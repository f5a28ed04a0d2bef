//! Weights as signed bytes.

use crate::quantize::Grid;

/// A quantized layer: codes of its weight and what its sums become.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedLayer<'a> {
    /// The weight's codes, one byte each whatever their bits, `[out_channels, in_channels, taps]`.
    pub codes: &'a [u8],
    /// The weight's levels: of all channels, or one grid for each channel of the output.
    pub grids: &'a [Grid],
    /// What each channel of the output is multiplied by, as by a normalisation.
    pub factors: Option<&'a [f32]>,
    /// What is added to each channel of the output.
    pub bias: Option<&'a [f32]>,
    /// The levels of the input.
    pub input: super::ByteGrid,
    /// The levels to which the output is rounded before something is added to it.
    pub before_addend: Option<super::ByteGrid>,
    /// What is added to the output pixel by pixel, after factor and bias.
    pub addend: AddendKind,
    /// Between which values the result is kept: `[0, 6]` is ReLU6.
    pub range: [f32; 2],
    /// What the output consists of.
    pub output: OutputKind,
}

/// What a layer's output consists of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutputKind {
    /// Plain `f32`.
    Values,
    /// Codes with these levels.
    Codes(super::ByteGrid),
    /// Plain `f32`, and their codes with these levels.
    Both(super::ByteGrid),
}

/// What kind of value is added to a layer's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AddendKind {
    /// Nothing is.
    None,
    /// Codes with these levels.
    Codes(super::ByteGrid),
    /// Plain `f32`.
    Values,
}

/// A weight as signed bytes: a value is `offset + step · code`.
pub(super) struct SignedWeight {
    /// In the order of the codes that they were made of.
    pub(super) codes: Vec<i8>,
    /// One for each channel of the output.
    pub(super) steps: Vec<f64>,
    /// One for each channel of the output, mostly 0.
    pub(super) offsets: Vec<f64>,
}

/// How the codes of a grid become signed: `signed = scale · code − shift`.
struct Signed {
    scale: i32,
    shift: i32,
    step: f64,
    offset: f64,
}

impl Signed {
    /// With an offset of 0 if the levels allow it.
    fn new(grid: Grid) -> Self {
        /// Parts of a step by which rounding may shift a level.
        const NEAR: f64 = 1e-4;
        let (step, offset) = (f64::from(grid.step), f64::from(grid.offset));
        if grid.step == 0.0 {
            return Self { scale: 0, shift: 0, step: 0.0, offset };
        }
        // Levels are whole multiples of the step, or of half of it, as ±1 and ±3 are of 2.
        for scale in [1, 2] {
            let shift = -f64::from(scale) * offset / step;
            let top = f64::from(scale) * f64::from(grid.top);
            let whole = shift.round();
            let fits = -whole >= f64::from(i8::MIN) && top - whole <= f64::from(i8::MAX);
            if (shift - whole).abs() <= NEAR && fits {
                let (shift, step) = (whole as i32, step / f64::from(scale));
                return Self { scale, shift, step, offset: 0.0 };
            }
        }
        let shift = if grid.top > i8::MAX as u32 { 128 } else { 0 };
        Self { scale: 1, shift, step, offset: offset + step * f64::from(shift) }
    }

    fn code(&self, code: u8) -> i8 {
        (self.scale * i32::from(code) - self.shift).clamp(i8::MIN.into(), i8::MAX.into()) as i8
    }
}

/// The step of the signed bytes that stand for the levels of a weight; `None` where zero is no whole number of
/// steps away, so that sums of products alone do not tell the result.
pub fn signed_step(grid: Grid) -> Option<f32> {
    let signed = Signed::new(grid);
    (signed.offset == 0.0 && signed.step > 0.0).then_some(signed.step as f32)
}

impl SignedWeight {
    /// # Panics
    /// When there are neither one grid nor one for each of `channels` channels, or codes are beyond their
    /// grids.
    pub(super) fn new(codes: &[u8], grids: &[Grid], channels: usize) -> Self {
        let count = grids.len();
        assert!(count == 1 || count == channels, "{count} grids of {channels} channels");
        let per_channel = codes.len().checked_div(channels).unwrap_or_default();
        let mut weight = Self {
            codes: Vec::with_capacity(codes.len()),
            steps: Vec::with_capacity(channels),
            offsets: Vec::with_capacity(channels),
        };
        for channel in 0..channels {
            let grid = grids[channel % count];
            assert!(grid.top <= Grid::TOP, "a weight has codes up to {}", grid.top);
            let signed = Signed::new(grid);
            for code in &codes[channel * per_channel..][..per_channel] {
                assert!(u32::from(*code) <= grid.top, "code {code} of a grid up to {}", grid.top);
                weight.codes.push(signed.code(*code));
            }
            weight.steps.push(signed.step);
            weight.offsets.push(signed.offset);
        }
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offsets(grid: Grid) -> f64 {
        Signed::new(grid).offset
    }

    #[test]
    fn symmetric_levels_have_no_offset() {
        let sawb = Grid { offset: -0.9, step: 0.6, top: 3 };
        let signed = Signed::new(sawb);
        assert_eq!([0, 1, 2, 3].map(|code| signed.code(code)), [-3, -1, 1, 3]);
        assert_eq!(signed.offset, 0.0);
        assert_eq!(offsets(Grid { offset: -0.3, step: 0.6, top: 1 }), 0.0);
        assert_eq!(offsets(Grid { offset: -128.0 * 0.01, step: 0.01, top: 255 }), 0.0);
        assert_eq!(Signed::new(Grid { offset: 0.5, step: 0.0, top: 255 }).offset, 0.5);
    }

    #[test]
    fn a_grid_that_misses_zero_keeps_an_offset() {
        assert_ne!(offsets(Grid { offset: -0.51, step: 0.6, top: 3 }), 0.0);
        assert_ne!(offsets(Grid { offset: -12.25, step: 1.0, top: 255 }), 0.0);
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn signed_codes_stand_for_the_same_levels(
            offset in -300.0_f32..10.0,
            step in 0.01_f32..2.0,
            top in 1_u32..256,
        ) {
            let grid = Grid { offset, step, top };
            let signed = Signed::new(grid);
            for code in 0..=top as u8 {
                let level = signed.offset + signed.step * f64::from(signed.code(code));
                let expected = f64::from(offset) + f64::from(step) * f64::from(code);
                prop_assert!((level - expected).abs() <= 2e-4 * f64::from(step));
            }
        }
    }
}
