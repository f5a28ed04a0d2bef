//! Depthwise convolutions of codes.
//!
//! Channels are the vector axis. For each line of the output and each vector of channels, the codes of up
//! to four lines of the input are put side by side for every column once; then each tap of the kernel's
//! lines is one instruction for four products per channel, at any stride and dilation.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::constants::{Constants, PADDED};
use super::finish::Finish;
use super::operands::{Addend, Output};
use super::panels::Panels;
use super::scratch::with_memory;
use super::simd::{InstructionSet, Integer, Kernel, STEP};
use super::threads::{for_each_task, shares_wanted};
use super::weight::{QuantizedLayer, SignedWeight};
use crate::depthwise::Depthwise;
use crate::geometry::Geometry;
use crate::rows::Rows;
use std::ops::Range;

/// A depthwise convolution on codes, with its weight in the order in which the kernel reads it.
#[derive(Clone, Debug)]
pub struct PackedDepthwise {
    /// For one image.
    layer: Depthwise,
    /// Panels whose steps are `[kernel columns, quads of kernel lines]`.
    weight: Panels,
    /// The same with 1 for each weight, if the sums of the inputs are needed.
    ones: Option<Panels>,
    zero: u8,
    constants: Constants,
}

impl PackedDepthwise {
    /// Arranges a quantized layer for images of this size, in any number.
    ///
    /// # Panics
    /// When codes, grids, factors or bias do not fit the sizes, or the window has no taps or no step.
    pub fn new(layer: Depthwise, quantized: &QuantizedLayer<'_>) -> Self {
        let Depthwise { geometry, channels } = layer;
        geometry.check(channels, 1);
        let taps = geometry.taps();
        assert_eq!(quantized.codes.len(), channels * taps, "codes of a depthwise weight");
        let signed = SignedWeight::new(quantized.codes, quantized.grids, channels);
        let constants = Constants::new(quantized, &signed, taps);
        let across = geometry.columns.window.kernel;
        let quads = geometry.rows.window.kernel.div_ceil(STEP);
        let zeros = || Panels::zeros(channels, across * quads);
        let (mut weight, mut ones) = (zeros(), (!constants.window.is_empty()).then(zeros));
        for (place, code) in signed.codes.iter().enumerate() {
            let (channel, tap) = (place / taps, place % taps);
            let (line, column) = (tap / across, tap % across);
            let step = column * quads + line / STEP;
            weight.set(channel, step, line % STEP, *code);
            if let Some(ones) = &mut ones {
                ones.set(channel, step, line % STEP, 1);
            }
        }
        let layer = Depthwise { geometry: Geometry { batch: 1, ..geometry }, channels };
        Self { layer, weight, ones, zero: quantized.input.zero(), constants }
    }

    /// The layer's sizes for one image.
    pub fn sizes(&self) -> Depthwise {
        self.layer
    }

    /// How many bytes its weight takes.
    pub fn bytes(&self) -> usize {
        self.weight.bytes()
    }

    /// Computes the output of `batch` images.
    ///
    /// # Shapes
    /// - `x`: `[input pixels, channels]`
    /// - `addend`, `output`: `[output pixels, channels]`
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
        /// What a product costs, in products of a dense convolution.
        const EFFORT: usize = 8;
        let geometry = Geometry { batch, ..self.layer.geometry };
        let channels = self.layer.channels;
        geometry.check(channels, 1);
        let input = (geometry.input_pixels(), channels);
        assert_eq!((x.count(), x.channels()), input, "input of a depthwise convolution");
        self.constants.check(addend, &output, [geometry.output_pixels(), channels]);
        if output.shape().0 == 0 || channels == 0 {
            return;
        }
        let products = output.shape().0 * channels * geometry.taps() * EFFORT;
        let (lines, width) = (batch * geometry.rows.output, geometry.columns.output);
        let block = lines.div_ceil(shares_wanted(products));
        let ends = (1..=lines.div_ceil(block)).map(|index| (index * block).min(lines) * width);
        let ends: Vec<usize> = ends.collect();
        let outputs = output.split(&ends, channels).into_iter().flatten();
        let tasks = outputs.enumerate().map(|(index, output)| {
            let of_block = index * block..((index + 1) * block).min(lines);
            let pixels = [of_block.start * width, of_block.len() * width];
            (of_block, addend.map(|addend| addend.part(pixels, [0, channels])), output)
        });
        for_each_task(tasks.collect(), products, |(lines, addend, mut output)| {
            let finish = Finish::new(&self.constants, 0, addend, &mut output);
            self.run_lines(set, geometry, x, lines, finish);
        });
    }

    fn run_lines(
        &self,
        set: InstructionSet,
        geometry: Geometry,
        x: Rows<'_, u8>,
        lines: Range<usize>,
        finish: Finish<'_>,
    ) {
        let Geometry { rows, columns, .. } = geometry;
        let width = columns.window.reach(columns.output).unwrap_or_default();
        let quads = rows.window.kernel.div_ceil(STEP);
        with_memory(width * quads * PADDED * STEP, |memory: &mut [u8]| {
            set.dispatch(RunLines {
                layer: self,
                geometry,
                x,
                lines,
                width,
                quads,
                memory: memory.as_mut_ptr(),
                finish,
            });
        });
    }
}

struct RunLines<'a> {
    layer: &'a PackedDepthwise,
    geometry: Geometry,
    x: Rows<'a, u8>,
    lines: Range<usize>,
    /// Columns of the input that a line of the output reads, padding included.
    width: usize,
    quads: usize,
    /// Room for `width · quads` vectors of codes.
    memory: *mut u8,
    finish: Finish<'a>,
}

impl Kernel for RunLines<'_> {
    #[inline(always)]
    fn run<S: Integer>(self, simd: S) {
        for (index, line) in self.lines.clone().enumerate() {
            for channel in (0..self.layer.layer.channels).step_by(S::LANES) {
                let count = (self.layer.layer.channels - channel).min(S::LANES);
                // SAFETY: the memory was made for vectors of more lanes, the input was found to have the
                // layer's pixels and channels, and the finish is for the lines.
                unsafe {
                    self.stand_side_by_side(simd, line, [channel, count]);
                    match (self.quads, self.geometry.columns.window.kernel) {
                        (1, 3) => self.sum_line::<S, 3>(simd, index, [channel, count]),
                        (2, 5) => self.sum_line::<S, 10>(simd, index, [channel, count]),
                        _ => self.sum_line::<S, 0>(simd, index, [channel, count]),
                    }
                }
            }
        }
    }
}

impl RunLines<'_> {
    /// Puts the codes of a column's lines side by side, for each column.
    ///
    /// # Safety
    /// The memory must hold the columns, and the input must have the line's pixels and the channels.
    #[inline(always)]
    unsafe fn stand_side_by_side<S: Integer>(
        &self,
        simd: S,
        line: usize,
        [channel, count]: [usize; 2],
    ) {
        let Geometry { rows, columns, .. } = self.geometry;
        let (image, row) = (line / rows.output, line % rows.output);
        let zero = simd.splat_int(self.layer.zero.into());
        let vector = S::LANES * STEP;
        let before = columns.window.before.min(self.width);
        let inside = before..(before + columns.input).min(self.width);
        for quad in 0..self.quads {
            let sources: [Option<*const u8>; STEP] = std::array::from_fn(
                #[inline(always)]
                |index| {
                    let tap = quad * STEP + index;
                    let source = (tap < rows.window.kernel).then(|| rows.source(row, tap))??;
                    let pixel = (image * rows.input + source) * columns.input;
                    Some(self.x.as_ptr().wrapping_add(pixel * self.x.stride() + channel))
                },
            );
            let to = self.memory.wrapping_add(quad * vector);
            let to = |column: usize| to.wrapping_add(column * self.quads * vector);
            // SAFETY: the caller vouches for memory and input; a source is a line of the input.
            unsafe {
                for column in (0..inside.start).chain(inside.end..self.width) {
                    simd.store_quads([zero; STEP], to(column));
                }
                for column in inside.clone() {
                    let at = (column - before) * self.x.stride();
                    let mut codes = [zero; STEP];
                    for (codes, source) in codes.iter_mut().zip(&sources) {
                        if let Some(source) = source {
                            *codes = simd.bytes(source.wrapping_add(at), count);
                        }
                    }
                    simd.store_quads(codes, to(column));
                }
            }
        }
    }

    /// Sums the products of a line's pixels. `TAPS`: vectors of weights, or 0 if the compiler need not
    /// know.
    ///
    /// # Safety
    /// The columns must stand in the memory, and the finish must have the line and the channels.
    #[inline(always)]
    unsafe fn sum_line<S: Integer, const TAPS: usize>(
        &self,
        simd: S,
        line: usize,
        [channel, count]: [usize; 2],
    ) {
        let columns = self.geometry.columns;
        let vector = S::LANES * STEP;
        let step = columns.window.stride * self.quads * vector;
        let weight = self.layer.weight.at(channel);
        let ones = self.layer.ones.as_ref().map(|ones| ones.at(channel));
        let window_start = simd.splat_int(self.layer.constants.window_start);
        // SAFETY: the caller vouches for memory, panels and finish.
        unsafe {
            let start = self.finish.start(simd, channel);
            let line_constants = self.finish.line(simd, channel);
            let mut first = 0;
            if count == S::LANES && ones.is_none() && self.finish.is_of_codes() {
                while first + 4 <= columns.output {
                    let [a, b, c, d] = [first, first + 1, first + 2, first + 3];
                    let codes = |pixel: usize| self.memory.wrapping_add(pixel * step);
                    let sums = [
                        self.sum::<S, TAPS>(simd, codes(a), weight, start),
                        self.sum::<S, TAPS>(simd, codes(b), weight, start),
                        self.sum::<S, TAPS>(simd, codes(c), weight, start),
                        self.sum::<S, TAPS>(simd, codes(d), weight, start),
                    ];
                    let row = line * columns.output;
                    let places = [
                        [row + a, channel],
                        [row + b, channel],
                        [row + c, channel],
                        [row + d, channel],
                    ];
                    self.finish.store_codes(simd, places, [line_constants; 4], sums);
                    first += 4;
                }
            }
            for pixel in first..columns.output {
                let codes = self.memory.wrapping_add(pixel * step);
                let sums = self.sum::<S, TAPS>(simd, codes, weight, start);
                #[expect(clippy::manual_map, reason = "closures are not sure to be inlined")]
                let window = match ones {
                    Some(ones) => Some(self.sum::<S, TAPS>(simd, codes, ones, window_start)),
                    None => None,
                };
                let at = [line * columns.output + pixel, channel, count];
                self.finish.store(simd, at, line_constants, sums, window);
            }
        }
    }

    /// The products of the window whose columns begin at `codes`.
    ///
    /// # Safety
    /// The columns must stand in the memory, and the panel must have the weights.
    #[inline(always)]
    unsafe fn sum<S: Integer, const TAPS: usize>(
        &self,
        simd: S,
        codes: *const u8,
        weight: *const i8,
        start: S::Ints,
    ) -> S::Ints {
        let window = self.geometry.columns.window;
        let vector = S::LANES * STEP;
        let taps = if TAPS > 0 { TAPS } else { self.quads * window.kernel };
        let quads = match TAPS {
            3 => 1,
            10 => 2,
            _ => self.quads,
        };
        let mut sums = simd.begin(start);
        for tap in 0..taps {
            let at = (tap / quads * window.dilation * quads + tap % quads) * vector;
            // SAFETY: the caller vouches for columns and weights.
            unsafe {
                let codes = simd.codes(codes.wrapping_add(at));
                let weights = simd.weights(weight.wrapping_add(tap * PADDED * STEP));
                sums = simd.dot(sums, codes, weights);
            }
        }
        simd.end(sums, start)
    }
}
