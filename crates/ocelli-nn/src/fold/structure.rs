//! Which normalisations are folded, and the graph without them.

use crate::graph::{Graph, Node};
use crate::init::Initializer;
use crate::node_id::NodeId;
use crate::op::{BatchNorm, Op};
use crate::parameter::{ParamId, ParamSpec, Role};
use crate::wiring::Wiring;

/// A graph without the normalisations that directly follow a convolution or linear layer.
pub(super) struct FoldedGraph {
    pub(super) graph: Graph,
    /// Where the values of each of its parameters come from.
    pub(super) origins: Vec<Origin>,
    pub(super) norms: Vec<FoldedNorm>,
}

/// Where the values of a parameter come from.
pub(super) enum Origin {
    /// A parameter of the graph before.
    Param(ParamId),
    /// The layer had no bias.
    NewBias,
}

/// A normalisation that is folded into a layer.
pub(super) struct FoldedNorm {
    /// The layer's weight in the folded graph.
    pub(super) weight: ParamId,
    /// The layer's bias in the folded graph.
    pub(super) bias: ParamId,
    /// The normalisation, with its parameters in the graph before.
    pub(super) norm: BatchNorm,
}

impl FoldedGraph {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut folder = Folder {
            old: graph,
            wiring: Wiring::of_all(graph),
            nodes: Vec::new(),
            moved: Vec::new(),
            params: Vec::new(),
            origins: Vec::new(),
            norms: Vec::new(),
        };
        for index in 0..graph.nodes().len() {
            folder.visit(NodeId(index));
        }
        folder.finish()
    }
}

struct Folder<'a> {
    old: &'a Graph,
    wiring: Wiring,
    nodes: Vec<Node>,
    /// Where each old node's value now comes from.
    moved: Vec<NodeId>,
    params: Vec<ParamSpec>,
    origins: Vec<Origin>,
    norms: Vec<FoldedNorm>,
}

impl Folder<'_> {
    fn visit(&mut self, id: NodeId) {
        let node = self.old.node(id);
        if let (Op::BatchNorm(norm), [input]) = (&node.op, node.inputs.as_slice())
            && matches!(self.old.node(*input).op, Op::Conv2d(_) | Op::Linear(_))
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

    /// Gives the copied layer at `target` the bias that it needs.
    fn fold(&mut self, norm: &BatchNorm, target: NodeId) {
        let node = &mut self.nodes[target.index()];
        let name = format!("{}.bias", node.name);
        let (weight, bias, outputs) = match &mut node.op {
            Op::Conv2d(conv) => (conv.weight, &mut conv.bias, conv.out_channels),
            Op::Linear(linear) => (linear.weight, &mut linear.bias, linear.out_features),
            _ => return,
        };
        let new = ParamId(self.params.len());
        let bias = *bias.get_or_insert(new);
        if bias == new {
            self.params.push(ParamSpec {
                name,
                shape: vec![outputs],
                role: Role::Bias,
                initializer: Initializer::Constant(0.0),
            });
            self.origins.push(Origin::NewBias);
        }
        self.norms.push(FoldedNorm { weight, bias, norm: norm.clone() });
    }

    fn carry(&mut self, id: ParamId) -> ParamId {
        self.params.push(self.old.params()[id.index()].clone());
        self.origins.push(Origin::Param(id));
        ParamId(self.params.len() - 1)
    }

    fn finish(mut self) -> FoldedGraph {
        let old = self.old;
        for id in old.free_params() {
            self.carry(id);
        }
        let at = |id: NodeId| self.moved[id.index()];
        let graph = Graph {
            stages: old.stages().iter().map(|id| at(*id)).collect(),
            features: at(old.features()),
            pooled: at(old.pooled()),
            logits: at(old.logits()),
            in_channels: old.in_channels(),
            routes: old.routes.iter().map(|(name, route)| (name.clone(), route.map(at))).collect(),
            init: old.init,
            nodes: self.nodes,
            params: self.params,
        };
        FoldedGraph { graph, origins: self.origins, norms: self.norms }
    }
}
