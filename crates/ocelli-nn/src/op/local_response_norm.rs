//! Local response normalisations over neighbouring channels.

use super::operation::{Operation, Run, first};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use crate::Result;
use burn::tensor::Tensor;
use ocelli_kernels::{LocalResponse, Rows, RowsMut, Write};

/// A local response normalisation (Krizhevsky et al. 2012, section 3.3):
/// `x[c] / (k + α / n · Σ x[j]²)^β`, the sum being over the n channels around c.
///
/// α is divided by n as in Caffe and PyTorch; the paper has no division.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm {
    /// n: how many channels a sum has, an odd number.
    pub size: usize,
    /// α
    pub alpha: f64,
    /// β
    pub beta: f64,
    /// k
    pub k: f64,
}

impl Operation for LocalResponseNorm {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        if self.size.is_multiple_of(2) {
            let reason = format!("its sums are of {} channels, no odd number", self.size);
            return Err(first.refuse(layer, reason));
        }
        Ok(first)
    }

    fn run(&self, inputs: Vec<Tensor<4>>, _: &mut Run<'_, '_>) -> Tensor<4> {
        let Self { size, alpha, beta, k } = *self;
        let x = first(inputs);
        let [batch, channels, height, width] = x.dims();
        let squares = x.clone() * x.clone();
        let mut sum = squares.clone();
        for distance in 1..=(size / 2).min(channels.saturating_sub(1)) {
            let zeros = Tensor::zeros([batch, distance, height, width], &x.device());
            let near = channels - distance;
            let above = squares.clone().narrow(1, distance, near);
            let below = squares.clone().narrow(1, 0, near);
            sum = sum
                + Tensor::cat(vec![above, zeros.clone()], 1)
                + Tensor::cat(vec![zeros, below], 1);
        }
        x * sum.mul_scalar(alpha / size as f64).add_scalar(k).powf_scalar(-beta)
    }

    fn kernel(&self, _: Shape, _: Shape) -> Option<Box<dyn UnaryKernel>> {
        let Self { size, alpha, beta, k } = *self;
        let [alpha, beta, k] = [alpha, beta, k].map(|constant| constant as f32);
        Some(Box::new(LocalResponse { size, alpha, beta, k }))
    }
}

impl UnaryKernel for LocalResponse {
    fn label(&self) -> &'static str {
        "local response"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        Self::forward(*self, x, y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        self.gradient(taped.x, taped.dy, dx, write);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::RESPONSE * outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_an_even_number_of_channels_is_refused() {
        let x = Shape { channels: 4, height: 5, width: 5 };
        let norm = LocalResponseNorm { size: 4, alpha: 1.0, beta: 0.75, k: 1.0 };
        let message = norm.output_shape("layer", x, &[x]).unwrap_err().to_string();
        assert!(message.ends_with("its sums are of 4 channels, no odd number"), "{message}");
    }
}
