//! Enlarging components to the size of the picture, as libjpeg does it by default.
//!
//! To double, each new sample is three parts of the nearest sample and one part of the next one
//! in that direction, rounded up and down in turns; at the edges the outermost samples count twice.
//! Other factors repeat samples, and so does doubling across of less than three.

use super::super::frame::{Component, Frame};
use super::samples::Samples;

/// A component whose rows are made as wide and as many as those of the picture, one at a time.
pub(super) struct Enlarged<'a> {
    samples: &'a Samples,
    /// The samples that belong to the picture.
    width: usize,
    height: usize,
    /// How many pixels of the picture one of them covers.
    scale: (usize, usize),
    way: Way,
    /// Of doubling in both directions, the row that is doubled down.
    sums: Vec<u16>,
    row: Vec<u8>,
}

/// How a component is enlarged.
#[derive(Clone, Copy)]
enum Way {
    /// It has the size of the picture.
    Not,
    DoubleAcross,
    DoubleDown,
    DoubleBoth,
    Repeat,
}

impl<'a> Enlarged<'a> {
    pub(super) fn new(frame: &Frame, component: &Component, samples: &'a Samples) -> Self {
        let (width, height) = frame.samples_of(component);
        let scale = frame.scale_of(component);
        let way = match scale {
            (1, 1) => Way::Not,
            (1, 2) => Way::DoubleDown,
            (2, 1) if width > 2 => Way::DoubleAcross,
            (2, 2) if width > 2 => Way::DoubleBoth,
            _ => Way::Repeat,
        };
        let (sums, row) = (vec![0; width], vec![0; scale.0 * width]);
        Self { samples, width, height, scale, way, sums, row }
    }

    /// Prepares row `y` of the picture.
    #[inline(always)]
    pub(super) fn prepare(&mut self, y: usize) {
        let at = y / self.scale.1;
        let near = self.samples.row(at, self.width);
        // The row above or below, whichever is nearer; none outside the picture.
        let is_upper = y.is_multiple_of(2);
        let next = if is_upper { at.saturating_sub(1) } else { (at + 1).min(self.height - 1) };
        match self.way {
            Way::Not => {}
            Way::DoubleAcross => double_across(near, &mut self.row, [1, 2], 2),
            Way::DoubleDown => {
                let next = self.samples.row(next, self.width);
                let bias = if is_upper { 1 } else { 2 };
                for ((sample, near), next) in self.row.iter_mut().zip(near).zip(next) {
                    *sample = ((3 * u16::from(*near) + u16::from(*next) + bias) >> 2) as u8;
                }
            }
            Way::DoubleBoth => {
                let next = self.samples.row(next, self.width);
                for ((sum, near), next) in self.sums.iter_mut().zip(near).zip(next) {
                    *sum = 3 * u16::from(*near) + u16::from(*next);
                }
                double_across(&self.sums, &mut self.row, [8, 7], 4);
            }
            Way::Repeat => {
                for (samples, value) in self.row.chunks_exact_mut(self.scale.0).zip(near) {
                    samples.fill(*value);
                }
            }
        }
    }

    /// Row `y` of the picture, which was prepared last. It may be longer than the picture is wide.
    #[inline(always)]
    pub(super) fn row(&self, y: usize) -> &[u8] {
        match self.way {
            Way::Not => self.samples.row(y, self.width),
            _ => &self.row,
        }
    }
}

/// Doubles a row of at least two samples, each of which is `1 << (bits - 2)` times too large. The
/// two new ones get different roundings.
#[inline(always)]
fn double_across<T: Copy + Into<u16>>(
    row: &[T],
    doubled: &mut [u8],
    [rounding_left, rounding_right]: [u16; 2],
    bits: u32,
) {
    let pair = |before: T, here: T, after: T| {
        let here = 3 * here.into();
        let (before, after): (u16, u16) = (before.into(), after.into());
        [
            ((here + before + rounding_left) >> bits) as u8,
            ((here + after + rounding_right) >> bits) as u8,
        ]
    };
    let doubled = doubled.as_chunks_mut().0;
    let ([first, second, ..], [.., before_last, last]) = (row, row) else { return };
    let ends = [pair(*first, *first, *second), pair(*before_last, *last, *last)];
    let [left, inner @ .., right] = doubled else { return };
    (*left, *right) = (ends[0], ends[1]);
    for (doubled, samples) in inner.iter_mut().zip(row.windows(3)) {
        *doubled = pair(samples[0], samples[1], samples[2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_three_parts_to_one() {
        let mut doubled = [0; 8];
        double_across(&[0_u8, 100, 40, 40], &mut doubled, [1, 2], 2);
        assert_eq!(doubled, [0, 25, 75, 85, 55, 40, 40, 40]);
        // Four times as large, and rounded otherwise.
        double_across(&[0_u16, 400, 160, 160], &mut doubled, [8, 7], 4);
        assert_eq!(doubled, [0, 25, 75, 85, 55, 40, 40, 40]);
    }
}
