//! Points side by side: the vector axis of a search.

#![expect(unsafe_code, reason = "points are turned round through checked-once pointers")]

use crate::rows::Rows;
use crate::simd::{Kernel, Simd, dispatch};

/// How many points a panel holds: two AVX-512 vectors, and a multiple of every other set's two vectors.
pub const PANEL: usize = 32;

/// How many centroids meet a panel at a time.
pub(super) const TILE: usize = 12;

/// Up to [`PANEL`] points relative to an origin, turned round: `[width, PANEL]`.
#[derive(Debug)]
pub struct Panel {
    values: Box<[Lines]>,
    squares: [f32; PANEL],
    count: usize,
}

/// The numbers of all points in one dimension, at the start of a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Lines([f32; PANEL]);

impl Panel {
    /// An empty panel for points of `width` numbers.
    pub fn new(width: usize) -> Self {
        let values = vec![Lines([0.0; PANEL]); width].into_boxed_slice();
        Self { values, squares: [0.0; PANEL], count: 0 }
    }

    /// Takes the rows that `indices` names, less the origin. Lanes that are left over repeat the last.
    ///
    /// # Panics
    /// When there is no row, or more than [`PANEL`], or one beyond the last, or a width differs.
    pub fn fill(&mut self, rows: Rows<'_>, origin: &[f32], indices: &[u32]) {
        let width = self.values.len();
        assert!((1..=PANEL).contains(&indices.len()), "{} rows in a panel", indices.len());
        assert_eq!((rows.channels(), origin.len()), (width, width), "width of rows and origin");
        self.count = indices.len();
        let last = indices[self.count - 1];
        let lane = |lane: usize| rows.row(*indices.get(lane).unwrap_or(&last) as usize);
        let points: [&[f32]; PANEL] = std::array::from_fn(lane);
        dispatch(Fill { values: &mut self.values, squares: &mut self.squares, origin, points });
    }

    /// How many points there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// An upper bound of a point's distance to the origin.
    pub fn norm_bound(&self, lane: usize) -> f64 {
        let inexact = (self.values.len() + 2) as f64 * f64::from(f32::EPSILON);
        f64::from(self.squares[lane]).sqrt() * (1.0 + inexact) + f64::from(f32::MIN_POSITIVE).sqrt()
    }

    pub(super) fn width(&self) -> usize {
        self.values.len()
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.values.as_ptr().cast()
    }
}

struct Fill<'a> {
    values: &'a mut [Lines],
    squares: &'a mut [f32; PANEL],
    origin: &'a [f32],
    points: [&'a [f32]; PANEL],
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        /// Points, and dimensions, that are turned round together.
        const TOGETHER: usize = 8;
        let width = self.origin.len();
        assert!(self.values.len() == width && self.points.iter().all(|row| row.len() == width));
        let whole = width - width % TOGETHER;
        let to = self.values.as_mut_ptr().cast::<f32>();
        for (group, points) in self.points.chunks_exact(TOGETHER).enumerate() {
            let [a, b, c, d, e, f, g, h] = points else { continue };
            let starts = [a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr()];
            let others = [e.as_ptr(), f.as_ptr(), g.as_ptr(), h.as_ptr()];
            for dimension in (0..whole).step_by(TOGETHER) {
                let ([a, b, c, d], [e, f, g, h]) = (starts, others);
                let rows = [
                    a.wrapping_add(dimension),
                    b.wrapping_add(dimension),
                    c.wrapping_add(dimension),
                    d.wrapping_add(dimension),
                    e.wrapping_add(dimension),
                    f.wrapping_add(dimension),
                    g.wrapping_add(dimension),
                    h.wrapping_add(dimension),
                ];
                let origin = self.origin.as_ptr().wrapping_add(dimension);
                let to = to.wrapping_add(dimension * PANEL + group * TOGETHER);
                // SAFETY: eight dimensions from this one on are within all points and the origin; each has a
                // line of `PANEL` numbers in `values`, of which eight are this group's.
                unsafe { simd.turn_eight(rows, origin, to, PANEL) }
            }
        }
        for dimension in whole..width {
            let values = &mut self.values[dimension].0;
            for (value, point) in values.iter_mut().zip(self.points) {
                *value = point[dimension] - self.origin[dimension];
            }
        }
        let mut squares = [0.0; PANEL];
        for values in self.values.iter() {
            for (square, value) in squares.iter_mut().zip(values.0) {
                *square += value * value;
            }
        }
        *self.squares = squares;
    }
}
