//! Biases that integers stand for.
//!
//! Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*,
//! CVPR 2018 (<https://arxiv.org/abs/1712.05877>), section 2.4: a bias is a whole multiple of the input's step times
//! the weight's, as sums of products are.

use crate::Result;
use crate::graph::{Graph, Op};
use crate::network::Network;
use crate::node_id::NodeId;
use ocelli_kernels::int8::{ByteGrid, signed_step};
use ocelli_kernels::quantize::Grid;

impl Network {
    /// Rounds the biases of layers whose weights are packed and whose inputs are quantized to whole multiples of
    /// the steps of both. Then engines in floats, engines on integers and files for other runtimes, whose biases
    /// have 32 bits, compute with the same ones.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn round_biases(&mut self) -> Result<()> {
        let nodes = self.graph().nodes().iter();
        let layers: Vec<_> = nodes
            .filter_map(|node| {
                let (weight, bias) = match &node.op {
                    Op::Conv2d(conv) => (conv.weight, conv.bias?),
                    Op::Linear(linear) => (linear.weight, linear.bias?),
                    _ => return None,
                };
                let input = self.input_levels(self.graph(), *node.inputs.first()?)?;
                Some((weight, bias, input.step()))
            })
            .collect();
        for (weight, bias, input) in layers {
            let Some(packed) = self.params().get(weight).packed() else { continue };
            let of = |list: usize, channel: usize| if list == 1 { 0 } else { channel };
            let step = |channel: usize| {
                let grid: Grid = packed.grids()[of(packed.grids().len(), channel)];
                let multiplier =
                    packed.multipliers().map_or(1.0, |all| all[of(all.len(), channel)]);
                Some(input * (signed_step(grid)? * multiplier.abs())).filter(|step| *step > 0.0)
            };
            let values = self.params().to_values(bias).into_iter().enumerate();
            let values = values
                .map(|(channel, value)| step(channel).map_or(value, |step| whole(value, step)));
            let values = values.collect();
            self.params_mut().set_values(bias, values)?;
        }
        Ok(())
    }

    /// The levels that a layer reads, if bytes stand for them.
    fn input_levels(&self, graph: &Graph, id: NodeId) -> Option<ByteGrid> {
        let node = graph.node(id);
        match &node.op {
            Op::Quantize(quantize) => ByteGrid::new(quantize.grid(self.params())?),
            Op::MaxPool(_) | Op::PadShortcut(_) | Op::Flatten(_) | Op::Dropout(_) => {
                self.input_levels(graph, *node.inputs.first()?)
            }
            _ => None,
        }
    }
}

/// The whole multiple of a step that is nearest to a bias, if 32 bits hold it.
fn whole(bias: f32, step: f32) -> f32 {
    let steps = (f64::from(bias) / f64::from(step)).round();
    let fits = steps.abs() < f64::from(i32::MAX);
    if fits { (steps * f64::from(step)) as f32 } else { bias }
}
