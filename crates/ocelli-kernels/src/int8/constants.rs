//! What turns the sums of a layer into its result.
//!
//! With steps s and codes q of input and weight, a sum of products is
//!
//! ```text
//! Σ x·w = sₓ s_w Σ (qₓ − zero) q_w  +  sₓ offset Σ (qₓ − zero)
//! ```
//!
//! where the second term is 0 for weights whose levels have no offset. Both sums are exact integers; the
//! code of the input's zero is taken off by what they start with. The rest is one factor for each, in
//! units of the output's step.

use super::operands::{Addend, Output};
use super::weight::{AddendKind, OutputKind, QuantizedLayer, SignedWeight};

/// Sums of more products could overflow 32 bits: 2³¹ / (255 · 128).
pub const MOST_PRODUCTS: usize = 65_793;

/// Lanes that constants are padded to: a panel's width.
pub(super) const PADDED: usize = 32;

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
    /// What is added.
    pub(super) add: Vec<f32>,
    /// The factor of the addend.
    pub(super) addend_factor: f32,
    /// Between which values the result is kept, in units of the output's step.
    pub(super) range: [f32; 2],
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
        let (unit, zero) = match layer.output {
            OutputKind::Codes(grid) => (f64::from(grid.step()), f64::from(grid.zero())),
            OutputKind::Values | OutputKind::Both(_) => (1.0, 0.0),
        };
        let (addend_factor, addend_zero) = match layer.addend {
            AddendKind::None => (0.0, 0.0),
            AddendKind::Codes(grid) => (f64::from(grid.step()) / unit, f64::from(grid.zero())),
            AddendKind::Values => (1.0 / unit, 0.0),
        };
        let input = f64::from(layer.input.step());
        let input_zero = i32::from(layer.input.zero());
        let padded = channels.next_multiple_of(PADDED);
        let has_window = weight.offsets.iter().any(|offset| *offset != 0.0);
        let mut constants = Self {
            start: vec![0; padded],
            multiplier: vec![0.0; padded],
            window: vec![0.0; if has_window { padded } else { 0 }],
            window_start: -input_zero * depth as i32,
            add: vec![0.0; padded],
            addend_factor: addend_factor as f32,
            range: Self::range(layer, unit, zero),
            addend: layer.addend,
            output: layer.output,
        };
        let codes = weight.codes.chunks_exact(depth.max(1));
        for (channel, codes) in codes.enumerate() {
            let sum: i32 = codes.iter().map(|code| i32::from(*code)).sum();
            constants.start[channel] = -input_zero * sum;
        }
        for channel in 0..channels {
            let factor = layer.factors.map_or(1.0, |factors| f64::from(factors[channel]));
            let bias = layer.bias.map_or(0.0, |bias| f64::from(bias[channel]));
            constants.multiplier[channel] = (input * weight.steps[channel] * factor / unit) as f32;
            if has_window {
                constants.window[channel] =
                    (input * weight.offsets[channel] * factor / unit) as f32;
            }
            constants.add[channel] = (bias / unit + zero - addend_zero * addend_factor) as f32;
        }
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

    /// The layer's range, and the one of the codes if these are the output.
    fn range(layer: &QuantizedLayer<'_>, unit: f64, zero: f64) -> [f32; 2] {
        let [low, high] = layer.range.map(|end| (f64::from(end) / unit + zero) as f32);
        match layer.output {
            OutputKind::Codes(grid) => [low.max(0.0), high.min(grid.top().into())],
            OutputKind::Values | OutputKind::Both(_) => [low, high],
        }
    }
}
