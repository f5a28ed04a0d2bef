//! Fake quantization of activations: a value goes to the nearest level of a grid, or to a mixture of such
//! levels of several grids, and its gradient goes straight through.
//!
//! ```text
//! y[n, p, c] = Σ_k a[n, k] · Q_k(x[n, p, c])
//! dx = dy · Σ_k a_k · [low_k ≤ x < high_k]          (straight through, inside the range)
//! da[n, k] = Σ_{p, c} dy · Q_k(x)
//! dscale_k = Σ_n a[n, k] · Σ_{p, c} dy · slope_k(x)   (of a learnt clip or step)
//! ```
//!
//! Levels are those of [`Grid::nearest`], to the bit, but for a NaN, which stays one: a run that diverges
//! shows it. Levels are computed anew in the backward pass instead of being kept.

mod kernels;

use super::grid::Grid;
use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use crate::simd::dispatch;
use kernels::{Backward, Forward};
use rayon::prelude::*;

/// One quantizer of activations, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FakeQuantizer {
    /// Its levels; `None` where it leaves values as they are.
    pub grid: Option<Grid>,
    /// From which value on a gradient goes through.
    pub low: f32,
    /// Below which value it does.
    pub high: f32,
    /// The derivative by the learnt scale of a value below `low`, of one in between for each step by which
    /// rounding raised it, and of one from `high` on.
    pub slopes: [f32; 3],
}

impl FakeQuantizer {
    /// How many there may be in a mixture.
    pub const MOST: usize = 4;

    /// That which changes nothing.
    pub const IDENTITY: Self =
        Self { grid: None, low: f32::NEG_INFINITY, high: f32::INFINITY, slopes: [0.0; 3] };

    /// Levels whose range follows the data, `low ≤ 0 ≤ high`.
    pub fn fixed(grid: Grid, [low, high]: [f32; 2]) -> Self {
        Self { grid: Some(grid), low, high: high.next_up(), slopes: [0.0; 3] }
    }
}

/// What goes back from a mixture, beside the gradient of its input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FakeQuantizerGradients {
    /// `[images, quantizers]`; empty without attention.
    pub attention: Vec<f32>,
    /// Of the learnt scale of each quantizer.
    pub scales: Vec<f32>,
}

/// `y = Σ_k a_k Q_k(x)`, or `Q_0(x)` without attention. Returns the least and the largest of `x` and zero.
///
/// # Shapes
/// - `x`, `y`: `[images · pixels, channels]`, `attention`: `[images, quantizers]`
///
/// # Panics
/// When the shapes do not fit, there is no quantizer or more than [`FakeQuantizer::MOST`], or there are
/// several without attention.
pub fn fake_quantize(
    x: Rows<'_>,
    quantizers: &[FakeQuantizer],
    attention: Option<Rows<'_>>,
    y: RowsMut<'_>,
) -> [f32; 2] {
    assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of quantized values");
    let blocks = Blocks::new(x, quantizers, attention);
    let ends: Vec<usize> = blocks.list.iter().map(|block| block.end).collect();
    let parts = y.split_rows(&ends);
    let bounds =
        parts.into_par_iter().zip(&blocks.list).with_min_len(blocks.per_task).map(|(y, block)| {
            let x = x.range(block.first, block.end - block.first);
            let weights = attention.map(|attention| attention.row(block.image));
            macro_rules! of_count {
                ($($count:literal)*) => {
                    match quantizers.len() {
                        $($count => {
                            dispatch(Forward::<$count>::new(x, y, quantizers, weights))
                        })*
                        _ => [0.0; 2],
                    }
                };
            }
            of_count!(1 2 3 4)
        });
    bounds.reduce(|| [0.0; 2], |[low, high], other| [low.min(other[0]), high.max(other[1])])
}

/// The gradients of [`fake_quantize`], that of `x` written or added where one is wanted.
///
/// # Shapes
/// - `x`, `dy`, `dx`: `[images · pixels, channels]`, `attention`: `[images, quantizers]`
///
/// # Panics
/// As for [`fake_quantize`].
pub fn fake_quantize_gradient(
    x: Rows<'_>,
    dy: Rows<'_>,
    quantizers: &[FakeQuantizer],
    attention: Option<Rows<'_>>,
    dx: Option<(RowsMut<'_>, Write)>,
) -> FakeQuantizerGradients {
    let shape = (x.count(), x.channels());
    assert_eq!((dy.count(), dy.channels()), shape, "shape of a quantized gradient");
    let blocks = Blocks::new(x, quantizers, attention);
    let ends: Vec<usize> = blocks.list.iter().map(|block| block.end).collect();
    let mode = dx.as_ref().map_or(Write::Replace, |(_, write)| *write);
    let parts: Vec<Option<RowsMut<'_>>> = match dx {
        Some((dx, _)) => {
            assert_eq!((dx.count(), dx.channels()), shape, "shape of a gradient");
            dx.split_rows(&ends).into_iter().map(Some).collect()
        }
        None => ends.iter().map(|_| None).collect(),
    };
    let sums: Vec<[[f32; 2]; FakeQuantizer::MOST]> = parts
        .into_par_iter()
        .zip(&blocks.list)
        .with_min_len(blocks.per_task)
        .map(|(dx, block)| {
            let count = block.end - block.first;
            let [x, dy] = [x, dy].map(|rows| rows.range(block.first, count));
            let weights = attention.map(|attention| attention.row(block.image));
            let dx = dx.map(|dx| (dx, mode));
            let mut sums = [[0.0; 2]; FakeQuantizer::MOST];
            macro_rules! of_count {
                ($($count:literal)*) => {
                    match quantizers.len() {
                        $($count => {
                            let found =
                                dispatch(Backward::<$count>::new([x, dy], dx, quantizers, weights));
                            sums[..$count].copy_from_slice(&found);
                        })*
                        _ => {}
                    }
                };
            }
            of_count!(1 2 3 4);
            sums
        })
        .collect();
    blocks.join(&sums, quantizers.len(), attention)
}

/// Some rows of one image.
struct Block {
    image: usize,
    first: usize,
    end: usize,
}

/// How the rows are cut: never across images where each has its own attention.
struct Blocks {
    list: Vec<Block>,
    /// How many of them are worth handing to a thread.
    per_task: usize,
}

impl Blocks {
    fn new(x: Rows<'_>, quantizers: &[FakeQuantizer], attention: Option<Rows<'_>>) -> Self {
        let count = quantizers.len();
        assert!((1..=FakeQuantizer::MOST).contains(&count), "{count} quantizers");
        let images = if let Some(attention) = attention {
            assert_eq!(attention.channels(), count, "attention to {count} quantizers");
            attention.count().max(1)
        } else {
            assert_eq!(count, 1, "several quantizers without attention");
            1
        };
        assert!(x.count().is_multiple_of(images), "{} pixels of {images} images", x.count());
        let (pixels, rows) = (x.count() / images, rows_per_block(x.channels()));
        let of_image = |image: usize| {
            let start = image * pixels;
            (0..pixels).step_by(rows).map(move |first| Block {
                image,
                first: start + first,
                end: start + (first + rows).min(pixels),
            })
        };
        let list: Vec<Block> = (0..images).flat_map(of_image).collect();
        Self { list, per_task: (rows / pixels.max(1)).max(1) }
    }

    /// Adds up the sums of blocks, in order and in double precision.
    fn join(
        &self,
        sums: &[[[f32; 2]; FakeQuantizer::MOST]],
        count: usize,
        attention: Option<Rows<'_>>,
    ) -> FakeQuantizerGradients {
        let images = attention.map_or(0, Rows::count);
        let mut products = vec![0.0_f64; images * count];
        let mut scales = vec![0.0_f64; count];
        for (block, sums) in self.list.iter().zip(sums) {
            for (quantizer, [product, slope]) in sums.iter().take(count).enumerate() {
                let weight = attention.map_or(1.0, |rows| rows.row(block.image)[quantizer]);
                scales[quantizer] += f64::from(weight) * f64::from(*slope);
                if attention.is_some() {
                    products[block.image * count + quantizer] += f64::from(*product);
                }
            }
        }
        let single = |sums: Vec<f64>| sums.into_iter().map(|sum| sum as f32).collect();
        FakeQuantizerGradients { attention: single(products), scales: single(scales) }
    }
}

#[cfg(test)]
mod tests;
