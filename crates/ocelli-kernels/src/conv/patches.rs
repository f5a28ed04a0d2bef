//! Convolutions at some rectangles of their outputs.

use super::{Conv, PackedWeight};
use crate::finish::Finish;
use crate::gemm::{Scattered, Start, multiply, multiply_scattered};
use crate::patches::Patches;
use crate::rows::{Rows, RowsMut};

impl Conv {
    /// Computes `y` at some rectangles, on one thread, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `y`: `[outputs of all patches, out_channels]`, rectangle by rectangle, line by line;
    ///   the residual likewise
    ///
    /// # Panics
    /// When a shape differs from these, or patches or weight are those of another layer, or the weight was
    /// not packed for patches.
    pub fn infer_patches(
        self,
        patches: &Patches<'_>,
        weight: &PackedWeight,
        finish: &Finish<'_>,
        y: RowsMut<'_>,
    ) {
        assert_eq!(patches.channels, self.in_channels, "channels of patches");
        self.infer_patch_channels(patches, 0, weight, finish, y);
    }

    /// The same with the input's channels from `first_channel` on of patches that may have more.
    pub(crate) fn infer_patch_channels(
        self,
        patches: &Patches<'_>,
        first_channel: usize,
        weight: &PackedWeight,
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
    ) {
        self.check_sizes();
        let windows = [self.geometry.rows.window, self.geometry.columns.window];
        assert_eq!(patches.windows, windows, "layer of patches");
        let left = patches.channels.checked_sub(first_channel);
        let fits = left.is_some_and(|left| self.in_channels <= left);
        assert!(fits, "channels from {first_channel} on of {}", patches.channels);
        let shape = (patches.output_pixels(), self.out_channels);
        assert_eq!((y.count(), y.channels()), shape, "output of a convolution");
        finish.check(y.count(), y.channels());
        self.check_packed(weight);
        let weight = self.panels(weight);
        let block = self.rows_per_patch_block();
        let [down, across] = windows;
        if self.geometry.taps() == 1 && [down.stride, across.stride] == [1, 1] {
            let x = Rows::strided(patches.data, y.count(), patches.channels, patches.channels);
            let x = x.columns(first_channel, self.in_channels);
            for first in (0..y.count()).step_by(block) {
                let x = x.range(first, block);
                let mut y = y.rows_mut(first, x.count());
                multiply(x, weight, y.reborrow(), false);
                finish.apply(first, y);
            }
            return;
        }
        let whole_lines = across.dilation == 1 && self.in_channels == patches.channels;
        let (runs, run) = if whole_lines { (1, across.kernel) } else { (across.kernel, 1) };
        let mut windows = patches.windows();
        let mut starts = Vec::with_capacity(block.min(y.count()));
        for first in (0..y.count()).step_by(block) {
            starts.clear();
            starts.extend(windows.by_ref().take(block).map(|window| Start {
                at: window.start + first_channel,
                line_distance: window.line_distance,
            }));
            let a = Scattered {
                data: patches.data,
                starts: &starts,
                lines: down.kernel,
                runs,
                run: run * self.in_channels,
                run_distance: across.dilation * patches.channels,
            };
            let mut y = y.rows_mut(first, starts.len());
            multiply_scattered(&a, weight, y.reborrow());
            finish.apply(first, y);
        }
    }

    /// Rows of the output that stay in the second cache until they are finished, in whole tiles.
    fn rows_per_patch_block(self) -> usize {
        const NUMBERS: usize = 128 * 1024;
        (NUMBERS / self.in_channels.max(self.out_channels).max(1)).clamp(96, 1020) / 12 * 12
    }
}
