//! Folds batch normalisations into the convolutions before them, for inference.
//!
//! With running statistics μ, σ² a normalisation is the affine map γ (x − μ) / √(σ² + ε) + β, and a
//! convolution followed by an affine map is a convolution:
//! w′ = w · γ / √(σ² + ε), b′ = (b − μ) · γ / √(σ² + ε) + β.

use crate::graph::{BatchNorm, Conv2d, Graph, Node, NodeId, Op};
use crate::init::Initializer;
use crate::parameter::{ParamId, ParamSpec, Parameters, Role};
use crate::{Network, Result};

impl Network {
    /// An equal network for inference in which no normalisation directly follows a convolution.
    ///
    /// The folded biases are named `conv.bias`; parameters of the folded normalisations are gone.
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
    uses: Vec<usize>,
    params: Vec<(ParamSpec, Vec<f32>)>,
}

impl<'a> Folder<'a> {
    fn new(network: &'a Network) -> Self {
        let graph = network.graph();
        let mut uses = vec![0; graph.nodes().len()];
        let wanted = [graph.features(), graph.pooled(), graph.logits()];
        for id in graph.nodes().iter().flat_map(|n| &n.inputs).chain(&wanted).chain(graph.stages())
        {
            uses[id.index()] += 1;
        }
        Self { network, nodes: Vec::new(), moved: Vec::new(), uses, params: Vec::new() }
    }

    fn visit(&mut self, id: NodeId) {
        let graph = self.network.graph();
        let node = graph.node(id);
        if let (Op::BatchNorm(norm), [input]) = (&node.op, node.inputs.as_slice())
            && let Op::Conv2d(conv) = &graph.node(*input).op
            && self.uses[input.index()] == 1
        {
            let target = self.moved[input.index()];
            self.fold(conv, norm, target);
            self.moved.push(target);
            return;
        }
        let op = node.op.map_params(|id| self.carry(id));
        let inputs = node.inputs.iter().map(|input| self.moved[input.index()]).collect();
        self.nodes.push(Node { name: node.name.clone(), op, inputs });
        self.moved.push(NodeId(self.nodes.len() - 1));
    }

    /// Scales the copied convolution at `target` and gives it the folded bias.
    fn fold(&mut self, conv: &Conv2d, norm: &BatchNorm, target: NodeId) {
        let values = |id: ParamId| self.network.params().to_values(id);
        let (gamma, beta) = (values(norm.weight), values(norm.bias));
        let (mean, variance) = (values(norm.running_mean), values(norm.running_var));
        let old_bias = conv.bias.map_or_else(|| vec![0.0; conv.out_channels], values);
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| {
                (f64::from(*gamma) / (f64::from(*variance) + norm.epsilon).sqrt()) as f32
            })
            .collect();
        let bias = (0..conv.out_channels)
            .map(|channel| (old_bias[channel] - mean[channel]) * scale[channel] + beta[channel])
            .collect();

        let name = format!("{}.bias", self.nodes[target.index()].name);
        let Op::Conv2d(copy) = &mut self.nodes[target.index()].op else { return };
        let weight = &mut self.params[copy.weight.index()].1;
        let per_channel = weight.len() / conv.out_channels;
        for (kernel, scale) in weight.chunks_mut(per_channel).zip(scale) {
            for value in kernel {
                *value *= scale;
            }
        }
        if let Some(old) = copy.bias {
            self.params[old.index()].1 = bias;
        } else {
            copy.bias = Some(ParamId(self.params.len()));
            let spec = ParamSpec {
                name,
                shape: vec![conv.out_channels],
                role: Role::Bias,
                initializer: Initializer::Constant(0.0),
            };
            self.params.push((spec, bias));
        }
    }

    fn carry(&mut self, id: ParamId) -> ParamId {
        let parameter = self.network.params().get(id);
        self.params.push((parameter.spec.clone(), self.network.params().to_values(id)));
        ParamId(self.params.len() - 1)
    }

    fn finish(self) -> Result<Network> {
        let old = self.network.graph();
        let at = |id: NodeId| self.moved[id.index()];
        let (specs, values): (Vec<_>, Vec<_>) = self.params.into_iter().unzip();
        let graph = Graph {
            stages: old.stages().iter().map(|id| at(*id)).collect(),
            features: at(old.features()),
            pooled: at(old.pooled()),
            logits: at(old.logits()),
            in_channels: old.in_channels(),
            init: old.init,
            nodes: self.nodes,
            params: specs,
        };
        let params =
            Parameters::from_values(&graph.params, values, self.network.params().device())?;
        Ok(Network::from_parts(graph, params))
    }
}
