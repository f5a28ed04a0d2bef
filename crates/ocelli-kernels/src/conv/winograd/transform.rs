//! The transforms of F(4 × 4, 3 × 3) and F(2 × 2, 5 × 5), a vector of channels at a time.
//!
//! A transform of a tile is one of its columns, then one of the rows of what that made. The matrices
//! are those of Lavin and Gray (2016) for the points 0, ±p, ±q and ∞: a polynomial of degree 5, as the
//! product of a kernel's and of a line's of outputs, is known from its values there.

use crate::simd::Simd;

/// Inputs of a tile on an axis, and points at which polynomials are multiplied.
pub(super) const POINTS: usize = 6;

/// Matrix products.
pub(super) const PRODUCTS: usize = POINTS * POINTS;

/// The points besides 0 and ∞ are ±P and ±Q. Their powers are exact in `f32`. With 1 and 2,
/// as in the paper, errors are twice as large on average and three times at most.
const P: f32 = 0.625;
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;
/// What interpolation divides by: at each point the product of its distances from the others.
const AT_0: f32 = P2 * Q2;
const AT_P: f32 = 2.0 * P2 * (P2 - Q2);
const AT_Q: f32 = 2.0 * Q2 * (Q2 - P2);

/// What turns the lines or the columns of a tile, `FROM` elements each, into `TO` others.
pub(super) trait Transform<const FROM: usize, const TO: usize> {
    /// Transforms one line.
    fn line<S: Simd>(simd: S, from: [S::Vector; FROM]) -> [S::Vector; TO];

    /// Transforms the columns of a tile, then the lines of the result.
    #[inline(always)]
    fn tile<S: Simd>(simd: S, tile: &[[S::Vector; FROM]; FROM]) -> [[S::Vector; TO]; TO] {
        let zero = simd.splat(0.0);
        let mut lines = [[zero; FROM]; TO];
        for column in 0..FROM {
            let mut from = [zero; FROM];
            for line in 0..FROM {
                from[line] = tile[line][column];
            }
            let made = Self::line(simd, from);
            for line in 0..TO {
                lines[line][column] = made[line];
            }
        }
        let mut result = [[zero; TO]; TO];
        for line in 0..TO {
            result[line] = Self::line(simd, lines[line]);
        }
        result
    }
}

/// `Bᵀ d`: inputs to the values of their polynomial.
pub(super) struct Inputs;
/// `G g`: taps to the values of their polynomial, divided as interpolation will want it.
pub(super) struct Taps;
/// `Aᵀ m`: the values of a product to outputs.
pub(super) struct Products;
/// `A dy`: the gradient of outputs to that of the values.
pub(super) struct OutputGradients;
/// `Gᵀ u`: the gradient of a kernel's values to that of its taps.
pub(super) struct TapGradients;

/// `value · a + b`
#[inline(always)]
fn scaled<S: Simd>(simd: S, value: f32, a: S::Vector, b: S::Vector) -> S::Vector {
    simd.mul_add(simd.splat(value), a, b)
}

/// `value · a`
#[inline(always)]
fn times<S: Simd>(simd: S, value: f32, a: S::Vector) -> S::Vector {
    simd.mul(simd.splat(value), a)
}

/// The values at all points, from those at 0 and ∞ and, for ±p and ±q, the even and the odd part, which is
/// still to be multiplied.
#[inline(always)]
fn at_points<S: Simd>(
    simd: S,
    [zero, infinity]: [S::Vector; 2],
    [p, q]: [f32; 2],
    [[even_p, odd_p], [even_q, odd_q]]: [[S::Vector; 2]; 2],
) -> [S::Vector; POINTS] {
    [
        zero,
        scaled(simd, p, odd_p, even_p),
        scaled(simd, -p, odd_p, even_p),
        scaled(simd, q, odd_q, even_q),
        scaled(simd, -q, odd_q, even_q),
        infinity,
    ]
}

/// Sum and difference of the values at ±p, and at ±q.
#[inline(always)]
fn pairs<S: Simd>(
    simd: S,
    [_, p, minus_p, q, minus_q, _]: [S::Vector; POINTS],
) -> [[S::Vector; 2]; 2] {
    [[simd.add(p, minus_p), simd.sub(p, minus_p)], [simd.add(q, minus_q), simd.sub(q, minus_q)]]
}

/// `p · of_p + q · of_q`
#[inline(always)]
fn sum<S: Simd>(simd: S, [p, q]: [f32; 2], of_p: S::Vector, of_q: S::Vector) -> S::Vector {
    scaled(simd, p, of_p, times(simd, q, of_q))
}

impl Transform<POINTS, POINTS> for Inputs {
    #[inline(always)]
    fn line<S: Simd>(
        simd: S,
        [d0, d1, d2, d3, d4, d5]: [S::Vector; POINTS],
    ) -> [S::Vector; POINTS] {
        // x (x ± p)(x² − q²) and x (x ± q)(x² − p²), even and odd powers apart.
        let (even_p, odd_p) = (scaled(simd, -Q2, d2, d4), scaled(simd, -Q2, d1, d3));
        let (even_q, odd_q) = (scaled(simd, -P2, d2, d4), scaled(simd, -P2, d1, d3));
        let ends = [
            scaled(simd, P2 * Q2, d0, scaled(simd, -P2 - Q2, d2, d4)),
            scaled(simd, P2 * Q2, d1, scaled(simd, -P2 - Q2, d3, d5)),
        ];
        at_points(simd, ends, [P, Q], [[even_p, odd_p], [even_q, odd_q]])
    }
}

impl Transform<3, POINTS> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::Vector; 3]) -> [S::Vector; POINTS] {
        let even_p = times(simd, 1.0 / AT_P, scaled(simd, P2, g2, g0));
        let even_q = times(simd, 1.0 / AT_Q, scaled(simd, Q2, g2, g0));
        let ends = [times(simd, 1.0 / AT_0, g0), g2];
        at_points(simd, ends, [P / AT_P, Q / AT_Q], [[even_p, g1], [even_q, g1]])
    }
}

impl Transform<5, POINTS> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2, g3, g4]: [S::Vector; 5]) -> [S::Vector; POINTS] {
        let even_p = scaled(simd, P2, scaled(simd, P2, g4, g2), g0);
        let even_q = scaled(simd, Q2, scaled(simd, Q2, g4, g2), g0);
        let (even_p, even_q) = (times(simd, 1.0 / AT_P, even_p), times(simd, 1.0 / AT_Q, even_q));
        let (odd_p, odd_q) = (scaled(simd, P2, g3, g1), scaled(simd, Q2, g3, g1));
        let ends = [times(simd, 1.0 / AT_0, g0), g4];
        at_points(simd, ends, [P / AT_P, Q / AT_Q], [[even_p, odd_p], [even_q, odd_q]])
    }
}

impl Transform<POINTS, 4> for Products {
    #[inline(always)]
    fn line<S: Simd>(simd: S, m: [S::Vector; POINTS]) -> [S::Vector; 4] {
        let [[even_p, odd_p], [even_q, odd_q]] = pairs(simd, m);
        [
            simd.add(m[0], simd.add(even_p, even_q)),
            sum(simd, [P, Q], odd_p, odd_q),
            sum(simd, [P2, Q2], even_p, even_q),
            scaled(simd, P2 * P, odd_p, scaled(simd, Q2 * Q, odd_q, m[5])),
        ]
    }
}

impl Transform<POINTS, 2> for Products {
    #[inline(always)]
    fn line<S: Simd>(simd: S, m: [S::Vector; POINTS]) -> [S::Vector; 2] {
        let [[even_p, odd_p], [even_q, odd_q]] = pairs(simd, m);
        [
            simd.add(m[0], simd.add(even_p, even_q)),
            scaled(simd, P, odd_p, scaled(simd, Q, odd_q, m[5])),
        ]
    }
}

impl Transform<4, POINTS> for OutputGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1, y2, y3]: [S::Vector; 4]) -> [S::Vector; POINTS] {
        let (even_p, odd_p) = (scaled(simd, P2, y2, y0), scaled(simd, P2, y3, y1));
        let (even_q, odd_q) = (scaled(simd, Q2, y2, y0), scaled(simd, Q2, y3, y1));
        at_points(simd, [y0, y3], [P, Q], [[even_p, odd_p], [even_q, odd_q]])
    }
}

impl Transform<2, POINTS> for OutputGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [y0, y1]: [S::Vector; 2]) -> [S::Vector; POINTS] {
        at_points(simd, [y0, y1], [P, Q], [[y0, y1], [y0, y1]])
    }
}

impl Transform<POINTS, 3> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, u: [S::Vector; POINTS]) -> [S::Vector; 3] {
        let [[even_p, odd_p], [even_q, odd_q]] = pairs(simd, u);
        [
            scaled(simd, 1.0 / AT_0, u[0], sum(simd, [1.0 / AT_P, 1.0 / AT_Q], even_p, even_q)),
            sum(simd, [P / AT_P, Q / AT_Q], odd_p, odd_q),
            simd.add(sum(simd, [P2 / AT_P, Q2 / AT_Q], even_p, even_q), u[5]),
        ]
    }
}

impl Transform<POINTS, 5> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, u: [S::Vector; POINTS]) -> [S::Vector; 5] {
        let [[even_p, odd_p], [even_q, odd_q]] = pairs(simd, u);
        [
            scaled(simd, 1.0 / AT_0, u[0], sum(simd, [1.0 / AT_P, 1.0 / AT_Q], even_p, even_q)),
            sum(simd, [P / AT_P, Q / AT_Q], odd_p, odd_q),
            sum(simd, [P2 / AT_P, Q2 / AT_Q], even_p, even_q),
            sum(simd, [P2 * P / AT_P, Q2 * Q / AT_Q], odd_p, odd_q),
            simd.add(sum(simd, [P2 * P2 / AT_P, Q2 * Q2 / AT_Q], even_p, even_q), u[5]),
        ]
    }
}
