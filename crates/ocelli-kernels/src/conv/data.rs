//! The data gradient of a convolution with a kernel larger than a pixel.
//!
//! With stride 1 it is a convolution of dy with the kernel turned round and its channels
//! exchanged. With stride s the pixels of dx fall into s · s phases, by the taps that meet them;
//! each phase is such a convolution, with every s-th tap of each axis. With stride 1 it may be computed in
//! tiles (`winograd`).

use super::gather::gather;
use super::sizes::Conv;
use super::winograd::{KernelOrder, Winograd};
use crate::blocks::{for_each_block, rows_per_block};
use crate::elementwise::{Write, copy_block};
use crate::finish::Finish;
use crate::gemm::{Panels, multiply, pack_panels, packed_len};
use crate::geometry::{Axis, Geometry, Window};
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;

/// Pixels that share each visit of the packed weights at least.
const ROWS: usize = 96;

/// The pixels of dx that meet the same taps, on one axis.
#[derive(Clone, Copy, Debug)]
struct Phase {
    /// Its first pixel; it has every stride-th from there on.
    first: usize,
    /// Its first tap; it meets every stride-th from there on.
    tap: usize,
    /// The convolution of dy. Its taps are the phase's from last to first.
    axis: Axis,
}

/// All phases of an axis; `None` where padding exceeds what the kernel reaches, or a stride comes
/// with a dilation.
fn phases(axis: Axis) -> Option<Vec<Phase>> {
    let Window { kernel, stride, dilation, before } = axis.window;
    if stride > 1 && dilation > 1 {
        return None;
    }
    let phase = |first: usize| {
        let tap = (first + before) % stride;
        let taps = kernel.saturating_sub(tap).div_ceil(stride);
        // The output that the first pixel meets with the first tap.
        let meets = (first + before - tap) / stride;
        let reach = taps.saturating_sub(1) * dilation;
        let before = if taps == 0 { 0 } else { reach.checked_sub(meets)? };
        let window = Window { kernel: taps, stride: 1, dilation, before };
        let output = (axis.input - first).div_ceil(stride);
        Some(Phase { first, tap, axis: Axis { window, input: axis.output, output } })
    };
    (0..stride.min(axis.input)).map(phase).collect()
}

/// The phases of rows and columns, unless [`phases`] says otherwise.
pub(super) struct DataGradient {
    conv: Conv,
    rows: Vec<Phase>,
    columns: Vec<Phase>,
}

impl DataGradient {
    pub(super) fn new(conv: Conv) -> Option<Self> {
        let Geometry { rows, columns, .. } = conv.geometry;
        Some(Self { conv, rows: phases(rows)?, columns: phases(columns)? })
    }

    /// Writes `dx` or adds to it.
    pub(super) fn run(&self, dy: Rows<'_>, weight: &[f32], dx: RowsMut<'_>, write: Write) {
        let conv = self.conv;
        // An image of a pixel has one phase under any stride, of some of the taps.
        let Geometry { rows, columns, .. } = conv.geometry;
        if [rows.window.stride, columns.window.stride] == [1, 1]
            && let ([row], [column]) = (&self.rows[..], &self.columns[..])
            && let Some(winograd) =
                Winograd::for_gradient(self.turned(conv.geometry.batch, [*row, *column]))
        {
            return with_scratch(winograd.kernels_len(), |kernels| {
                winograd.transform(weight, KernelOrder::Turned, kernels);
                winograd.run(dy, kernels, &Finish::default(), dx, None, write);
            });
        }
        let pairs: Vec<[Phase; 2]> =
            self.rows.iter().flat_map(|row| self.columns.iter().map(|c| [*row, *c])).collect();
        let depth = |[row, column]: &[Phase; 2]| {
            row.axis.window.kernel * column.axis.window.kernel * conv.out_channels
        };
        let lengths: Vec<usize> =
            pairs.iter().map(|pair| packed_len(depth(pair), conv.in_channels)).collect();
        with_scratch(lengths.iter().sum(), |mut packed| {
            let mut parts = Vec::with_capacity(pairs.len());
            for (pair, length) in pairs.iter().zip(&lengths) {
                let (part, rest) = packed.split_at_mut(*length);
                parts.push((*pair, pack(conv, *pair, depth(pair), weight, part)));
                packed = rest;
            }
            match parts[..] {
                [([row, column], panels)] => {
                    let turned = self.turned(conv.geometry.batch, [row, column]);
                    let block = if turned.goes_along_lines() {
                        turned.lines_per_block() * column.axis.output
                    } else {
                        rows_per_block(panels.depth().max(conv.in_channels)).max(ROWS)
                    };
                    for_each_block(dx, block, None, |first, dx| {
                        product(turned, dy, first, panels, dx, write);
                    });
                }
                _ => self.in_phases(dy, &parts, dx, write),
            }
        });
    }

    /// Every image on one thread, phase by phase.
    fn in_phases(
        &self,
        dy: Rows<'_>,
        parts: &[([Phase; 2], Panels<'_>)],
        dx: RowsMut<'_>,
        write: Write,
    ) {
        let Geometry { rows, columns, .. } = self.conv.geometry;
        let (pixels, outputs) = (rows.input * columns.input, rows.output * columns.output);
        for_each_block(dx, pixels, None, |first, mut dx| {
            let dy = dy.range(first / pixels * outputs, outputs);
            for ([row, column], panels) in parts {
                let turned = self.turned(1, [*row, *column]);
                let (height, width) = (row.axis.output, column.axis.output);
                let channels = self.conv.in_channels;
                if panels.depth() == 0 && write == Write::Add {
                    continue;
                }
                let values = panels.depth().max(channels) * width;
                let lines = rows_per_block(values).max(ROWS).div_ceil(width).min(height);
                with_scratch(lines * width * channels, |products| {
                    for line in (0..height).step_by(lines) {
                        let count = lines.min(height - line);
                        let products = &mut products[..count * width * channels];
                        let to = RowsMut::strided(products, count * width, channels, channels);
                        product(turned, dy, line * width, *panels, to, Write::Replace);
                        let products = Rows::strided(products, count * width, channels, channels);
                        for index in 0..count {
                            let target = row.first + (line + index) * rows.window.stride;
                            let first = target * columns.input + column.first;
                            let to = dx.every(first, columns.window.stride, width);
                            copy_block(products.range(index * width, width), to, write);
                        }
                    }
                });
            }
        });
    }

    /// The convolution of dy that makes a phase of dx.
    fn turned(&self, batch: usize, [row, column]: [Phase; 2]) -> Conv {
        let geometry = Geometry { batch, rows: row.axis, columns: column.axis };
        let (in_channels, out_channels) = (self.conv.out_channels, self.conv.in_channels);
        Conv { geometry, in_channels, out_channels }
    }
}

/// The weights of the phases' taps, from last to first, `[taps · out, in]`.
fn pack<'a>(
    conv: Conv,
    [row, column]: [Phase; 2],
    depth: usize,
    weight: &[f32],
    packed: &'a mut [f32],
) -> Panels<'a> {
    let Geometry { rows, columns, .. } = conv.geometry;
    let taps_of = |phase: Phase, stride: usize| {
        (0..phase.axis.window.kernel).rev().map(move |tap| phase.tap + tap * stride)
    };
    let taps: Vec<usize> = taps_of(row, rows.window.stride)
        .flat_map(|row| {
            taps_of(column, columns.window.stride).map(move |c| row * columns.window.kernel + c)
        })
        .collect();
    let (all, inputs) = (conv.geometry.taps(), conv.in_channels);
    pack_panels(depth, inputs, packed, |channels, panel| {
        for output in 0..conv.out_channels {
            let kernels = &weight[output * inputs * all..][..inputs * all];
            for (slot, tap) in taps.iter().enumerate() {
                let to = panel.row_mut(slot * conv.out_channels + output);
                for (to, channel) in to.iter_mut().zip(channels.clone()) {
                    *to = kernels[channel * all + tap];
                }
            }
        }
    })
}

/// Some pixels of a convolution, whole lines if it goes along lines, on one thread.
fn product(
    conv: Conv,
    from: Rows<'_>,
    first: usize,
    weight: Panels<'_>,
    to: RowsMut<'_>,
    write: Write,
) {
    if conv.goes_along_lines() {
        return conv.multiply_lines(from, weight, first / conv.geometry.columns.output, to, write);
    }
    with_scratch(to.count() * conv.depth(), |gathered| {
        if conv.depth() > 0 {
            gather(conv.geometry, from, first, gathered);
        }
        let gathered = Rows::strided(gathered, to.count(), conv.depth(), conv.depth());
        multiply(gathered, weight, to, write == Write::Add);
    });
}
