//! What follows a convolution in inference, while its block of rows is in the cache.

#![expect(unsafe_code, reason = "the inner loop runs on checked-once pointers")]

use crate::activation::{Activation, Function, with_function};
use crate::blocks::{for_each_block, rows_per_block};
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Part, Simd, dispatch};

/// `y = activation(sum + bias + residual)`, each part if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finish<'a> {
    /// `[channels]`
    pub bias: Option<&'a [f32]>,
    /// `[output pixels, channels]`
    pub residual: Option<Rows<'a>>,
    /// The function of each number.
    pub activation: Option<Activation>,
}

impl Finish<'_> {
    /// # Panics
    /// When a part has another shape than an output of `count` rows of `channels` elements.
    pub(crate) fn check(&self, count: usize, channels: usize) {
        if let Some(bias) = self.bias {
            assert_eq!(bias.len(), channels, "length of a bias");
        }
        if let Some(residual) = self.residual {
            let shape = (residual.count(), residual.channels());
            assert_eq!(shape, (count, channels), "shape of a residual");
        }
    }

    /// What follows for `count` channels from `first` on.
    pub(crate) fn channels(&self, first: usize, count: usize) -> Self {
        Self {
            bias: self.bias.map(|bias| &bias[first..first + count]),
            residual: self.residual.map(|residual| residual.columns(first, count)),
            activation: self.activation,
        }
    }

    /// Finishes the rows of the output from number `first` on.
    pub(crate) fn apply(&self, first: usize, y: RowsMut<'_>) {
        if self.bias.is_none() && self.residual.is_none() && self.activation.is_none() {
            return;
        }
        let residual = self.residual.map(|residual| residual.range(first, y.count()));
        with_function!(self.activation, f => {
            dispatch(Apply { bias: self.bias, residual, function: f, y });
        });
    }
}

/// Adds a bias to every row.
///
/// # Shapes
/// - `bias`: `[channels]`, `y`: `[rows, channels]`
///
/// # Panics
/// When the number of channels differs.
pub fn add_bias(bias: &[f32], y: RowsMut<'_>) {
    let finish = Finish { bias: Some(bias), ..Finish::default() };
    finish.check(y.count(), y.channels());
    for_each_block(y, rows_per_block(bias.len()), None, |first, y| finish.apply(first, y));
}

struct Apply<'a, F> {
    bias: Option<&'a [f32]>,
    residual: Option<Rows<'a>>,
    function: F,
    y: RowsMut<'a>,
}

impl<F: Function> Kernel for Apply<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let (count, channels, stride) = (self.y.count(), self.y.channels(), self.y.stride());
        let y = self.y.as_mut_ptr();
        for c in (0..channels).step_by(S::LANES) {
            let part = simd.part(channels - c);
            // SAFETY: `Finish::check` found as many biases as channels.
            let bias = self.bias.map_or_else(
                #[inline(always)]
                || simd.splat(0.0),
                #[inline(always)]
                |bias| unsafe { simd.load_part(bias.as_ptr().add(c), part) },
            );
            // SAFETY: `Finish::check` found the residual to have the rows and channels of `y`.
            unsafe {
                match (self.residual, part) {
                    (None, Part::Whole) => {
                        for row in 0..count {
                            let to = y.add(row * stride + c);
                            let sum = simd.add(simd.load(to), bias);
                            simd.store(to, self.function.value(simd, sum));
                        }
                    }
                    (None, Part::First(mask)) => {
                        for row in 0..count {
                            let to = y.add(row * stride + c);
                            let sum = simd.add(simd.load_first(to, mask), bias);
                            simd.store_first(to, mask, self.function.value(simd, sum));
                        }
                    }
                    (Some(residual), part) => {
                        for row in 0..count {
                            let to = y.add(row * stride + c);
                            let other = residual.as_ptr().add(row * residual.stride() + c);
                            let sum = simd.add(simd.load_part(to, part), bias);
                            let sum = simd.add(sum, simd.load_part(other, part));
                            simd.store_part(to, part, self.function.value(simd, sum));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_is_added_to_the_channels_of_a_wider_matrix_alone() {
        let mut y = [1.0; 5];
        add_bias(&[10.0, 20.0], RowsMut::strided(&mut y, 2, 2, 3));
        assert_eq!(y, [11.0, 21.0, 1.0, 11.0, 21.0]);
    }
}
