//! The codes of images, from planes of values.

#![expect(unsafe_code, reason = "the inner loop runs on checked-once pointers")]

use super::ByteGrid;
use super::finish::code;
use super::scratch::with_memory;
use super::simd::{InstructionSet, Integer, Kernel};
use super::threads::{for_each_task, shares_wanted};
use crate::quantize::Grid;
use crate::rows::RowsMut;

/// Reorders images to channels-last, as codes of a grid.
///
/// # Shapes
/// - `planes`: `[images, channels, pixels]`, `y`: `[images · pixels, channels]`
///
/// # Panics
/// When the lengths differ, or the images do not share the rows evenly.
pub fn quantize_planes(planes: &[f32], images: usize, grid: ByteGrid, y: RowsMut<'_, u8>) {
    quantize_planes_with(InstructionSet::fastest(), planes, images, grid, y);
}

pub(super) fn quantize_planes_with(
    set: InstructionSet,
    planes: &[f32],
    images: usize,
    grid: ByteGrid,
    y: RowsMut<'_, u8>,
) {
    /// Pixels whose codes of all channels are in the first cache at once.
    const BLOCK: usize = 512;
    /// What a code costs, in products.
    const EFFORT: usize = 64;
    let (count, channels) = (y.count(), y.channels());
    assert_eq!(planes.len(), count * channels, "length of the images");
    assert!(count.is_multiple_of(images.max(1)), "{count} rows of {images} images");
    let pixels = count.checked_div(images).unwrap_or_default();
    let effort = count * channels * EFFORT;
    let share = pixels.div_ceil(shares_wanted(effort)).max(1);
    let starts = |image: usize| (0..pixels).step_by(share).map(move |at| [image, at]);
    let starts: Vec<[usize; 2]> = (0..images).flat_map(starts).collect();
    let ends: Vec<usize> =
        starts.iter().map(|[image, first]| image * pixels + (first + share).min(pixels)).collect();
    let tasks: Vec<_> = starts.into_iter().zip(y.split_rows(&ends)).collect();
    for_each_task(tasks, effort, |([image, first], mut y)| {
        let image = &planes[image * pixels * channels..][..pixels * channels];
        if channels == 3 && y.stride() == 3 {
            let planes = [0, 1, 2].map(|channel| &image[channel * pixels + first..][..y.count()]);
            return set.dispatch(EncodeThree { planes, grid: grid.grid(), y });
        }
        with_memory(BLOCK * channels, |codes: &mut [u8]| {
            for start in (0..y.count()).step_by(BLOCK) {
                let count = BLOCK.min(y.count() - start);
                for (channel, codes) in codes.chunks_exact_mut(BLOCK).enumerate() {
                    let x = &image[channel * pixels + first + start..][..count];
                    set.dispatch(Encode { x, grid: grid.grid(), codes: &mut codes[..count] });
                }
                for pixel in 0..count {
                    let to = y.row_mut(start + pixel).iter_mut();
                    let from = codes[pixel..].iter().step_by(BLOCK);
                    to.zip(from).for_each(|(to, code)| *to = *code);
                }
            }
        });
    });
}

/// The codes of values that stand in a row, of which there are as many.
struct Encode<'a> {
    x: &'a [f32],
    grid: Grid,
    codes: &'a mut [u8],
}

impl Kernel for Encode<'_> {
    #[inline(always)]
    fn run<S: Integer>(self, simd: S) {
        let length = self.x.len().min(self.codes.len());
        let (from, to) = (self.x.as_ptr(), self.codes.as_mut_ptr());
        for at in (0..length).step_by(S::LANES) {
            let count = (length - at).min(S::LANES);
            // SAFETY: both have `count` elements from `at` on.
            unsafe {
                let codes = code(simd, simd.floats(from.add(at), count), self.grid);
                simd.store_bytes(to.add(at), codes, count);
            }
        }
    }
}

/// The codes of three planes, pixel by pixel without gaps.
struct EncodeThree<'a> {
    planes: [&'a [f32]; 3],
    grid: Grid,
    y: RowsMut<'a, u8>,
}

impl Kernel for EncodeThree<'_> {
    #[inline(always)]
    fn run<S: Integer>(mut self, simd: S) {
        let pixels = self.y.count();
        let to = self.y.as_mut_ptr();
        let planes = self.planes.map(|plane| {
            assert_eq!(plane.len(), pixels, "pixels of a plane");
            plane.as_ptr()
        });
        let mut quads = [0_u8; 4 * MOST_LANES];
        for at in (0..pixels).step_by(S::LANES) {
            let count = (pixels - at).min(S::LANES);
            // SAFETY: planes have `count` elements from `at` on, and there is room for more lanes than any
            // instruction set has.
            unsafe {
                let [r, g, b] = planes;
                let r = code(simd, simd.floats(r.add(at), count), self.grid);
                let g = code(simd, simd.floats(g.add(at), count), self.grid);
                let b = code(simd, simd.floats(b.add(at), count), self.grid);
                simd.store_quads([r, g, b, simd.splat_int(0)], quads.as_mut_ptr());
            }
            for (pixel, quad) in quads.chunks_exact(4).enumerate().take(count) {
                let pixel = at + pixel;
                // SAFETY: rows of three bytes follow each other without gaps, and where four are written another
                // row comes after this one, which overwrites the last of them.
                unsafe {
                    let to = to.add(3 * pixel);
                    if pixel + 1 < pixels {
                        std::ptr::copy_nonoverlapping(quad.as_ptr(), to, 4);
                    } else {
                        std::ptr::copy_nonoverlapping(quad.as_ptr(), to, 3);
                    }
                }
            }
        }
    }
}

/// More lanes than any instruction set has.
const MOST_LANES: usize = 16;
