//! Batch normalisations. Plans of training fuse them with the activation after them; those of inference
//! fold them into the convolution before them.

use super::operation::{Operation, OperationCost, Run, first};
use super::shape::Shape;
use crate::Result;
use crate::parameter::ParamId;
use crate::pass::BatchStats;
use burn::tensor::{Tensor, module};

/// A batch normalisation (Ioffe and Szegedy 2015).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// γ, `[channels]`.
    pub weight: ParamId,
    /// β, `[channels]`.
    pub bias: ParamId,
    /// The running mean, `[channels]`.
    pub running_mean: ParamId,
    /// The running variance, `[channels]`.
    pub running_var: ParamId,
    /// The number of batches seen, a single number.
    pub num_batches_tracked: ParamId,
    /// Added to the variance.
    pub epsilon: f64,
    /// The weight of the newest batch in the running statistics (PyTorch's convention).
    pub momentum: f64,
}

impl Operation for BatchNorm {
    fn output_shape(&self, _: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        Ok(inputs.first().copied().unwrap_or(image))
    }

    fn run(&self, inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = first(inputs);
        let (weight, bias) = (run.vector(self.weight), run.vector(self.bias));
        let frozen = run.params.get(self.running_mean).frozen;
        let [mean, variance] = [self.running_mean, self.running_var].map(|id| run.vector(id));
        let Some(train) = run.pass.training().filter(|_| !frozen) else {
            return module::batch_norm(x, weight, bias, mean, variance, self.epsilon);
        };
        let [batch, _, height, width] = x.dims();
        let count = (batch * height * width) as f64;
        let result = module::batch_norm_train(x, weight, bias, self.epsilon);
        let unbiased = count / (count - 1.0).max(1.0);
        train.stats.push(BatchStats {
            node: run.node,
            mean: result.mean.without_autodiff(),
            variance: result.variance.without_autodiff().mul_scalar(unbiased),
        });
        result.output
    }

    fn map_params(&mut self, new: &mut dyn FnMut(ParamId) -> ParamId) {
        self.weight = new(self.weight);
        self.bias = new(self.bias);
        self.running_mean = new(self.running_mean);
        self.running_var = new(self.running_var);
        self.num_batches_tracked = new(self.num_batches_tracked);
    }

    fn cost(&self, output: Shape) -> Option<OperationCost> {
        let params = 2 * output.channels as u64;
        Some(OperationCost { kind: "batch_norm", params, macs: 0, activations: 0 })
    }

    fn may_write_part(&self) -> bool {
        true
    }
}
