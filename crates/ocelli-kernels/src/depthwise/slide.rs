//! The sum over taps of weight times source, for a block of image rows.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::taps::{Table, TapSource, TargetSpan};
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Lanes, Simd, with_lanes};

/// Slides the kernel over the image rows of `to`, the first of which is number `first_line`
/// counted over the whole batch.
pub(super) struct Slide<'a> {
    pub(super) from: Rows<'a>,
    pub(super) weight: &'a [f32],
    pub(super) rows: &'a Table,
    pub(super) columns: &'a Table,
    pub(super) to: RowsMut<'a>,
    pub(super) first_line: usize,
    pub(super) accumulate: bool,
}

/// One image row of the target, at one vector of channels.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// The source's image row 0, and the distances of its image rows and pixels.
    pub(super) from: *const f32,
    pub(super) from_row: usize,
    pub(super) from_pixel: usize,
    pub(super) source_step: usize,
    /// The weights of tap 0, and the distances of the kernel's rows and taps.
    pub(super) weight: *const f32,
    pub(super) weight_row: usize,
    pub(super) weight_tap: usize,
    pub(super) rows: &'a [TapSource],
    pub(super) accumulate: bool,
}

impl Kernel for Slide<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let channels = self.to.channels();
        let (width, height) = (self.columns.targets(), self.rows.targets());
        let image = self.rows.sources() * self.columns.sources();
        let kernel_columns = self.columns.taps();
        let to_pixel = self.to.stride();
        let to_step = self.columns.target_step * to_pixel;
        for line in 0..self.to.count() / width {
            let global = self.first_line + line;
            let rows = self.rows.tap_sources(global % height);
            let base = global / height * image * self.from.stride();
            for channel in (0..channels).step_by(S::LANES) {
                let part = simd.part(channels - channel);
                let strip = Line {
                    from: self.from.as_ptr().wrapping_add(base + channel),
                    from_row: self.columns.sources() * self.from.stride(),
                    from_pixel: self.from.stride(),
                    source_step: self.columns.source_step,
                    weight: self.weight.as_ptr().wrapping_add(channel),
                    weight_row: kernel_columns * channels,
                    weight_tap: channels,
                    rows,
                    accumulate: self.accumulate,
                };
                for span in &self.columns.spans {
                    let to = (line * width + span.first) * to_pixel + channel;
                    let to = self.to.as_mut_ptr().wrapping_add(to);
                    // SAFETY: the tables hold only pixels within the image and taps within the
                    // kernel of the layer that they and the weight were made for, and `Depthwise`
                    // checked that layer and both matrices against the image's size.
                    unsafe {
                        with_lanes!(part, lanes => {
                            slide_span(simd, strip, span, lanes, to, to_step);
                        });
                    }
                }
            }
        }
    }
}

/// # Safety
/// The line must describe readable memory for every source and tap of the span, and `to` must be
/// writable for every target, `to_step` apart.
#[inline(always)]
pub(super) unsafe fn slide_span<S: Simd, L: Lanes<S>>(
    simd: S,
    line: Line<'_>,
    span: &TargetSpan,
    lanes: L,
    to: *mut f32,
    to_step: usize,
) {
    let taps =
        if line.source_step == 1 && span.is_contiguous() { span.tap_sources.len() } else { 0 };
    let mut done = 0;
    macro_rules! step {
        ($count:literal) => {
            while span.count - done >= $count {
                let to = to.wrapping_add(done * to_step);
                // SAFETY: targets done..done + count are in the span, and there are as many
                // tap_sources as the window is told.
                unsafe {
                    let sums = match taps {
                        2 => window::<S, L, $count, 2>(simd, line, span, done, lanes),
                        3 => window::<S, L, $count, 3>(simd, line, span, done, lanes),
                        4 => window::<S, L, $count, 4>(simd, line, span, done, lanes),
                        5 => window::<S, L, $count, 5>(simd, line, span, done, lanes),
                        _ => non_contiguous::<S, L, $count>(simd, line, span, done, lanes),
                    };
                    write::<S, L, $count>(simd, line, sums, lanes, to, to_step);
                }
                done += $count;
            }
        };
    }
    step!(8);
    step!(4);
    step!(2);
    step!(1);
}

/// The sums of `COUNT` targets from number `done` of the span on, whose `TAPS` sources overlap:
/// each source is loaded once and meets every tap.
///
/// # Safety
/// As for [`slide_span`]; the span has `TAPS` tap_sources, side by side.
#[inline(always)]
unsafe fn window<S: Simd, L: Lanes<S>, const COUNT: usize, const TAPS: usize>(
    simd: S,
    line: Line<'_>,
    span: &TargetSpan,
    done: usize,
    lanes: L,
) -> [S::Vector; COUNT] {
    let mut sums = [simd.splat(0.0); COUNT];
    let (tap_sources, first) = (&span.tap_sources[..TAPS], span.tap_sources[0].source + done);
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        for row in line.rows {
            let from = line.from.add(row.source * line.from_row + first * line.from_pixel);
            let weight = line.weight.add(row.tap * line.weight_row);
            let weights: [S::Vector; TAPS] = std::array::from_fn(
                #[inline(always)]
                |tap| lanes.load(simd, weight.add(tap_sources[tap].tap * line.weight_tap)),
            );
            for source in 0..COUNT + TAPS - 1 {
                let value = lanes.load(simd, from.add(source * line.from_pixel));
                for (tap, weight) in weights.iter().enumerate() {
                    if source >= tap && source - tap < COUNT {
                        sums[source - tap] = simd.mul_add(value, *weight, sums[source - tap]);
                    }
                }
            }
        }
    }
    sums
}

/// The sums of `COUNT` targets from number `done` of the span on, each with sources of its own.
///
/// # Safety
/// As for [`slide_span`].
#[inline(always)]
unsafe fn non_contiguous<S: Simd, L: Lanes<S>, const COUNT: usize>(
    simd: S,
    line: Line<'_>,
    span: &TargetSpan,
    done: usize,
    lanes: L,
) -> [S::Vector; COUNT] {
    let step = line.source_step * line.from_pixel;
    let mut sums = [simd.splat(0.0); COUNT];
    // SAFETY: the caller vouches for all pixels and taps.
    unsafe {
        for row in line.rows {
            let from = line.from.add(row.source * line.from_row + done * step);
            let weight = line.weight.add(row.tap * line.weight_row);
            for tap_source in &span.tap_sources {
                let weight = lanes.load(simd, weight.add(tap_source.tap * line.weight_tap));
                let from = from.add(tap_source.source * line.from_pixel);
                for (target, sum) in sums.iter_mut().enumerate() {
                    *sum = simd.mul_add(lanes.load(simd, from.add(target * step)), weight, *sum);
                }
            }
        }
    }
    sums
}

/// # Safety
/// `to` must be writable for `COUNT` targets, `to_step` apart.
#[inline(always)]
unsafe fn write<S: Simd, L: Lanes<S>, const COUNT: usize>(
    simd: S,
    line: Line<'_>,
    sums: [S::Vector; COUNT],
    lanes: L,
    to: *mut f32,
    to_step: usize,
) {
    for (target, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            let to = to.add(target * to_step);
            let sum = if line.accumulate { simd.add(lanes.load(simd, to), sum) } else { sum };
            lanes.store(simd, to, sum);
        }
    }
}
