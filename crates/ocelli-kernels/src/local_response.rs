//! Local response normalisation over neighbouring channels.
//!
//! Paper: Krizhevsky et al., *ImageNet Classification with Deep Convolutional Neural Networks*,
//! NIPS 2012
//! (<https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks>),
//! section 3.3.
//!
//! With N(c) the n channels around channel c, as far as there are any:
//!
//! ```text
//! s[c] = k + α / n · Σ_(j ∈ N(c)) x[j]²     y[c] = x[c] · s[c]^−β                    forward
//! dx[c] = dy[c] · s[c]^−β − 2 α β / n · x[c] · Σ_(j ∈ N(c)) dy[j] · x[j] · s[j]^(−β−1)  backward
//! ```
//!
//! Deviation: α is divided by n, as in Caffe and PyTorch; the paper has no division. At the edges,
//! where there are fewer channels, it is n all the same.

use crate::blocks::rows_per_block;
use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use crate::scratch::with_scratch;
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// The constants of a local response normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponse {
    /// n: how many channels a sum has, an odd number.
    pub size: usize,
    /// α
    pub alpha: f32,
    /// β
    pub beta: f32,
    /// k
    pub k: f32,
}

impl LocalResponse {
    /// Computes `y`.
    ///
    /// # Shapes
    /// - both: `[pixels, channels]`
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn forward(self, x: Rows<'_>, y: RowsMut<'_>) {
        assert_eq!((x.count(), x.channels()), (y.count(), y.channels()), "shape of responses");
        let block = rows_per_block(2 * y.channels());
        y.blocks(block).enumerate().for_each(|(index, y)| {
            let x = x.range(index * block, y.count());
            with_scratch(2 * x.channels(), |scratch| {
                dispatch(Forward { constants: self, x, y, scratch });
            });
        });
    }

    /// Computes the gradient of the input, or adds it to `dx`.
    ///
    /// # Shapes
    /// - all: `[pixels, channels]`
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn gradient(self, x: Rows<'_>, dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
        let shape = (dx.count(), dx.channels());
        assert_eq!((x.count(), x.channels()), shape, "shape of responses");
        assert_eq!((dy.count(), dy.channels()), shape, "shape of a response's gradient");
        let block = rows_per_block(4 * dx.channels());
        dx.blocks(block).enumerate().for_each(|(index, dx)| {
            let (x, dy) = (x.range(index * block, dx.count()), dy.range(index * block, dx.count()));
            with_scratch(4 * x.channels(), |scratch| {
                dispatch(Gradient { constants: self, x, dy, dx, write, scratch });
            });
        });
    }

    /// `s^−β`, by roots alone for the usual β of ¾.
    #[inline(always)]
    fn power(self, s: f32) -> f32 {
        if self.beta == 0.75 {
            let root = s.sqrt();
            1.0 / (root * root.sqrt())
        } else {
            s.powf(-self.beta)
        }
    }

    /// Writes `s` of each channel; `squares` is working memory of the same length.
    #[inline(always)]
    fn sums(self, x: &[f32], squares: &mut [f32], s: &mut [f32]) {
        squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
        self.neighbours(squares, s);
        let scale = self.alpha / self.size as f32;
        for s in s {
            *s = self.k + scale * *s;
        }
    }

    /// `sums[c] = Σ_(j ∈ N(c)) values[j]`
    #[inline(always)]
    fn neighbours(self, values: &[f32], sums: &mut [f32]) {
        sums.copy_from_slice(values);
        let channels = values.len();
        for distance in 1..=(self.size / 2).min(channels.saturating_sub(1)) {
            let near = channels - distance;
            sums[..near].iter_mut().zip(&values[distance..]).for_each(|(sum, v)| *sum += v);
            sums[distance..].iter_mut().zip(&values[..near]).for_each(|(sum, v)| *sum += v);
        }
    }
}

struct Forward<'a> {
    constants: LocalResponse,
    x: Rows<'a>,
    y: RowsMut<'a>,
    scratch: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into vectors of the dispatcher's instruction set.
    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let (squares, s) = self.scratch.split_at_mut(self.x.channels());
        for row in 0..self.y.count() {
            let x = self.x.row(row);
            self.constants.sums(x, squares, s);
            for ((y, x), s) in self.y.row_mut(row).iter_mut().zip(x).zip(&*s) {
                *y = x * self.constants.power(*s);
            }
        }
    }
}

struct Gradient<'a> {
    constants: LocalResponse,
    x: Rows<'a>,
    dy: Rows<'a>,
    dx: RowsMut<'a>,
    write: Write,
    scratch: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        let LocalResponse { size, alpha, beta, .. } = self.constants;
        let factor = -2.0 * alpha * beta / size as f32;
        let channels = self.x.channels();
        let (squares, rest) = self.scratch.split_at_mut(channels);
        let (s, rest) = rest.split_at_mut(channels);
        let (slopes, sums) = rest.split_at_mut(channels);
        for row in 0..self.dx.count() {
            let (x, dy) = (self.x.row(row), self.dy.row(row));
            self.constants.sums(x, squares, s);
            for (((slope, s), x), dy) in slopes.iter_mut().zip(&mut *s).zip(x).zip(dy) {
                let power = self.constants.power(*s);
                *slope = dy * x * power / *s;
                *s = power;
            }
            self.constants.neighbours(slopes, sums);
            let dx = self.dx.row_mut(row);
            for ((((dx, power), x), dy), sum) in dx.iter_mut().zip(&*s).zip(x).zip(dy).zip(&*sums) {
                let value = dy * power + factor * x * sum;
                *dx = if self.write == Write::Add { *dx + value } else { value };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};
    use proptest::prelude::*;

    /// One row, by the formula.
    fn naive(constants: LocalResponse, x: &[f64]) -> Vec<f64> {
        let LocalResponse { size, alpha, beta, k } = constants;
        let half = size / 2;
        let value = |c: usize| {
            let near = &x[c.saturating_sub(half)..(c + half + 1).min(x.len())];
            let sum: f64 = near.iter().map(|x| x * x).sum();
            x[c] * (f64::from(k) + f64::from(alpha) / size as f64 * sum).powf(-f64::from(beta))
        };
        (0..x.len()).map(value).collect()
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn responses_equal_the_formula_and_gradients_its_differences(
            pixels in 1_usize..6,
            channels in 1_usize..40,
            half in 0_usize..4,
            alpha in 0.1_f32..3.0,
            beta in prop::sample::select(vec![0.5_f32, 0.75, 1.0]),
        ) {
            let constants = LocalResponse { size: 2 * half + 1, alpha, beta, k: 1.5 };
            let x = values(pixels * channels, 1);
            let dy = values(x.len(), 2);
            let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let expected = wide.chunks(channels).flat_map(|x| naive(constants, x));
            let mut y = vec![9.0; x.len()];
            constants.forward(Rows::dense(&x, channels), RowsMut::dense(&mut y, channels));
            assert_close(&y, &expected.collect::<Vec<_>>());

            let loss = |x: &[f64], row: usize| -> f64 {
                let y = naive(constants, x);
                y.iter().zip(&dy[row * channels..]).map(|(y, dy)| y * f64::from(*dy)).sum()
            };
            let slope = |index: usize| {
                let row = index / channels;
                let mut x = wide[row * channels..][..channels].to_vec();
                let h = 1e-6;
                x[index % channels] += h;
                let above = loss(&x, row);
                x[index % channels] -= 2.0 * h;
                (above - loss(&x, row)) / (2.0 * h)
            };
            let mut dx = vec![1.0; x.len()];
            let [x_rows, dy_rows] = [&x, &dy].map(|values| Rows::dense(values, channels));
            constants.gradient(x_rows, dy_rows, RowsMut::dense(&mut dx, channels), Write::Add);
            let slopes: Vec<f64> = (0..x.len()).map(|index| slope(index) + 1.0).collect();
            assert_close(&dx, &slopes);
        }
    }
}
