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
    /// The levels to which a layer on integers rounds its result before something is added to it.
    pub(super) rounded: Option<ByteGrid>,
    /// The operation whose value is added.
    pub(super) residual: Option<usize>,
    pub(super) activation: Option<Activation>,
}

impl Chain {
    /// Between which values the result is kept; `None` for activations that do more than that.
    pub(super) fn range(&self) -> Option<[f32; 2]> {
        match self.activation {
            None => Some([f32::NEG_INFINITY, f32::INFINITY]),
            Some(Activation::Relu) => Some([0.0, f32::INFINITY]),
            Some(Activation::Relu6) => Some([0.0, 6.0]),
            Some(_) => None,
        }
    }
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

    /// The levels that the values of an operation are on, if all of them are values of a quantization.
    pub(super) fn levels(&self, index: usize) -> Option<ByteGrid> {
        let index = self.wiring.source(index);
        let node = &self.graph.nodes()[index];
        match &node.op {
            _ if !self.computed[index] => None,
            Op::Quantize(quantize) => self.grid(quantize),
            Op::MaxPool(_) | Op::PadShortcut(_) | Op::Flatten(_) => {
                self.levels(node.inputs.first()?.index())
            }
            _ => None,
        }
    }

    /// The operations whose values an operation reads.
    pub(super) fn sources(&self, index: usize) -> Vec<usize> {
        let inputs = self.graph.nodes()[index].inputs.iter();
        inputs.map(|id| self.wiring.source(id.index())).collect()
    }

    /// The levels that a layer reads, if it runs on integers.
    pub(super) fn integer_input(&self, index: usize) -> Option<ByteGrid> {
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
        let runs = fits && self.has_codes(weight);
        self.levels(node.inputs.first()?.index()).filter(|_| runs)
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
        let alone = Chain { last: index, rounded: None, residual: None, activation: None };
        match &self.graph.nodes()[index].op {
            Op::Conv2d(_) | Op::Linear(_) => {
                let is_integer = self.integer_input(index).is_some();
                let summed = self.with_sum(alone, is_integer);
                self.with_activation(summed, is_integer)
            }
            Op::BatchNorm(_) | Op::Add(_) => self.with_activation(alone, false),
            _ => alone,
        }
    }

    /// A sum with a value that is there before; layers on integers may round what they add.
    fn with_sum(&self, chain: Chain, is_integer: bool) -> Chain {
        let Some(next) = self.wiring.sole_reader(chain.last) else { return chain };
        let rounded = match &self.graph.nodes()[next].op {
            Op::Quantize(quantize) if is_integer => self.grid(quantize),
            _ => None,
        };
        let (addend, sum) = match rounded {
            Some(_) => (next, self.wiring.sole_reader(next)),
            None => (chain.last, Some(next)),
        };
        let Some(sum) = sum else { return chain };
        let other = self.sources(sum).into_iter().find(|source| *source != addend);
        match other {
            Some(other)
                if matches!(self.graph.nodes()[sum].op, Op::Add(_)) && other < chain.last =>
            {
                Chain { last: sum, rounded, residual: Some(other), ..chain }
            }
            _ => chain,
        }
    }

    /// An activation; on integers only those that keep a value within a range.
    fn with_activation(&self, chain: Chain, is_integer: bool) -> Chain {
        let Some(reader) = self.wiring.sole_reader(chain.last) else { return chain };
        let Op::Activation(kind) = &self.graph.nodes()[reader].op else { return chain };
        let longer = Chain { last: reader, activation: Some(*kind), ..chain };
        if is_integer && longer.range().is_none() { chain } else { longer }
    }
}
