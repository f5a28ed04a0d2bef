//! What operations do: their kernels, with weights as these read them.

use super::chain::Chain;
use super::lower::IntLowering;
use super::step::IntKernel;
use crate::infer_plan::{Convolution, Kernel, StepWork};
use crate::lowering::ConvolutionKind;
use crate::op::{self, Activation, BatchNorm, Conv2d, Linear, Op};
use crate::parameter::ParamId;
use ocelli_kernels::int8::{
    AddendKind, ByteGrid, OutputKind, PackedConv, PackedDepthwise, PackedGroups, QuantizedLayer,
};
use ocelli_kernels::quantize::Grid;
use ocelli_kernels::{Conv, Norm};

impl IntLowering<'_> {
    /// The kernel of a layer on integers.
    pub(super) fn pack(
        &self,
        index: usize,
        chain: Chain,
        input: ByteGrid,
        (addend, output): (AddendKind, OutputKind),
    ) -> Option<IntKernel> {
        let node = &self.chains.graph.nodes()[index];
        let (weight, bias) = match &node.op {
            Op::Conv2d(conv) => (conv.weight, conv.bias),
            Op::Linear(linear) => (linear.weight, linear.bias),
            _ => return None,
        };
        let packed = self.chains.params.get(weight).packed()?;
        let (codes, bias) = (packed.codes(), bias.map(|id| self.elements(id)));
        let channels = self.shapes[index].channels;
        let factors = packed.multipliers().map(|factors| match factors {
            [one] => vec![*one; channels],
            several => several.to_vec(),
        });
        let grids: Vec<Grid> = packed.grids().to_vec();
        let layer = QuantizedLayer {
            codes: &codes,
            grids: &grids,
            factors: factors.as_deref(),
            bias: bias.as_deref(),
            input,
            before_addend: chain.rounded,
            addend,
            range: chain.range()?,
            output,
        };
        match &node.op {
            Op::Conv2d(conv) => Some(match self.kind(index, conv) {
                ConvolutionKind::Dense(conv) => {
                    IntKernel::Dense(Box::new(PackedConv::new(conv, &layer)))
                }
                ConvolutionKind::Depthwise(conv) => {
                    IntKernel::Depthwise(Box::new(PackedDepthwise::new(conv, &layer)))
                }
                ConvolutionKind::Grouped(conv) => {
                    IntKernel::Grouped(PackedGroups::new(conv, &layer))
                }
            }),
            Op::Linear(linear) if self.is_vector(index) => {
                let conv = Conv::linear(1, linear.in_features, linear.out_features);
                Some(IntKernel::Dense(Box::new(PackedConv::new(conv, &layer))))
            }
            _ => None,
        }
    }

    fn elements(&self, id: ParamId) -> Vec<f32> {
        self.chains.params.to_values(id)
    }

    pub(super) fn kind(&self, index: usize, conv: &Conv2d) -> ConvolutionKind {
        let input = self.shapes[self.chains.graph.nodes()[index].inputs[0].index()];
        let windows = [conv.window(0), conv.window(1)];
        let geometry = op::geometry(1, [input, self.shapes[index]], conv.padding, windows);
        ConvolutionKind::new(conv, geometry)
    }

    /// Whether a linear layer reads a single pixel.
    fn is_vector(&self, index: usize) -> bool {
        let shape = self.shapes[self.chains.graph.nodes()[index].inputs[0].index()];
        shape.height * shape.width == 1
    }

    /// What an operation does in floats.
    pub(super) fn float_work(
        &mut self,
        index: usize,
        chain: Chain,
        inputs: &[usize],
    ) -> Option<StepWork> {
        let activation = chain.activation.map(Activation::to_kernel);
        let node = &self.chains.graph.nodes()[index];
        let convolution = |kernel: Kernel, bias: Option<Vec<f32>>| {
            StepWork::Convolve(Box::new(Convolution { kernel, bias, activation }))
        };
        Some(match &node.op {
            Op::Conv2d(conv) => {
                let weight = self.elements(conv.weight);
                let kernel = match self.kind(index, conv) {
                    ConvolutionKind::Dense(conv) => Kernel::Dense(conv, conv.pack(&weight)),
                    ConvolutionKind::Depthwise(conv) => {
                        Kernel::Depthwise(conv, Box::new(conv.pack(&weight)))
                    }
                    ConvolutionKind::Grouped(conv) => Kernel::Grouped(conv, conv.pack(&weight)),
                };
                convolution(kernel, conv.bias.map(|id| self.elements(id)))
            }
            Op::Linear(linear) if self.is_vector(index) => {
                let &Linear { weight, bias, in_features, out_features } = linear;
                let conv = Conv::linear(1, in_features, out_features);
                let kernel = Kernel::Dense(conv, conv.pack(&self.elements(weight)));
                convolution(kernel, bias.map(|id| self.elements(id)))
            }
            Op::BatchNorm(norm) => self.normalise(norm, activation),
            Op::Add(_) => StepWork::Add(activation),
            Op::Scale(_) => StepWork::Scale,
            Op::Quantize(quantize) => {
                StepWork::Unary(quantize.unary(self.chains.params, self.shapes[index].len())?)
            }
            op => {
                let (input, output) = (*inputs.first()?, self.shapes[index]);
                StepWork::Unary(op.operation().kernel(self.shapes[input], output)?)
            }
        })
    }

    fn normalise(
        &self,
        norm: &BatchNorm,
        activation: Option<ocelli_kernels::Activation>,
    ) -> StepWork {
        let [weight, bias, mean, variance] =
            [norm.weight, norm.bias, norm.running_mean, norm.running_var]
                .map(|id| self.elements(id));
        let norm = Norm::new(&weight, &bias, &mean, &variance, norm.epsilon);
        StepWork::Normalise { norm, activation }
    }
}
