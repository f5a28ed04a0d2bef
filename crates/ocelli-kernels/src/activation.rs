//! Activation functions and their slopes, on vectors.

use crate::simd::Simd;

/// An element-wise activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x · sigmoid(x)
    Silu,
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// relu6(x + 3) / 6
    HardSigmoid,
}

/// A function of one number and its derivative. At a kink the slope is zero, as in PyTorch.
pub(crate) trait Function: Copy + Send + Sync {
    fn value<S: Simd>(self, simd: S, x: S::Vector) -> S::Vector;
    fn slope<S: Simd>(self, simd: S, x: S::Vector) -> S::Vector;
}

/// Runs an expression with `$f` bound to the [`Function`] of an optional activation, compiled once
/// for each.
macro_rules! with_function {
    ($activation:expr, $f:ident => $body:expr) => {{
        use crate::activation::{Activation, functions};
        match $activation {
            None => {
                let $f = functions::Identity;
                $body
            }
            Some(Activation::Relu) => {
                let $f = functions::Relu;
                $body
            }
            Some(Activation::Relu6) => {
                let $f = functions::Relu6;
                $body
            }
            Some(Activation::Silu) => {
                let $f = functions::Silu;
                $body
            }
            Some(Activation::Sigmoid) => {
                let $f = functions::Sigmoid;
                $body
            }
            Some(Activation::HardSigmoid) => {
                let $f = functions::HardSigmoid;
                $body
            }
        }
    }};
}
pub(crate) use with_function;

pub(crate) mod functions {
    use super::{Function, Simd};

    /// Declares functions by their value and slope at `x`.
    macro_rules! functions {
        ($($name:ident: |$simd:ident, $x:ident| $value:expr, $slope:expr;)*) => {$(
            #[derive(Clone, Copy)]
            pub(crate) struct $name;

            impl Function for $name {
                #[inline(always)]
                fn value<S: Simd>(self, $simd: S, $x: S::Vector) -> S::Vector {
                    $value
                }

                #[inline(always)]
                fn slope<S: Simd>(self, $simd: S, $x: S::Vector) -> S::Vector {
                    $slope
                }
            }
        )*};
    }

    functions! {
        Identity: |simd, x| { let _ = simd; x }, { let _ = x; simd.splat(1.0) };
        Relu: |simd, x| simd.max(simd.splat(0.0), x), inside(simd, x, 0.0, f32::INFINITY);
        Relu6: |simd, x| simd.min(simd.splat(6.0), simd.max(simd.splat(0.0), x)),
            inside(simd, x, 0.0, 6.0);
        Silu: |simd, x| simd.mul(x, sigmoid(simd, x)), {
            let s = sigmoid(simd, x);
            let one = simd.splat(1.0);
            // s · (1 + x · (1 − s))
            simd.mul(s, simd.mul_add(x, simd.sub(one, s), one))
        };
        Sigmoid: |simd, x| sigmoid(simd, x), {
            let s = sigmoid(simd, x);
            simd.mul(s, simd.sub(simd.splat(1.0), s))
        };
        HardSigmoid: |simd, x| {
            let raised = simd.add(x, simd.splat(3.0));
            let kept = simd.min(simd.splat(6.0), simd.max(simd.splat(0.0), raised));
            simd.mul(kept, simd.splat(1.0 / 6.0))
        }, simd.mul(inside(simd, x, -3.0, 3.0), simd.splat(1.0 / 6.0));
    }

    #[inline(always)]
    fn sigmoid<S: Simd>(simd: S, x: S::Vector) -> S::Vector {
        let one = simd.splat(1.0);
        simd.reciprocal(simd.add(one, simd.exp(simd.sub(simd.splat(0.0), x))))
    }

    /// One where `low < x < high`, else zero.
    #[inline(always)]
    fn inside<S: Simd>(simd: S, x: S::Vector, low: f32, high: f32) -> S::Vector {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let below = simd.where_greater(simd.splat(high), x, one, zero);
        simd.where_greater(x, simd.splat(low), below, zero)
    }
}
