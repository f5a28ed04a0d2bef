//! Operations on single elements: sums, copies, activations and their gradients.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use crate::activation::{Activation, Function, with_function};
use crate::blocks::rows_per_block;
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// Whether a kernel replaces what its output held or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The old elements do not matter.
    Replace,
    /// The new elements are added to the old ones.
    Add,
}

/// `y = f(a + b)`
///
/// # Shapes
/// - all: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn add(a: Rows<'_>, b: Rows<'_>, activation: Option<Activation>, y: RowsMut<'_>) {
    with_function!(activation, f => zip(a, b, y, Write::Replace, Sum(f)));
}

/// `y = x` or `y += x`
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn copy(x: Rows<'_>, y: RowsMut<'_>, write: Write) {
    zip(x, x, y, write, First);
}

/// [`copy`] on one thread.
pub(crate) fn copy_block(x: Rows<'_>, y: RowsMut<'_>, write: Write) {
    assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of a copy");
    dispatch(Zip { a: x, b: x, y, write, op: First });
}

/// `y = f(x)`
///
/// # Shapes
/// - both: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn activate(x: Rows<'_>, activation: Activation, y: RowsMut<'_>) {
    with_function!(Some(activation), f => zip(x, x, y, Write::Replace, Value(f)));
}

/// `dx = dy · f′(x)`, or added to dx.
///
/// # Shapes
/// - all: `[pixels, channels]`
///
/// # Panics
/// When the shapes differ.
pub fn activation_gradient(
    x: Rows<'_>,
    dy: Rows<'_>,
    activation: Activation,
    dx: RowsMut<'_>,
    write: Write,
) {
    with_function!(Some(activation), f => zip(x, dy, dx, write, Slope(f)));
}

/// A function of two vectors.
trait Binary: Copy + Send + Sync {
    fn apply<S: Simd>(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector;
}

#[derive(Clone, Copy)]
struct Sum<F>(F);

impl<F: Function> Binary for Sum<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector {
        self.0.value(simd, simd.add(a, b))
    }
}

#[derive(Clone, Copy)]
struct First;

impl Binary for First {
    #[inline(always)]
    fn apply<S: Simd>(self, _: S, a: S::Vector, _: S::Vector) -> S::Vector {
        a
    }
}

#[derive(Clone, Copy)]
struct Value<F>(F);

impl<F: Function> Binary for Value<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, a: S::Vector, _: S::Vector) -> S::Vector {
        self.0.value(simd, a)
    }
}

#[derive(Clone, Copy)]
struct Slope<F>(F);

impl<F: Function> Binary for Slope<F> {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, a: S::Vector, b: S::Vector) -> S::Vector {
        simd.mul(b, self.0.slope(simd, a))
    }
}

fn zip<B: Binary>(a: Rows<'_>, b: Rows<'_>, y: RowsMut<'_>, write: Write, op: B) {
    let shape = (y.count(), y.channels());
    assert_eq!((a.count(), a.channels()), shape, "shape of the first input");
    assert_eq!((b.count(), b.channels()), shape, "shape of the second input");
    let block = rows_per_block(y.channels());
    y.blocks(block).enumerate().for_each(|(index, y)| {
        let (a, b) = (a.range(index * block, block), b.range(index * block, block));
        dispatch(Zip { a, b, y, write, op });
    });
}

struct Zip<'a, B> {
    a: Rows<'a>,
    b: Rows<'a>,
    y: RowsMut<'a>,
    write: Write,
    op: B,
}

impl<B: Binary> Kernel for Zip<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (count, channels) = (self.y.count(), self.y.channels());
        let (a_stride, b_stride, y_stride) = (self.a.stride(), self.b.stride(), self.y.stride());
        let (a, b, y) = (self.a.as_ptr(), self.b.as_ptr(), self.y.as_mut_ptr());
        for row in 0..count {
            for c in (0..channels).step_by(S::LANES) {
                let part = simd.part(channels - c);
                // SAFETY: `zip` checked that all rows have the same count and channels.
                unsafe {
                    let a = simd.load_part(a.add(row * a_stride + c), part);
                    let b = simd.load_part(b.add(row * b_stride + c), part);
                    let y = y.add(row * y_stride + c);
                    let mut value = self.op.apply(simd, a, b);
                    if self.write == Write::Add {
                        value = simd.add(simd.load_part(y, part), value);
                    }
                    simd.store_part(y, part, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn sums_copies_and_gradients_are_those_of_single_numbers(
            count in 1_usize..50, channels in 1_usize..40,
        ) {
            let length = count * channels;
            let (a, b, old) = (values(length, 1), values(length, 2), values(length, 3));
            let (a_rows, b_rows) = (Rows::dense(&a, channels), Rows::dense(&b, channels));
            let expected = |f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
                let all = a.iter().zip(&b).zip(&old);
                all.map(|((a, b), old)| f((*a).into(), (*b).into(), (*old).into())).collect()
            };
            let mut y = old.clone();
            add(a_rows, b_rows, None, RowsMut::dense(&mut y, channels));
            assert_close(&y, &expected(&|a, b, _| a + b));
            add(a_rows, b_rows, Some(Activation::Relu), RowsMut::dense(&mut y, channels));
            assert_close(&y, &expected(&|a, b, _| (a + b).max(0.0)));
            y.clone_from(&old);
            copy(a_rows, RowsMut::dense(&mut y, channels), Write::Add);
            assert_close(&y, &expected(&|a, _, old| a + old));
            y.clone_from(&old);
            activate(a_rows, Activation::Sigmoid, RowsMut::dense(&mut y, channels));
            assert_close(&y, &expected(&|a, _, _| 1.0 / (1.0 + (-a).exp())));
            y.clone_from(&old);
            let to = RowsMut::dense(&mut y, channels);
            activation_gradient(a_rows, b_rows, Activation::Relu, to, Write::Add);
            assert_close(&y, &expected(&|a, b, old| old + if a > 0.0 { b } else { 0.0 }));
        }
    }
}
