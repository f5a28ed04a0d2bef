//! Convolutions of codes that mix all channels, pointwise or with a larger kernel, and linear layers.

use super::constants::{Constants, PADDED};
use super::finish::Finish;
use super::operands::{Addend, Output};
use super::panels::Panels;
use super::scratch::with_memory;
use super::simd::{InstructionSet, STEP};
use super::source::{Lines, is_inside};
use super::threads::{for_each_task, shares_wanted};
use super::tile::Multiply;
use super::weight::{AddendKind, QuantizedLayer, SignedWeight};
use crate::conv::Conv;
use crate::geometry::Geometry;
use crate::rows::Rows;
use std::ops::Range;

/// A convolution or linear layer on codes, with its weight in the order in which products read it.
#[derive(Clone, Debug)]
pub struct PackedConv {
    /// For one image.
    conv: Conv,
    weight: Panels,
    /// Codes of a run, and steps.
    run: [usize; 2],
    /// Whether a run has the taps of a whole line.
    joined: bool,
    zero: u8,
    constants: Constants,
}

/// One share of the work: some lines and some channels of the output.
struct Task<'a> {
    lines: Range<usize>,
    first_channel: usize,
    addend: Option<Addend<'a>>,
    output: Output<'a>,
}

/// Bytes of input that stay in the second cache beside a panel.
const SOURCE_BYTES: usize = 96 * 1024;
/// Pixels that share each visit of a panel at least, where there are many.
const SHARING: usize = 96;

impl PackedConv {
    /// Arranges a quantized layer for images of this size, in any number.
    ///
    /// # Panics
    /// When codes, grids, factors or bias do not fit the sizes, the window has no taps or no step, or a sum
    /// has more than [`MOST_PRODUCTS`](super::MOST_PRODUCTS) products.
    pub fn new(conv: Conv, layer: &QuantizedLayer<'_>) -> Self {
        let Conv { geometry, in_channels, out_channels } = conv;
        geometry.check(in_channels, out_channels);
        let taps = geometry.taps();
        let depth = taps * in_channels;
        assert_eq!(layer.codes.len(), out_channels * depth, "codes of a convolution's weight");
        let signed = SignedWeight::new(layer.codes, layer.grids, out_channels);
        let constants = Constants::new(layer, &signed, depth);
        let [rows, columns] = [geometry.rows.window.kernel, geometry.columns.window.kernel];
        let joined = geometry.columns.window.dilation == 1;
        let (runs, run) = if joined { (rows, columns * in_channels) } else { (taps, in_channels) };
        let steps = run.div_ceil(STEP);
        let mut weight = Panels::zeros(out_channels, runs * steps);
        let kernels = signed.codes.chunks_exact(depth.max(1)).enumerate();
        for (channel, kernel) in kernels {
            for (place, code) in kernel.iter().enumerate() {
                let (input, tap) = (place / taps, place % taps);
                let at = tap * in_channels + input;
                let (step, within) = (at % run / STEP, at % run % STEP);
                weight.set(channel, at / run * steps + step, within, *code);
            }
        }
        let conv = Conv { geometry: Geometry { batch: 1, ..geometry }, ..conv };
        let zero = layer.input.zero();
        Self { conv, weight, run: [run, steps], joined, zero, constants }
    }

    /// The layer's sizes for one image.
    pub fn sizes(&self) -> Conv {
        self.conv
    }

    /// How many bytes its weight takes.
    pub fn bytes(&self) -> usize {
        self.weight.bytes()
    }

    /// Computes the output of `batch` images.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, in_channels]`
    /// - `addend`, `output`: `[output pixels, out_channels]`
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
        let conv = Conv { geometry: Geometry { batch, ..self.conv.geometry }, ..self.conv };
        let geometry = conv.geometry;
        geometry.check(conv.in_channels, conv.out_channels);
        let input = (geometry.input_pixels(), conv.in_channels);
        assert_eq!((x.count(), x.channels()), input, "input of a convolution");
        self.constants.check(addend, &output, [geometry.output_pixels(), conv.out_channels]);
        if output.shape().0 == 0 || conv.out_channels == 0 {
            return;
        }
        let products = output.shape().0 * conv.out_channels * self.run[0] * self.runs();
        let tasks = self.tasks(geometry, addend, output, products);
        for_each_task(tasks, products, |task| self.run_task(set, geometry, x, task));
    }

    /// Runs of a window.
    fn runs(&self) -> usize {
        let Geometry { rows, columns, .. } = self.conv.geometry;
        rows.window.kernel * if self.joined { 1 } else { columns.window.kernel }
    }

    /// Cuts the output into shares.
    fn tasks<'a>(
        &self,
        geometry: Geometry,
        addend: Option<Addend<'a>>,
        output: Output<'a>,
        products: usize,
    ) -> Vec<Task<'a>> {
        let Geometry { batch, rows, columns } = geometry;
        let (lines, width) = (batch * rows.output, columns.output);
        let (block, share) = self.shares(lines, width, shares_wanted(products));
        let blocks = lines.div_ceil(block);
        let ends: Vec<usize> =
            (1..=blocks).map(|index| (index * block).min(lines) * width).collect();
        let mut tasks = Vec::with_capacity(blocks);
        for (index, outputs) in output.split(&ends, share).into_iter().enumerate() {
            let of_block = index * block..((index + 1) * block).min(lines);
            for (share_index, output) in outputs.into_iter().enumerate() {
                let (count, channels) = output.shape();
                let first_channel = share_index * share;
                let part = |addend: Addend<'a>| {
                    addend.part([of_block.start * width, count], [first_channel, channels])
                };
                let addend = addend.map(part);
                let lines = of_block.clone();
                tasks.push(Task { lines, first_channel, addend, output });
            }
        }
        tasks
    }

    /// Lines and channels of a share.
    fn shares(&self, lines: usize, width: usize, wanted: usize) -> (usize, usize) {
        /// Bytes of a weight that is better shared out than read by every thread.
        const LARGE_WEIGHT: usize = 256 * 1024;
        let Geometry { columns, .. } = self.conv.geometry;
        let panels = self.conv.out_channels.div_ceil(PADDED);
        let is_large = self.weight.bytes() > LARGE_WEIGHT;
        let fewest = if is_large { 4 * SHARING } else { SHARING }.div_ceil(width);
        let line_bytes = columns.input * self.conv.in_channels * columns.window.stride;
        let mut block = (SOURCE_BYTES / line_bytes.max(1)).max(fewest).clamp(1, lines);
        if lines.div_ceil(block) < wanted && !(is_large && panels >= wanted) {
            let least = SHARING.div_ceil(2 * width);
            block = block.min(lines.div_ceil(wanted).max(least));
        }
        let blocks = lines.div_ceil(block);
        let parts = wanted.div_ceil(blocks).clamp(1, panels.max(1));
        (block, panels.div_ceil(parts).max(1) * PADDED)
    }

    fn run_task(
        &self,
        set: InstructionSet,
        geometry: Geometry,
        x: Rows<'_, u8>,
        mut task: Task<'_>,
    ) {
        let finish =
            Finish::new(&self.constants, task.first_channel, task.addend, &mut task.output);
        let (count, channels) = task.output.shape();
        let channels = [task.first_channel, channels];
        let lines = task.lines;
        with_memory(count, |starts: &mut [usize]| {
            if is_inside(geometry) && self.conv.in_channels.is_multiple_of(STEP) {
                let source = Lines::direct(geometry, x);
                source.starts_in_input(lines, starts);
                // Runs without a rest of a step may be cut at pixels, whose distance may be larger.
                let joined = self.joined && x.stride() == x.channels();
                self.multiply(set, x.as_ptr(), source, joined, starts, channels, finish);
            } else {
                let source = Lines::copied(geometry, self.conv.in_channels);
                source.starts_in_copy(lines.clone(), starts);
                // The last step of the last run may read beyond its codes.
                let length = source.copy_len(lines.clone());
                with_memory(length + STEP, |copy: &mut [u8]| {
                    source.copy(x, lines, self.zero, &mut copy[..length]);
                    let codes = copy.as_ptr();
                    self.multiply(set, codes, source, self.joined, starts, channels, finish);
                });
            }
        });
    }

    /// Multiplies windows that begin at `starts`, each of whose runs is readable in whole steps.
    #[expect(clippy::too_many_arguments, reason = "what a product consists of")]
    fn multiply(
        &self,
        set: InstructionSet,
        codes: *const u8,
        source: Lines,
        joined: bool,
        starts: &[usize],
        channels: [usize; 2],
        finish: Finish<'_>,
    ) {
        let runs = source.runs(joined);
        let run = if joined == self.joined { self.run[0] } else { self.conv.in_channels };
        let steps = run.div_ceil(STEP);
        let product = Multiply {
            codes,
            rows: starts,
            runs: &runs,
            steps,
            weight: &self.weight,
            channels,
            windows: None,
            finish,
        };
        if self.constants.window.is_empty() {
            return set.dispatch(product);
        }
        with_memory(starts.len(), |windows: &mut [i32]| {
            product.sum_windows(run, self.constants.window_start, windows);
            set.dispatch(Multiply { windows: Some(windows), ..product });
        });
    }

    /// What is added to its output.
    pub fn addend(&self) -> AddendKind {
        self.constants.addend
    }
}
