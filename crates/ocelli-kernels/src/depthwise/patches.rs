//! Depthwise convolutions at some rectangles of their outputs.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::slide::{Line, slide_span};
use super::taps::{TapSource, TargetSpan};
use super::{Depthwise, PackedDepthwise};
use crate::finish::Finish;
use crate::geometry::Window;
use crate::patches::Patches;
use crate::rows::RowsMut;
use crate::simd::{Kernel, Simd, dispatch, with_lanes};

impl Depthwise {
    /// Computes `y` at some rectangles, on one thread, bias, residual and activation included.
    ///
    /// # Shapes
    /// - `y`: `[outputs of all patches, channels]`, rectangle by rectangle, line by line; the
    ///   residual likewise
    ///
    /// # Panics
    /// When a shape differs from these, or patches or weight are those of another layer.
    pub fn infer_patches(
        self,
        patches: &Patches<'_>,
        weight: &PackedDepthwise,
        finish: &Finish<'_>,
        mut y: RowsMut<'_>,
    ) {
        self.geometry.check(self.channels, 1);
        let windows = [self.geometry.rows.window, self.geometry.columns.window];
        assert_eq!((patches.windows, patches.channels), (windows, self.channels), "patches");
        let shape = (patches.output_pixels(), self.channels);
        assert_eq!((y.count(), y.channels()), shape, "output of a depthwise convolution");
        self.check_packed(weight);
        finish.check(y.count(), y.channels());
        let rows = tap_sources(self.geometry.rows.window);
        let columns = TargetSpan {
            first: 0,
            count: 0,
            tap_sources: tap_sources(self.geometry.columns.window),
        };
        let (patches, weight) = (*patches, weight.weight.as_slice());
        dispatch(SlidePatches { patches, weight, rows, columns, y: y.reborrow() });
        finish.apply(0, y);
    }
}

/// In a patch every tap meets a pixel.
fn tap_sources(window: Window) -> Vec<TapSource> {
    (0..window.kernel).map(|tap| TapSource { source: tap * window.dilation, tap }).collect()
}

struct SlidePatches<'a> {
    patches: Patches<'a>,
    weight: &'a [f32],
    rows: Vec<TapSource>,
    columns: TargetSpan,
    y: RowsMut<'a>,
}

impl Kernel for SlidePatches<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Patches { data, channels, windows: [down, across], .. } = self.patches;
        let to_pixel = self.y.stride();
        for patch in self.patches.iter() {
            let [lines, columns] = patch.outputs;
            self.columns.count = columns;
            for line in 0..lines {
                let start = patch.start + line * down.stride * patch.line;
                let to = (patch.first_output + line * columns) * to_pixel;
                for channel in (0..channels).step_by(S::LANES) {
                    let strip = Line {
                        from: data.as_ptr().wrapping_add(start + channel),
                        from_row: patch.line,
                        from_pixel: channels,
                        source_step: across.stride,
                        weight: self.weight.as_ptr().wrapping_add(channel),
                        weight_row: across.kernel * channels,
                        weight_tap: channels,
                        rows: &self.rows,
                        accumulate: false,
                    };
                    let to = self.y.as_mut_ptr().wrapping_add(to + channel);
                    // SAFETY: `Patches` checked that each patch has the pixels that its windows
                    // see, and `infer_patches` that there are as many rows of y as windows.
                    unsafe {
                        with_lanes!(simd.part(channels - channel), lanes => {
                            slide_span(simd, strip, &self.columns, lanes, to, to_pixel);
                        });
                    }
                }
            }
        }
    }
}
