//! The inner loops: a block of rows of one image.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::elementwise::Write;
use crate::quantize::fake_quantizer::FakeQuantizer;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd};

/// The lanes of the widest vector.
const MOST_LANES: usize = 16;

/// The mixture of one block; the least and the largest of its values and zero.
pub(super) struct Forward<'a, const K: usize> {
    x: Rows<'a>,
    y: RowsMut<'a>,
    quantizers: [FakeQuantizer; K],
    weights: Option<[f32; K]>,
}

/// The gradients of one block: for each quantizer Σ dy · Q(x) and Σ dy · slope(x).
pub(super) struct Backward<'a, const K: usize> {
    x: Rows<'a>,
    dy: Rows<'a>,
    dx: Option<(RowsMut<'a>, Write)>,
    quantizers: [FakeQuantizer; K],
    weights: Option<[f32; K]>,
}

fn first<const K: usize>(quantizers: &[FakeQuantizer]) -> [FakeQuantizer; K] {
    std::array::from_fn(|k| quantizers[k])
}

fn first_weights<const K: usize>(weights: Option<&[f32]>) -> Option<[f32; K]> {
    weights.map(|weights| std::array::from_fn(|k| weights[k]))
}

impl<'a, const K: usize> Forward<'a, K> {
    pub(super) fn new(
        x: Rows<'a>,
        y: RowsMut<'a>,
        quantizers: &[FakeQuantizer],
        weights: Option<&[f32]>,
    ) -> Self {
        assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of a block");
        Self { x, y, quantizers: first(quantizers), weights: first_weights(weights) }
    }
}

impl<'a, const K: usize> Backward<'a, K> {
    pub(super) fn new(
        [x, dy]: [Rows<'a>; 2],
        dx: Option<(RowsMut<'a>, Write)>,
        quantizers: &[FakeQuantizer],
        weights: Option<&[f32]>,
    ) -> Self {
        let shape = (x.count(), x.channels());
        assert_eq!((dy.count(), dy.channels()), shape, "shape of a block's gradient");
        if let Some((dx, _)) = &dx {
            assert_eq!((dx.count(), dx.channels()), shape, "shape of a block's result");
        }
        Self { x, dy, dx, quantizers: first(quantizers), weights: first_weights(weights) }
    }
}

/// A quantizer as vectors.
#[derive(Clone, Copy)]
struct Lifted<S: Simd> {
    is_identity: bool,
    offset: S::Vector,
    step: S::Vector,
    top: S::Vector,
}

/// A value on a grid: in steps from the lowest level, the nearest whole step, and the level there.
struct OnGrid<S: Simd> {
    place: S::Vector,
    code: S::Vector,
    level: S::Vector,
}

impl<S: Simd> Lifted<S> {
    #[inline(always)]
    fn new(simd: S, quantizer: FakeQuantizer) -> Self {
        let (offset, step, top) = quantizer
            .grid
            .map_or((0.0, 1.0, 0.0), |grid| (grid.offset, grid.step, grid.top as f32));
        Self {
            is_identity: quantizer.grid.is_none(),
            offset: simd.splat(offset),
            step: simd.splat(step),
            top: simd.splat(top),
        }
    }

    /// As [`Grid::nearest`](crate::quantize::Grid::nearest), in the same roundings.
    #[inline(always)]
    fn apply(&self, simd: S, x: S::Vector) -> OnGrid<S> {
        let place = simd.div(simd.sub(x, self.offset), self.step);
        // In this order a NaN stays one.
        let inside = simd.min(self.top, simd.max(simd.splat(0.0), place));
        let code = simd.round_ties_even(inside);
        let level = simd.add(self.offset, simd.mul(self.step, code));
        let level = if self.is_identity { x } else { level };
        OnGrid { place, code, level }
    }
}

/// Rows without gaps are one long row: fewer vectors are filled in part.
fn shape_of(rows: &[(usize, usize, usize)]) -> (usize, usize) {
    let (count, channels, _) = rows[0];
    let is_dense = rows.iter().all(|(_, _, stride)| *stride == channels);
    if is_dense { (1, count * channels) } else { (count, channels) }
}

/// A function of all lanes, in their order.
#[inline(always)]
fn fold<S: Simd>(simd: S, vector: S::Vector, f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; MOST_LANES];
    // SAFETY: no vector has more lanes.
    unsafe { simd.store(lanes.as_mut_ptr(), vector) };
    lanes[..S::LANES].iter().copied().fold(0.0, f)
}

impl<const K: usize> Kernel for Forward<'_, K> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> [f32; 2] {
        let (count, width) = shape_of(&[
            (self.x.count(), self.x.channels(), self.x.stride()),
            (self.y.count(), self.y.channels(), self.y.stride()),
        ]);
        let grids = self.quantizers.map(|quantizer| Lifted::new(simd, quantizer));
        let weights = self.weights.map(|weights| weights.map(|weight| simd.splat(weight)));
        let (x_stride, y_stride) = (self.x.stride(), self.y.stride());
        let (x, y) = (self.x.as_ptr(), self.y.as_mut_ptr());
        // Lanes beyond a row are zero, which is between the bounds anyway.
        let (mut low, mut high) = (simd.splat(0.0), simd.splat(0.0));
        for row in 0..count {
            for c in (0..width).step_by(S::LANES) {
                let part = simd.part(width - c);
                // SAFETY: both have as many rows and channels, and where they are taken for one row
                // there are no gaps in them.
                let value = unsafe { simd.load_part(x.add(row * x_stride + c), part) };
                low = simd.min(low, value);
                high = simd.max(high, value);
                let mut mixture = grids[0].apply(simd, value).level;
                if let Some(weights) = &weights {
                    mixture = simd.mul(weights[0], mixture);
                    for k in 1..K {
                        let level = grids[k].apply(simd, value).level;
                        mixture = simd.mul_add(weights[k], level, mixture);
                    }
                }
                // SAFETY: as above.
                unsafe { simd.store_part(y.add(row * y_stride + c), part, mixture) };
            }
        }
        [fold(simd, low, f32::min), fold(simd, high, f32::max)]
    }
}

impl<const K: usize> Kernel for Backward<'_, K> {
    type Output = [[f32; 2]; K];

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> [[f32; 2]; K] {
        let mut shapes = vec![
            (self.x.count(), self.x.channels(), self.x.stride()),
            (self.dy.count(), self.dy.channels(), self.dy.stride()),
        ];
        shapes.extend(self.dx.iter().map(|(dx, _)| (dx.count(), dx.channels(), dx.stride())));
        let (count, width) = shape_of(&shapes);
        let zero = simd.splat(0.0);
        let grids = self.quantizers.map(|quantizer| Lifted::new(simd, quantizer));
        let bounds = self.quantizers.map(|q| [simd.splat(q.low), simd.splat(q.high)]);
        let slopes = self.quantizers.map(|q| q.slopes.map(|slope| simd.splat(slope)));
        let learns = self.quantizers.map(|q| q.slopes != [0.0; 3]);
        let has_attention = self.weights.is_some();
        let weights = self.weights.unwrap_or([1.0; K]).map(|weight| simd.splat(weight));
        let (mut products, mut turns) = ([zero; K], [zero; K]);
        let (x, x_stride) = (self.x.as_ptr(), self.x.stride());
        let (dy, dy_stride) = (self.dy.as_ptr(), self.dy.stride());
        let dx = self.dx.as_mut().map(|(dx, write)| (dx.as_mut_ptr(), dx.stride(), *write));
        for row in 0..count {
            for c in (0..width).step_by(S::LANES) {
                let part = simd.part(width - c);
                // SAFETY: all have as many rows and channels, and where they are taken for one row
                // there are no gaps in them.
                let (x, dy) = unsafe {
                    (
                        simd.load_part(x.add(row * x_stride + c), part),
                        simd.load_part(dy.add(row * dy_stride + c), part),
                    )
                };
                let mut passed = zero;
                for k in 0..K {
                    let [low, high] = bounds[k];
                    if has_attention || learns[k] {
                        let OnGrid { place, code, level } = grids[k].apply(simd, x);
                        products[k] = simd.mul_add(dy, level, products[k]);
                        if learns[k] {
                            let [below, inside, above] = slopes[k];
                            let turn = simd.mul(inside, simd.sub(code, place));
                            let turn = simd.where_greater(high, x, turn, above);
                            let turn = simd.where_greater(low, x, below, turn);
                            turns[k] = simd.mul_add(dy, turn, turns[k]);
                        }
                    }
                    let passes = simd.where_greater(high, x, weights[k], zero);
                    passed = simd.add(passed, simd.where_greater(low, x, zero, passes));
                }
                if let Some((dx, stride, write)) = dx {
                    // SAFETY: as above.
                    unsafe {
                        let to = dx.add(row * stride + c);
                        let value = match write {
                            Write::Replace => simd.mul(dy, passed),
                            Write::Add => simd.mul_add(dy, passed, simd.load_part(to, part)),
                        };
                        simd.store_part(to, part, value);
                    }
                }
            }
        }
        let add = |a: f32, b: f32| a + b;
        std::array::from_fn(|k| [fold(simd, products[k], add), fold(simd, turns[k], add)])
    }
}
