//! Folds batch normalisations into the convolutions and linear layers before them, for inference.
//!
//! With running statistics μ, σ² a normalisation is the affine map γ (x − μ) / √(σ² + ε) + β, and a
//! convolution or linear layer followed by an affine map is one too:
//! w′ = w · γ / √(σ² + ε), b′ = (b − μ) · γ / √(σ² + ε) + β.

use crate::graph::{Graph, Node};
use crate::init::Initializer;
use crate::node_id::NodeId;
use crate::op::{BatchNorm, Op};
use crate::parameter::{ParamId, ParamSpec, Parameters, Role};
use crate::wiring::Wiring;
use crate::{Network, Result};

impl Network {
    /// An equal network for inference in which no normalisation directly follows a convolution or
    /// linear layer.
    ///
    /// The folded biases are named `layer.bias`; parameters of the folded normalisations are gone.
    /// Sums are formed in another order, so outputs agree to rounding, not to the bit.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn fold_batch_norm(&self) -> Result<Self> {
        let mut folder = Folder::new(self);
        for index in 0..self.graph().nodes().len() {
            folder.visit(NodeId(index));
        }
        folder.finish()
    }
}

struct Folder<'a> {
    network: &'a Network,
    nodes: Vec<Node>,
    /// Where each old node's value now comes from.
    moved: Vec<NodeId>,
    wiring: Wiring,
    params: Vec<(ParamSpec, Vec<f32>)>,
}

impl<'a> Folder<'a> {
    fn new(network: &'a Network) -> Self {
        let graph = network.graph();
        let wiring = Wiring::of_all(graph);
        Self { network, nodes: Vec::new(), moved: Vec::new(), wiring, params: Vec::new() }
    }

    fn visit(&mut self, id: NodeId) {
        let graph = self.network.graph();
        let node = graph.node(id);
        if let (Op::BatchNorm(norm), [input]) = (&node.op, node.inputs.as_slice())
            && matches!(graph.node(*input).op, Op::Conv2d(_) | Op::Linear(_))
            && self.wiring.sole_reader(input.index()).is_some()
        {
            let target = self.moved[input.index()];
            self.fold(norm, target);
            self.moved.push(target);
            return;
        }
        let mut op = node.op.clone();
        op.operation_mut().map_params(&mut |id| self.carry(id));
        let inputs = node.inputs.iter().map(|input| self.moved[input.index()]).collect();
        self.nodes.push(Node { name: node.name.clone(), op, inputs });
        self.moved.push(NodeId(self.nodes.len() - 1));
    }

    /// Scales the copied layer at `target` and gives it the folded bias.
    fn fold(&mut self, norm: &BatchNorm, target: NodeId) {
        let node = &mut self.nodes[target.index()];
        let name = format!("{}.bias", node.name);
        let (weight, bias, outputs) = match &mut node.op {
            Op::Conv2d(conv) => (conv.weight, &mut conv.bias, conv.out_channels),
            Op::Linear(linear) => (linear.weight, &mut linear.bias, linear.out_features),
            _ => return,
        };
        let values = |id: ParamId| self.network.params().to_values(id);
        let (gamma, beta) = (values(norm.weight), values(norm.bias));
        let (mean, variance) = (values(norm.running_mean), values(norm.running_var));
        let old = bias.map(|id| self.params[id.index()].1.clone());
        let old = old.unwrap_or_else(|| vec![0.0; outputs]);
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| {
                (f64::from(*gamma) / (f64::from(*variance) + norm.epsilon).sqrt()) as f32
            })
            .collect();
        let new = (0..outputs)
            .map(|channel| (old[channel] - mean[channel]) * scale[channel] + beta[channel])
            .collect();

        let weight = &mut self.params[weight.index()].1;
        let per_channel = weight.len() / outputs;
        for (kernel, scale) in weight.chunks_mut(per_channel).zip(scale) {
            for value in kernel {
                *value *= scale;
            }
        }
        if let Some(bias) = bias {
            self.params[bias.index()].1 = new;
        } else {
            *bias = Some(ParamId(self.params.len()));
            let spec = ParamSpec {
                name,
                shape: vec![outputs],
                role: Role::Bias,
                initializer: Initializer::Constant(0.0),
            };
            self.params.push((spec, new));
        }
    }

    fn carry(&mut self, id: ParamId) -> ParamId {
        let parameter = self.network.params().get(id);
        self.params.push((parameter.spec.clone(), self.network.params().to_values(id)));
        ParamId(self.params.len() - 1)
    }

    fn finish(mut self) -> Result<Network> {
        let old = self.network.graph();
        for id in old.free_params() {
            self.carry(id);
        }
        let at = |id: NodeId| self.moved[id.index()];
        let (specs, values): (Vec<_>, Vec<_>) = self.params.into_iter().unzip();
        let graph = Graph {
            stages: old.stages().iter().map(|id| at(*id)).collect(),
            features: at(old.features()),
            pooled: at(old.pooled()),
            logits: at(old.logits()),
            in_channels: old.in_channels(),
            routes: old.routes.iter().map(|(name, route)| (name.clone(), route.map(at))).collect(),
            init: old.init,
            nodes: self.nodes,
            params: specs,
        };
        let params =
            Parameters::from_values(&graph.params, values, self.network.params().device())?;
        Ok(Network::from_parts(graph, params))
    }
}
