//! Operations on codes.

use super::chain::Chain;
use super::lower::IntLowering;
use super::step::{CodeWork, IntInput, IntWork};
use crate::lowering::Value;
use crate::op::{self, Concat, Op, Padding, Pool, Window};
use ocelli_kernels::int8::{self, AddendKind, ByteGrid, OutputKind};
use ocelli_kernels::{Geometry, Rows, RowsMut};

impl IntLowering<'_> {
    /// An operation whose inputs are codes of `grids`.
    pub(super) fn on_codes(
        &mut self,
        index: usize,
        chain: Chain,
        grids: &[ByteGrid],
    ) -> Option<()> {
        let node = &self.chains.graph.nodes()[index];
        let from = *grids.first()?;
        match &node.op {
            Op::Conv2d(_) | Op::Linear(_) => {
                self.layers.integer.push(node.name.clone());
                self.integer_layer(index, chain, from)
            }
            Op::Quantize(_) => self.quantized(index, from),
            Op::Concat(concat) => self.concat_codes(index, *concat, grids),
            Op::GlobalAvgPool(_) => self.mean(index, None, from),
            Op::AvgPool(pool) => {
                let geometry = self.windows(index, pool.0);
                self.mean(index, Some(geometry), from)
            }
            Op::MaxPool(pool) => {
                let geometry = self.windows(index, pool.0);
                self.code_step(index, CodeWork::MaxPool(geometry), grids)
            }
            Op::PadShortcut(shortcut) => {
                let window = Window { kernel: 1, stride: shortcut.stride, dilation: 1 };
                let geometry = self.geometry(index, Padding::Symmetric([0; 2]), [window; 2]);
                self.code_step(index, CodeWork::PadShortcut(geometry, from), grids)
            }
            Op::Flatten(_) => self.code_step(index, CodeWork::Flatten, grids),
            op => {
                let to = self.analysis.demands[chain.last].codes_alone()?;
                let work = match (op, grids) {
                    (Op::Add(_), &[a, b]) => {
                        CodeWork::Add { from: [a, b], range: chain.range()?, to }
                    }
                    (Op::Scale(_), &[a, b]) => CodeWork::Scale { from: [a, b], to },
                    (Op::Activation(_), _) => CodeWork::LookUp(self.table(index, from, to)?),
                    _ => return None,
                };
                self.code_step_to(index, chain.last, work, grids)
            }
        }
    }

    /// The codes of a quantization are those that its input was asked for.
    fn quantized(&mut self, index: usize, grid: ByteGrid) -> Option<()> {
        let value = self.codes_of(self.chains.sources(index)[0], grid)?;
        self.codes[index].push((grid, value));
        let demand = self.analysis.demands[index].clone();
        let x = IntInput::Codes(value);
        if demand.values {
            let values = Some(self.value_result(index));
            self.push(index, IntWork::Dequantize(grid), [Some(x), None], [values, None]);
        }
        for other in demand.codes.into_iter().filter(|other| *other != grid) {
            let codes = Some(self.code_result(index, other));
            let work = IntWork::Codes(CodeWork::Rescale([grid, other]));
            self.push(index, work, [Some(x), None], [None, codes]);
        }
        Some(())
    }

    fn integer_layer(&mut self, index: usize, chain: Chain, input: ByteGrid) -> Option<()> {
        let x = IntInput::Codes(self.codes_of(self.chains.sources(index)[0], input)?);
        let demand = self.analysis.demands[chain.last].clone();
        let output = match demand.codes.first() {
            None => OutputKind::Values,
            Some(grid) if demand.codes_alone().is_some() => OutputKind::Codes(*grid),
            Some(grid) => OutputKind::Both(*grid),
        };
        let (addend, other) = match chain.residual {
            None => (AddendKind::None, None),
            Some(residual) => {
                if let Some(grid) = self.chains.levels(residual) {
                    let codes = IntInput::Codes(self.codes_of(residual, grid)?);
                    (AddendKind::Codes(grid), Some(codes))
                } else {
                    let values = IntInput::Values(self.values[residual]?);
                    (AddendKind::Values, Some(values))
                }
            }
        };
        let kernel = self.pack(index, chain, input, (addend, output))?;
        let values =
            (!matches!(output, OutputKind::Codes(_))).then(|| self.value_result(chain.last));
        let codes = match output {
            OutputKind::Values => None,
            OutputKind::Codes(grid) | OutputKind::Both(grid) => {
                Some(self.code_result(chain.last, grid))
            }
        };
        self.push(index, IntWork::Layer(kernel), [Some(x), other], [values, codes]);
        self.quantize_rest(chain.last)
    }

    /// Work whose result has the levels that are asked for.
    fn code_step(&mut self, index: usize, work: CodeWork, grids: &[ByteGrid]) -> Option<()> {
        self.code_step_to(index, index, work, grids)
    }

    /// The same; `last` is the operation whose value it computes.
    fn code_step_to(
        &mut self,
        index: usize,
        last: usize,
        work: CodeWork,
        grids: &[ByteGrid],
    ) -> Option<()> {
        let to = self.analysis.demands[last].codes_alone()?;
        let mut inputs = [None; 2];
        let sources = self.chains.sources(index);
        for (input, (source, grid)) in inputs.iter_mut().zip(sources.into_iter().zip(grids)) {
            *input = Some(IntInput::Codes(self.codes_of(source, *grid)?));
        }
        let codes = Some(self.code_result(last, to));
        self.push(index, IntWork::Codes(work), inputs, [None, codes]);
        Some(())
    }

    fn mean(&mut self, index: usize, windows: Option<Geometry>, from: ByteGrid) -> Option<()> {
        let x = IntInput::Codes(self.codes_of(self.chains.sources(index)[0], from)?);
        let to = self.analysis.demands[index].codes_alone();
        let written = match to {
            Some(grid) => [None, Some(self.code_result(index, grid))],
            None => [Some(self.value_result(index)), None],
        };
        self.push(index, IntWork::Mean { windows, from, to }, [Some(x), None], written);
        self.quantize_rest(index)
    }

    fn windows(&self, index: usize, pool: Pool) -> Geometry {
        let input = self.shapes[self.chains.sources(index)[0]];
        pool.geometry([input, self.shapes[index]])
    }

    fn geometry(&self, index: usize, padding: Padding, windows: [Window; 2]) -> Geometry {
        let input = self.shapes[self.chains.sources(index)[0]];
        op::geometry(1, [input, self.shapes[index]], padding, windows)
    }

    /// The codes of a function of single values, by what its kernel makes of each level.
    fn table(&self, index: usize, from: ByteGrid, to: ByteGrid) -> Option<Box<[u8; 256]>> {
        let shape = op::Shape { channels: 1, height: 16, width: 16 };
        let kernel = self.chains.graph.nodes()[index].op.operation().kernel(shape, shape)?;
        let all: [u8; 256] = std::array::from_fn(|code| code.min(from.top().into()) as u8);
        let (mut values, mut results) = ([0.0; 256], [0.0; 256]);
        int8::dequantize(Rows::dense(&all, 1), from, RowsMut::dense(&mut values, 1));
        kernel.forward(1, Rows::dense(&values, 1), RowsMut::dense(&mut results, 1));
        let mut codes = Box::new([0; 256]);
        int8::quantize(Rows::dense(&results, 1), to, RowsMut::dense(&mut codes[..], 1));
        Some(codes)
    }

    /// A concatenation of codes; parts that are written into it are there already.
    fn concat_codes(&mut self, index: usize, concat: Concat, grids: &[ByteGrid]) -> Option<()> {
        let to = self.analysis.demands[index].codes_alone()?;
        let mut offset = 0;
        for (part, from) in self.chains.sources(index).into_iter().zip(grids) {
            let x = self.codes_of(part, *from)?;
            let channels = self.shapes[part].channels;
            let y = self.joint(index, [offset, channels]);
            offset += channels;
            let is_there = |x: Value| (x.buffer, x.offset) == (y.buffer, y.offset);
            if *from == to && is_there(x) {
                continue;
            }
            let work = if *from == to { CodeWork::Copy } else { CodeWork::Rescale([*from, to]) };
            let inputs = [Some(IntInput::Codes(x)), None];
            self.push(index, IntWork::Codes(work), inputs, [None, Some(y)]);
        }
        let value = self.joint(index, [0, concat.keep]);
        self.codes[index].push((to, value));
        Some(())
    }
}
