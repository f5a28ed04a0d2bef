//! What turns the sums of a layer into its result.
//!
//! With steps s and codes q of input and weight, a sum of products is
//!
//! ```text
//! Σ x·w = sₓ s_w Σ (qₓ − zero) q_w  +  sₓ offset Σ (qₓ − zero)
//! ```
//!
//! where the second term is 0 for weights whose levels have no offset. Both sums are exact integers; the
//! code of the input's zero is taken off by what they start with, and whole steps of the bias are added there.
//! The rest is one factor for each, in units of the output's step.
//!
//! Factors are single-precision quotients in the order of ONNX's definitions, sₓ s_w / s, and the code of the
//! output's zero is added to the rounded number. So where all biases are whole steps, codes are those of
//! runtimes that follow these definitions, to the bit.

use super::ByteGrid;
use super::operands::{Addend, Output};
use super::weight::{AddendKind, OutputKind, QuantizedLayer, SignedWeight};

/// Sums of more products could overflow 32 bits: 2³¹ / (255 · 128).
pub const MOST_PRODUCTS: usize = 65_793;

/// Lanes that constants are padded to: a panel's width.
pub(super) const PADDED: usize = 32;

/// The step of codes, and the code of zero.
#[derive(Clone, Copy, Debug)]
struct Units {
    step: f32,
    zero: i32,
}

impl Units {
    fn new(grid: ByteGrid) -> Self {
        Self { step: grid.step(), zero: grid.zero().into() }
    }
}

/// Rounding to codes between a layer and what is added to it: factors and what is added to them are in units
/// of the step of these codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeforeAddend {
    /// Between which numbers the codes are, without the code of zero.
    pub(super) range: [f32; 2],
    /// The factor of the codes, in units of the output's step.
    pub(super) factor: f32,
    /// What is added to the products of codes and addend, the code of the output's zero among it.
    pub(super) add: f32,
}

impl BeforeAddend {
    fn new(grid: ByteGrid, addend: Units, output: Units) -> Self {
        let (own, top) = (Units::new(grid), i32::from(grid.top()));
        let (factor, addend_factor) = (own.step / output.step, addend.step / output.step);
        let taken_off = factor * own.zero as f32 + addend_factor * addend.zero as f32;
        Self {
            range: [-own.zero, top - own.zero].map(|end| end as f32),
            factor,
            add: output.zero as f32 - taken_off,
        }
    }
}

/// A bias in whole steps, and what is left of it. All of it is left where 32 bits might not hold the sum.
fn whole_steps(bias: f32, step: f32, depth: usize) -> (i32, f32) {
    /// Parts of a step, and of the number of steps, by which rounding may shift a whole one.
    const NEAR: [f64; 2] = [1e-3, 2.5e-7];
    let steps = f64::from(bias) / f64::from(step);
    let whole = steps.round();
    let most = f64::from(i32::MAX) - 255.0 * 128.0 * depth as f64;
    if !steps.is_finite() || whole.abs() >= most {
        return (0, bias);
    }
    let rest = steps - whole;
    let is_whole = rest.abs() <= NEAR[0] + NEAR[1] * whole.abs();
    (whole as i32, if is_whole { 0.0 } else { (rest * f64::from(step)) as f32 })
}

/// Constants of each channel of the output, padded to whole panels.
#[derive(Clone, Debug)]
pub(super) struct Constants {
    /// What the sum of products starts with: −zero · Σ q_w.
    pub(super) start: Vec<i32>,
    /// The factor of the sum of products.
    pub(super) multiplier: Vec<f32>,
    /// The factor of the sum of the inputs; empty if no channel needs it.
    pub(super) window: Vec<f32>,
    /// What the sum of the inputs starts with: −zero · how many there are.
    pub(super) window_start: i32,
    /// What is added: the bias as far as it is not in what the sum starts with.
    pub(super) add: Vec<f32>,
    /// The factor of the addend.
    pub(super) addend_factor: f32,
    /// The code of zero, of the codes that products are rounded to.
    pub(super) zero: i32,
    /// Between which values the result is kept, in units of the output's step.
    pub(super) range: [f32; 2],
    /// Whether the range is that of a byte, and no result is beyond what 32 bits hold: then a byte that saturates
    /// keeps it.
    pub(super) saturates: bool,
    /// What becomes of the sums before something is added to them.
    pub(super) before_addend: Option<BeforeAddend>,
    /// Codes are expected of the addend.
    pub(super) addend: AddendKind,
    pub(super) output: OutputKind,
}

impl Constants {
    /// # Panics
    /// When the lengths of factors or bias differ from the number of channels, or sums of `depth` products
    /// might not fit in 32 bits.
    pub(super) fn new(layer: &QuantizedLayer<'_>, weight: &SignedWeight, depth: usize) -> Self {
        assert!(depth <= MOST_PRODUCTS, "sums of {depth} products do not fit in 32 bits");
        let channels = weight.steps.len();
        for (values, what) in [(layer.factors, "factors"), (layer.bias, "biases")] {
            let count = values.map_or(channels, <[f32]>::len);
            assert_eq!(count, channels, "{what} of a layer's channels");
        }
        let output = match layer.output {
            OutputKind::Codes(grid) => Units::new(grid),
            OutputKind::Values | OutputKind::Both(_) => Units { step: 1.0, zero: 0 },
        };
        let addend = match layer.addend {
            AddendKind::None => Units { step: 0.0, zero: 0 },
            AddendKind::Codes(grid) => Units::new(grid),
            AddendKind::Values => Units { step: 1.0, zero: 0 },
        };
        let addend_factor = addend.step / output.step;
        let before_addend = layer.before_addend.map(|grid| BeforeAddend::new(grid, addend, output));
        let Units { step: unit, zero } = layer.before_addend.map_or(output, Units::new);
        let range = match before_addend {
            // The code of zero is part of what is added.
            Some(_) => Self::range(layer, output, output.zero),
            None => Self::range(layer, output, 0),
        };
        let input_zero = i32::from(layer.input.zero());
        let padded = channels.next_multiple_of(PADDED);
        let has_window = weight.offsets.iter().any(|offset| *offset != 0.0);
        let mut constants = Self {
            start: vec![0; padded],
            multiplier: vec![0.0; padded],
            window: vec![0.0; if has_window { padded } else { 0 }],
            window_start: -input_zero * depth as i32,
            add: vec![0.0; padded],
            addend_factor,
            zero,
            range,
            saturates: false,
            before_addend,
            addend: layer.addend,
            output: layer.output,
        };
        let codes = weight.codes.chunks_exact(depth.max(1));
        for (channel, codes) in codes.enumerate() {
            let sum: i32 = codes.iter().map(|code| i32::from(*code)).sum();
            constants.start[channel] = -input_zero * sum;
        }
        // What a sum of values takes off for the code of the addend's zero.
        let taken_off = match before_addend {
            Some(_) => 0.0,
            None => addend_factor * addend.zero as f32,
        };
        for channel in 0..channels {
            let factor = layer.factors.map_or(1.0, |factors| factors[channel]);
            let step = layer.input.step() * (weight.steps[channel] as f32 * factor);
            constants.multiplier[channel] = step / unit;
            if has_window {
                let offset = layer.input.step() * (weight.offsets[channel] as f32 * factor);
                constants.window[channel] = offset / unit;
            }
            let bias = layer.bias.map_or(0.0, |bias| bias[channel]);
            let (whole, rest) = whole_steps(bias, step, depth);
            constants.start[channel] += whole;
            constants.add[channel] = rest / unit - taken_off;
        }
        constants.saturates = constants.is_range_of_bytes();
        constants
    }

    /// Refuses outputs and addends of other shapes or kinds than the layer was packed for.
    pub(super) fn check(
        &self,
        addend: Option<Addend<'_>>,
        output: &Output<'_>,
        [pixels, channels]: [usize; 2],
    ) {
        assert_eq!(output.shape(), (pixels, channels), "output of a quantized layer");
        let is_kind = match output {
            Output::Values(_) => self.output == OutputKind::Values,
            Output::Codes(_) => matches!(self.output, OutputKind::Codes(_)),
            Output::Both(codes, _) => {
                assert_eq!((codes.count(), codes.channels()), (pixels, channels), "codes");
                matches!(self.output, OutputKind::Both(_))
            }
        };
        assert!(is_kind, "output of a quantized layer: {:?}", self.output);
        let fits = match (self.addend, addend) {
            (AddendKind::None, None) => true,
            (AddendKind::Codes(_), Some(Addend::Codes(rows))) => {
                (rows.count(), rows.channels()) == (pixels, channels)
            }
            (AddendKind::Values, Some(Addend::Values(rows))) => {
                (rows.count(), rows.channels()) == (pixels, channels)
            }
            _ => false,
        };
        assert!(fits, "addend of a quantized layer: {:?}", self.addend);
    }

    fn is_range_of_bytes(&self) -> bool {
        /// Sums of at most 2³¹ times this, and what is added to them, are far from the end of 32 bits.
        const MOST: f32 = 0.5;
        /// What is added is at most.
        const MOST_ADDED: f32 = 1e6;
        let zero = if self.before_addend.is_some() { 0 } else { self.zero };
        let is_whole = self.range == [0, 255].map(|code| (code - zero) as f32);
        let is_small = self.multiplier.iter().all(|factor| factor.abs() <= MOST)
            && self.add.iter().all(|added| added.abs() <= MOST_ADDED);
        let sum_is_small = self.before_addend.is_none_or(|before| {
            let most = 255.0 * (before.factor + self.addend_factor) + before.add.abs();
            most <= MOST_ADDED
        });
        is_whole && is_small && sum_is_small && matches!(self.output, OutputKind::Codes(_))
    }

    /// The layer's range, and the one of the codes if these are the output; `added` is the code of zero as far
    /// as values have it already.
    fn range(layer: &QuantizedLayer<'_>, output: Units, added: i32) -> [f32; 2] {
        let [low, high] = layer.range.map(|end| end / output.step + added as f32);
        match layer.output {
            OutputKind::Codes(grid) => {
                let [least, most] =
                    [0, i32::from(grid.top())].map(|code| code - output.zero + added);
                // An end so near to the last code is rounded to it, as 6 where codes end at a ReLU6's 6.
                let near = |end: f32, last: i32| {
                    let last = last as f32;
                    if (end - last).abs() < 0.25 { last } else { end }
                };
                [near(low, least).max(least as f32), near(high, most).min(most as f32)]
            }
            OutputKind::Values | OutputKind::Both(_) => [low, high],
        }
    }
}
