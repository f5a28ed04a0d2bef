//! Convolutions along image lines, without gathering windows.
//!
//! Channels-last, the taps of one kernel row stand side by side: a window is as many runs of memory
//! as the kernel has rows, and the windows of neighbouring outputs start `stride · channels` apart.
//! So a line of outputs is a matrix product whose left factor is read where it stands, once its
//! input lines have their padding.

use super::Conv;
use crate::elementwise::Write;
use crate::gemm::{Panels, Windows, multiply_windows};
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;

impl Conv {
    /// Whether outputs are computed line by line: lines must fill tiles, or what is saved on
    /// windows is lost on their ends.
    pub(super) fn goes_along_lines(self) -> bool {
        /// The shortest line for which this pays.
        const SHORTEST: usize = 16;
        let columns = self.geometry.columns;
        self.geometry.taps() > 1 && columns.window.dilation == 1 && columns.output >= SHORTEST
    }

    /// Output lines per block, so that the block and its input stay in the second cache, and a few
    /// threads all have something to do.
    pub(super) fn lines_per_block(self) -> usize {
        const BLOCK_VALUES: usize = 32 * 1024;
        const BLOCKS: usize = 16;
        let steps = self.geometry.rows.window.stride * self.geometry.columns.window.stride;
        let widest = self.out_channels.max(self.in_channels * steps);
        let lines = BLOCK_VALUES / (self.geometry.columns.output * widest).max(1);
        let all = self.geometry.batch * self.geometry.rows.output;
        lines.min(all.div_ceil(BLOCKS)).max(1)
    }

    /// Computes whole lines of outputs, or adds to them, from number `first_line` on, counted over
    /// the batch.
    pub(super) fn multiply_lines(
        self,
        x: Rows<'_>,
        weight: Panels<'_>,
        first_line: usize,
        mut y: RowsMut<'_>,
        write: Write,
    ) {
        let (height, width) = (self.geometry.rows.output, self.geometry.columns.output);
        let lines = y.count() / width;
        let mut done = 0;
        while done < lines {
            let (image, row) = ((first_line + done) / height, (first_line + done) % height);
            let count = (height - row).min(lines - done);
            let y = y.rows_mut(done * width, count * width);
            self.multiply_lines_of_image(x, weight, (image, row), y, write);
            done += count;
        }
    }

    /// The same for lines of one image.
    fn multiply_lines_of_image(
        self,
        x: Rows<'_>,
        weight: Panels<'_>,
        (image, row): (usize, usize),
        y: RowsMut<'_>,
        write: Write,
    ) {
        let (rows, columns) = (self.geometry.rows, self.geometry.columns);
        let (down, across) = (rows.window, columns.window);
        let channels = self.in_channels;
        let count = y.count() / columns.output;
        let padded_rows = (count - 1) * down.stride + (down.kernel - 1) * down.dilation + 1;
        let padded_width = (columns.output - 1) * across.stride + across.kernel;
        let line = padded_width * channels;
        with_scratch(padded_rows * line, |padded| {
            for (padded_row, to) in padded.chunks_exact_mut(line.max(1)).enumerate() {
                let source = (row * down.stride + padded_row).checked_sub(down.before);
                match source.filter(|source| *source < rows.input) {
                    Some(source) => {
                        let start = (image * rows.input + source) * columns.input;
                        pad_line(x.range(start, columns.input), across.before, to);
                    }
                    None => to.fill(0.0),
                }
            }
            let windows = Windows {
                data: padded,
                runs: down.kernel,
                run: across.kernel * channels,
                run_distance: down.dilation * line,
                window_distance: across.stride * channels,
                line_distance: down.stride * line,
                per_line: columns.output,
            };
            multiply_windows(&windows, weight, y, write == Write::Add);
        });
    }
}

/// Copies a line of pixels behind `before` zero pixels, as far as it fits, and adds zeros.
fn pad_line(x: Rows<'_>, before: usize, to: &mut [f32]) {
    let channels = x.channels();
    let (zeros, to) = to.split_at_mut((before * channels).min(to.len()));
    zeros.fill(0.0);
    let count = x.count().min(to.len() / channels.max(1));
    let (pixels, zeros) = to.split_at_mut(count * channels);
    match x.dense_range(0, count) {
        Some(values) => pixels.copy_from_slice(values),
        None => {
            for (pixel, to) in pixels.chunks_exact_mut(channels).enumerate() {
                to.copy_from_slice(x.row(pixel));
            }
        }
    }
    zeros.fill(0.0);
}
