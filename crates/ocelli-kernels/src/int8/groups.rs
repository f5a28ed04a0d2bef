//! Convolutions of codes whose channels are in a few independent groups.

use super::conv::PackedConv;
use super::operands::{Addend, Output};
use super::simd::InstructionSet;
use super::weight::QuantizedLayer;
use crate::grouped::GroupedConv;
use crate::rows::Rows;

/// A convolution with groups on codes, with its weight in the order in which products read it.
#[derive(Clone, Debug)]
pub struct PackedGroups {
    layer: GroupedConv,
    groups: Vec<PackedConv>,
}

impl PackedGroups {
    /// Arranges a quantized layer for images of this size, in any number.
    ///
    /// # Panics
    /// When codes, grids, factors or bias do not fit the sizes, the window has no taps or no step, or a sum
    /// has more than [`MOST_PRODUCTS`](super::MOST_PRODUCTS) products.
    pub fn new(layer: GroupedConv, quantized: &QuantizedLayer<'_>) -> Self {
        let GroupedConv { conv, groups } = layer;
        let channels = conv.out_channels;
        let length = channels * conv.in_channels * conv.geometry.taps();
        assert_eq!(quantized.codes.len(), groups * length, "codes of a grouped weight");
        let count = quantized.grids.len();
        assert!(count == 1 || count == groups * channels, "{count} grids of a grouped weight");
        let group = |group: usize| {
            let channel = group * channels;
            let part = |values: &'_ [f32]| -> Vec<f32> { values[channel..][..channels].to_vec() };
            let (factors, bias) = (quantized.factors.map(part), quantized.bias.map(part));
            let grids =
                if count == 1 { quantized.grids } else { &quantized.grids[channel..][..channels] };
            let codes = &quantized.codes[group * length..][..length];
            let (factors, bias) = (factors.as_deref(), bias.as_deref());
            PackedConv::new(conv, &QuantizedLayer { codes, grids, factors, bias, ..*quantized })
        };
        Self { layer, groups: (0..groups).map(group).collect() }
    }

    /// How many bytes its weight takes.
    pub fn bytes(&self) -> usize {
        self.groups.iter().map(PackedConv::bytes).sum()
    }

    /// Computes the output of `batch` images.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, groups · in_channels]`
    /// - `addend`, `output`: `[output pixels, groups · out_channels]`
    ///
    /// # Panics
    /// When a shape differs from these, or the layer was packed for another kind of addend or output.
    pub fn run(
        &self,
        batch: usize,
        x: Rows<'_, u8>,
        addend: Option<Addend<'_>>,
        output: Output<'_>,
    ) {
        self.run_with(InstructionSet::fastest(), batch, x, addend, output);
    }

    pub(super) fn run_with(
        &self,
        set: InstructionSet,
        batch: usize,
        x: Rows<'_, u8>,
        addend: Option<Addend<'_>>,
        output: Output<'_>,
    ) {
        let GroupedConv { conv, groups } = self.layer;
        let (pixels, channels) = output.shape();
        let expected = (groups * conv.in_channels, groups * conv.out_channels);
        assert_eq!((x.channels(), channels), expected, "channels of a grouped convolution");
        let outputs = output.split(&[pixels], conv.out_channels).into_iter().flatten();
        for (group, (packed, output)) in self.groups.iter().zip(outputs).enumerate() {
            let x = x.columns(group * conv.in_channels, conv.in_channels);
            let channels = [group * conv.out_channels, conv.out_channels];
            let addend = addend.map(|addend| addend.part([0, pixels], channels));
            packed.run_with(set, batch, x, addend, output);
        }
    }
}
