//! What a layer does beside its products: the sum and the activation that alone read its result.

use crate::graph::Graph;
use crate::op::{Activation, Op, Quantize};
use crate::parameter::{ParamId, Parameters};
use crate::wiring::Wiring;
use ocelli_kernels::int8::{ByteGrid, MOST_PRODUCTS};

/// The operations of a graph that are run together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chain {
    /// The last of them, whose value is that of all.
    pub(super) last: usize,
    /// The operation whose value is added.
    pub(super) residual: Option<usize>,
    pub(super) activation: Option<Activation>,
}

/// What a graph's operations are for a plan on integers.
pub(super) struct Chains<'a> {
    pub(super) graph: &'a Graph,
    pub(super) params: &'a Parameters,
    pub(super) wiring: &'a Wiring,
    /// The operations that run.
    pub(super) computed: &'a [bool],
}

impl Chains<'_> {
    /// The levels of a quantization of activations that stands for codes: of one quantizer, whose range
    /// is known.
    pub(super) fn grid(&self, quantize: &Quantize) -> Option<ByteGrid> {
        ByteGrid::new(quantize.grid(self.params)?)
    }

    /// Where a layer's input comes from, if it runs on integers: a quantization, and its levels.
    pub(super) fn integer_input(&self, index: usize) -> Option<(usize, ByteGrid)> {
        let node = &self.graph.nodes()[index];
        let (weight, fits) = match &node.op {
            Op::Conv2d(conv) => {
                // Several outputs for each channel of a depthwise convolution would need it several times.
                let repeats = conv.groups == conv.in_channels
                    && conv.groups > 1
                    && conv.out_channels != conv.in_channels;
                (conv.weight, !repeats)
            }
            Op::Linear(linear) => (linear.weight, true),
            _ => return None,
        };
        let input = self.wiring.source(node.inputs.first()?.index());
        let Op::Quantize(quantize) = &self.graph.nodes()[input].op else { return None };
        let runs = fits && self.computed[input] && self.has_codes(weight);
        self.grid(quantize).filter(|_| runs).map(|grid| (input, grid))
    }

    /// Whether a weight is packed, and sums of its products fit in 32 bits.
    fn has_codes(&self, weight: ParamId) -> bool {
        let parameter = self.params.get(weight);
        let shape = &parameter.spec.shape;
        let products: usize = shape.iter().skip(1).product();
        parameter.packed().is_some() && products <= MOST_PRODUCTS
    }

    /// The chain that begins with an operation.
    pub(super) fn new_chain(&self, index: usize) -> Chain {
        let alone = Chain { last: index, residual: None, activation: None };
        match &self.graph.nodes()[index].op {
            Op::Conv2d(_) | Op::Linear(_) => {
                let is_integer = self.integer_input(index).is_some();
                let summed = self.with_sum(alone);
                self.with_activation(summed, is_integer)
            }
            Op::BatchNorm(_) | Op::Add(_) => self.with_activation(alone, false),
            _ => alone,
        }
    }

    /// A sum with a value that is there before.
    fn with_sum(&self, chain: Chain) -> Chain {
        let Some(reader) = self.wiring.sole_reader(chain.last) else { return chain };
        let node = &self.graph.nodes()[reader];
        let mut sources = node.inputs.iter().map(|id| self.wiring.source(id.index()));
        let other = sources.find(|source| *source != chain.last);
        match other {
            Some(other) if matches!(node.op, Op::Add(_)) && other < chain.last => {
                Chain { last: reader, residual: Some(other), ..chain }
            }
            _ => chain,
        }
    }

    /// An activation; on integers only those that keep a value within a range.
    fn with_activation(&self, chain: Chain, is_integer: bool) -> Chain {
        let Some(reader) = self.wiring.sole_reader(chain.last) else { return chain };
        match &self.graph.nodes()[reader].op {
            Op::Activation(kind)
                if !is_integer || matches!(kind, Activation::Relu | Activation::Relu6) =>
            {
                Chain { last: reader, activation: Some(*kind), ..chain }
            }
            _ => chain,
        }
    }
}
