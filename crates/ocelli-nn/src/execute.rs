//! Runs a graph on tensors, one operation after another.

use crate::graph::{
    Activation, BatchNorm, Conv2d, Graph, Linear, LocalResponseNorm, NodeId, Op, Pool,
};
use crate::parameter::{ParamId, Parameters};
use crate::pass::{BatchStats, Pass, TrainPass};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData, activation, module};
use ocelli_random::Purpose;
use rand::RngExt;
use rayon::prelude::*;

#[cfg(test)]
mod tests;

/// Runs `graph` on `input` and returns the values of `wanted`, in that order. Operations after the
/// last wanted one do not run; a value is freed after its last use.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
pub(crate) fn execute<const N: usize>(
    graph: &Graph,
    params: &Parameters,
    input: Tensor<4>,
    wanted: [NodeId; N],
    pass: &mut Pass<'_>,
) -> [Tensor<4>; N] {
    let last = wanted.iter().map(|id| id.0).max().unwrap_or(0);
    let nodes = &graph.nodes[..=last];
    let mut uses = vec![0_usize; nodes.len()];
    for id in nodes.iter().flat_map(|node| &node.inputs).chain(&wanted) {
        uses[id.0] += 1;
    }
    let mut values: Vec<Option<Tensor<4>>> = Vec::with_capacity(nodes.len());
    let mut take = |values: &mut Vec<Option<Tensor<4>>>, id: NodeId| {
        uses[id.0] -= 1;
        let value = if uses[id.0] == 0 { values[id.0].take() } else { values[id.0].clone() };
        value.unwrap_or_else(|| unreachable!("a graph's inputs come before their use"))
    };
    let runner = Runner { params };
    let mut image = Some(input);
    for (index, node) in nodes.iter().enumerate() {
        let inputs: Vec<Tensor<4>> = node.inputs.iter().map(|id| take(&mut values, *id)).collect();
        let value = if node.op == Op::Input {
            image.take()
        } else {
            Some(runner.run(NodeId(index), &node.op, inputs, pass))
        };
        values.push(value);
    }
    wanted.map(|id| take(&mut values, id))
}

struct Runner<'a> {
    params: &'a Parameters,
}

impl Runner<'_> {
    fn run(
        &self,
        id: NodeId,
        op: &Op,
        mut inputs: Vec<Tensor<4>>,
        pass: &mut Pass<'_>,
    ) -> Tensor<4> {
        let x = inputs.remove(0);
        match op {
            Op::Input => x,
            Op::Conv2d(conv) => self.convolve(conv, x),
            Op::BatchNorm(norm) => self.normalise(id, norm, x, pass),
            Op::Activation(kind) => activate(*kind, x),
            Op::Add => x + inputs.remove(0),
            Op::Scale => x * inputs.remove(0),
            Op::Concat { keep } => {
                inputs.insert(0, x);
                concat(inputs, *keep)
            }
            Op::GlobalAvgPool => x.mean_dim(3).mean_dim(2),
            Op::AvgPool(pool) => avg_pool(*pool, x),
            Op::MaxPool(pool) => max_pool(*pool, x),
            Op::LocalResponseNorm(norm) => local_response_norm(*norm, x),
            Op::PadShortcut { out_channels, stride } => pad_shortcut(x, *out_channels, *stride),
            Op::Flatten => {
                let [batch, channels, height, width] = x.dims();
                x.reshape([batch, channels * height * width, 1, 1])
            }
            Op::Linear(linear) => self.linear(linear, x),
            Op::Dropout { probability } => match pass.training() {
                Some(train) => {
                    let [_, channels, height, width] = x.dims();
                    let shape = [channels, height, width];
                    let mask = keep_mask(id, shape, *probability, x.dims()[0], train);
                    multiply(x, mask, shape)
                }
                None => x,
            },
            Op::DropPath { probability } => match pass.training() {
                Some(train) => {
                    let mask = keep_mask(id, [1, 1, 1], *probability, x.dims()[0], train);
                    multiply(x, mask, [1, 1, 1])
                }
                None => x,
            },
        }
    }

    fn vector(&self, id: ParamId) -> Tensor<1> {
        self.params.get(id).value()
    }

    fn convolve(&self, conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let [kernel_height, kernel_width] = conv.kernel;
        let shape =
            [conv.out_channels, conv.in_channels / conv.groups, kernel_height, kernel_width];
        let weight = self.vector(conv.weight).reshape(shape);
        let bias = conv.bias.map(|id| self.vector(id));
        let padding = [
            conv.padding.amounts(0, height, conv.window(0)),
            conv.padding.amounts(1, width, conv.window(1)),
        ];
        let options =
            ConvOptions::new_with_padding(conv.stride, padding, conv.dilation, conv.groups);
        module::conv2d(x, weight, bias, options)
    }

    fn normalise(
        &self,
        node: NodeId,
        norm: &BatchNorm,
        x: Tensor<4>,
        pass: &mut Pass<'_>,
    ) -> Tensor<4> {
        let (weight, bias) = (self.vector(norm.weight), self.vector(norm.bias));
        let frozen = self.params.get(norm.running_mean).frozen;
        let Some(train) = pass.training().filter(|_| !frozen) else {
            let mean = self.vector(norm.running_mean);
            let variance = self.vector(norm.running_var);
            return module::batch_norm(x, weight, bias, mean, variance, norm.epsilon);
        };
        let [batch, _, height, width] = x.dims();
        let count = (batch * height * width) as f64;
        let result = module::batch_norm_train(x, weight, bias, norm.epsilon);
        let unbiased = count / (count - 1.0).max(1.0);
        train.stats.push(BatchStats {
            node,
            mean: result.mean.without_autodiff(),
            variance: result.variance.without_autodiff().mul_scalar(unbiased),
        });
        result.output
    }

    fn linear(&self, linear: &Linear, x: Tensor<4>) -> Tensor<4> {
        let [batch, ..] = x.dims();
        let weight = self.vector(linear.weight).reshape([linear.out_features, linear.in_features]);
        let product = x.reshape([batch, linear.in_features]).matmul(weight.transpose());
        let result = match linear.bias {
            Some(bias) => product + self.vector(bias).reshape([1, linear.out_features]),
            None => product,
        };
        result.reshape([batch, linear.out_features, 1, 1])
    }
}

fn activate(kind: Activation, x: Tensor<4>) -> Tensor<4> {
    match kind {
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => activation::silu(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::HardSigmoid => x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0),
    }
}

fn concat(inputs: Vec<Tensor<4>>, keep: usize) -> Tensor<4> {
    let joined = Tensor::cat(inputs, 1);
    if joined.dims()[1] == keep { joined } else { joined.narrow(1, 0, keep) }
}

fn avg_pool(pool: Pool, x: Tensor<4>) -> Tensor<4> {
    let options = AvgPoolOptions {
        kernel_size: pool.kernel,
        stride: pool.stride,
        padding: pool.padding.map(|zeros| (zeros, zeros)),
        count_include_pad: false,
        ceil_mode: false,
    };
    module::avg_pool2d(x, options)
}

fn max_pool(pool: Pool, x: Tensor<4>) -> Tensor<4> {
    let options = MaxPoolOptions {
        kernel_size: pool.kernel,
        stride: pool.stride,
        padding: pool.padding.map(|zeros| (zeros, zeros)),
        dilation: [1, 1],
        ceil_mode: false,
    };
    module::max_pool2d(x, options)
}

fn local_response_norm(norm: LocalResponseNorm, x: Tensor<4>) -> Tensor<4> {
    let LocalResponseNorm { size, alpha, beta, k } = norm;
    let [batch, channels, height, width] = x.dims();
    let squares = x.clone() * x.clone();
    let mut sum = squares.clone();
    for distance in 1..=(size / 2).min(channels.saturating_sub(1)) {
        let zeros = Tensor::zeros([batch, distance, height, width], &x.device());
        let near = channels - distance;
        let above = squares.clone().narrow(1, distance, near);
        let below = squares.clone().narrow(1, 0, near);
        sum = sum + Tensor::cat(vec![above, zeros.clone()], 1) + Tensor::cat(vec![zeros, below], 1);
    }
    x * sum.mul_scalar(alpha / size as f64).add_scalar(k).powf_scalar(-beta)
}

/// He et al. 2016, section 4.2, option A, as the CIFAR reference does it: `x[:, :, ::2, ::2]` with
/// the new channels split evenly before and after.
fn pad_shortcut(x: Tensor<4>, out_channels: usize, stride: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let step = stride as isize;
    let sampled = x.slice([
        burn::tensor::s![..],
        burn::tensor::s![..],
        burn::tensor::s![..;step],
        burn::tensor::s![..;step],
    ]);
    let before = (out_channels - channels) / 2;
    let after = out_channels - channels - before;
    let zeros = |count| {
        let shape = [batch, count, height.div_ceil(stride), width.div_ceil(stride)];
        Tensor::zeros(shape, &sampled.device())
    };
    Tensor::cat(vec![zeros(before), sampled.clone(), zeros(after)], 1)
}

/// One factor per value of `shape` and sample: zero with `probability`, else the reciprocal of the
/// share that is kept, so that the expectation stays.
pub(crate) fn keep_mask(
    node: NodeId,
    shape: [usize; 3],
    probability: f64,
    batch: usize,
    train: &TrainPass,
) -> Vec<f32> {
    let scale = (1.0 - probability).recip() as f32;
    let length: usize = shape.iter().product();
    let mut mask = vec![0.0; batch * length];
    mask.par_chunks_mut(length.max(1)).enumerate().for_each(|(row, factors)| {
        let place = ((train.first_row + row as u64) << 20) | node.0 as u64;
        let mut rng = train.seed.stream(Purpose::DROP, train.step, place);
        factors.fill_with(|| {
            let unit: f64 = rng.random();
            if unit < probability { 0.0 } else { scale }
        });
    });
    mask
}

fn multiply(x: Tensor<4>, mask: Vec<f32>, [channels, height, width]: [usize; 3]) -> Tensor<4> {
    let shape = [x.dims()[0], channels, height, width];
    let mask = Tensor::<4>::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}
