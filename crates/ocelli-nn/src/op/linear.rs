//! Linear layers. Plans run them as convolutions of one pixel.

use super::operation::{Operation, OperationCost, Run, first};
use super::shape::Shape;
use crate::Result;
use crate::parameter::ParamId;
use burn::tensor::Tensor;

/// A linear layer over `[batch, in_features, 1, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// The matrix, `[out_features, in_features]`.
    pub weight: ParamId,
    /// The bias, `[out_features]`.
    pub bias: Option<ParamId>,
    /// Values in.
    pub in_features: usize,
    /// Values out.
    pub out_features: usize,
}

impl Operation for Linear {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        if self.in_features != first.len() {
            return Err(first.refuse(layer, format!("it takes {} values", self.in_features)));
        }
        Ok(Shape::vector(self.out_features))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let [batch, ..] = x.dims();
        let weight = run.vector(self.weight).reshape([self.out_features, self.in_features]);
        let product = x.reshape([batch, self.in_features]).matmul(weight.transpose());
        let result = match self.bias {
            Some(bias) => product + run.vector(bias).reshape([1, self.out_features]),
            None => product,
        };
        result.reshape([batch, self.out_features, 1, 1])
    }

    fn out_channels(&self, _: usize) -> usize {
        self.out_features
    }

    fn map_params(&mut self, new: &mut dyn FnMut(ParamId) -> ParamId) {
        self.weight = new(self.weight);
        self.bias = self.bias.map(new);
    }

    fn cost(&self, output: Shape) -> Option<OperationCost> {
        let weights = (self.in_features * self.out_features) as u64;
        let bias = if self.bias.is_some() { self.out_features as u64 } else { 0 };
        let activations = output.len() as u64;
        Some(OperationCost { kind: "linear", params: weights + bias, macs: weights, activations })
    }

    fn makes_vectors(&self) -> bool {
        true
    }
}
