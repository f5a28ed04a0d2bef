//! What a plan on integers consists of.

use super::memory::{IntArena, IntSlots};
use super::times::StepLabel;
use crate::infer_plan::{StepWork, run_work};
use crate::lowering::{GivenSlice, Value};
use ocelli_kernels::int8::{
    self, Addend, ByteGrid, MeanOutput, Output, PackedConv, PackedDepthwise, PackedGroups,
};
use ocelli_kernels::{Geometry, Rows, RowsMut};

/// A layer on integers with its weight.
pub(super) enum IntKernel {
    Dense(Box<PackedConv>),
    Depthwise(Box<PackedDepthwise>),
    Grouped(PackedGroups),
}

/// What an operation does.
pub(super) enum IntWork {
    /// Values to values, as a plan in floats does it.
    Float(StepWork),
    /// Codes, and values or codes that are added, to codes or values or both.
    Layer(IntKernel),
    /// Values to their codes.
    Quantize(ByteGrid),
    /// Codes to their values.
    Dequantize(ByteGrid),
    /// Codes to codes.
    Codes(CodeWork),
    /// Codes to the means of windows, of all pixels where there are none.
    Mean { windows: Option<Geometry>, from: ByteGrid, to: Option<ByteGrid> },
}

/// What is done with codes alone.
pub(super) enum CodeWork {
    /// The maxima of windows.
    MaxPool(Geometry),
    /// Some of the pixels, with channels of zeros around.
    PadShortcut(Geometry, ByteGrid),
    /// An image's channels one after the other.
    Flatten,
    /// The same elsewhere.
    Copy,
    /// The same values with other levels.
    Rescale([ByteGrid; 2]),
    /// The sum of two, within a range.
    Add { from: [ByteGrid; 2], range: [f32; 2], to: ByteGrid },
    /// The product with a gate of each channel.
    Scale { from: [ByteGrid; 2], to: ByteGrid },
    /// A function of single values.
    LookUp(Box<[u8; 256]>),
}

/// What a step reads.
#[derive(Clone, Copy)]
pub(super) enum IntInput {
    Values(Value),
    Codes(Value),
}

/// A given value, in the forms that are needed.
pub(super) struct IntGiven {
    pub(super) values: Option<Value>,
    pub(super) codes: Vec<(ByteGrid, Value)>,
}

/// One operation on values or codes.
pub(super) struct IntStep {
    pub(super) label: StepLabel,
    pub(super) work: IntWork,
    pub(super) x: IntInput,
    /// What is added, or a gate.
    pub(super) other: Option<IntInput>,
    /// The plain values that it writes.
    pub(super) values: Option<Value>,
    /// The codes that it writes.
    pub(super) codes: Option<Value>,
}

/// What is read beside the input.
enum OtherRows<'a> {
    Values(Rows<'a>),
    Codes(Rows<'a, u8>),
}

impl IntGiven {
    /// Elements of a sample.
    pub(super) fn len(&self) -> usize {
        let value = self.values.or(self.codes.first().map(|(_, value)| *value));
        value.map_or(0, |value| value.pixels * value.channels)
    }

    /// Writes `images` samples into an arena.
    pub(super) fn write(
        &self,
        samples: GivenSlice<'_>,
        slots: &IntSlots,
        arena: &mut IntArena,
        images: usize,
    ) {
        if self.values.is_some() {
            arena.step(slots, [self.values, None], images, |_, values, _| {
                if let Some(rows) = values {
                    samples.write(images, rows);
                }
            });
        }
        for (grid, value) in &self.codes {
            arena.step(slots, [None, Some(*value)], images, |_, _, codes| match (samples, codes) {
                (GivenSlice::Planes(planes), Some(y)) => {
                    int8::quantize_planes(planes, images, *grid, y);
                }
                (GivenSlice::Rows(x), Some(y)) => {
                    int8::quantize(Rows::dense(x, y.channels()), *grid, y);
                }
                (_, None) => {}
            });
        }
    }
}

impl IntWork {
    /// What it is called.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Float(StepWork::Convolve(_)) | Self::Layer(IntKernel::Dense(_)) => "layer",
            Self::Float(StepWork::Normalise { .. }) => "normalisation",
            Self::Float(StepWork::Add(_)) => "sum",
            Self::Float(StepWork::Scale) => "gate",
            Self::Float(StepWork::Mix(_)) => "mixture",
            Self::Float(StepWork::Unary(kernel)) => kernel.label(),
            Self::Layer(IntKernel::Depthwise(_)) => "depthwise",
            Self::Layer(IntKernel::Grouped(_)) => "grouped",
            Self::Quantize(_) => "quantize",
            Self::Dequantize(_) => "dequantize",
            Self::Mean { .. } => "mean",
            Self::Codes(work) => work.word(),
        }
    }

    /// Whether it multiplies a weight.
    pub(super) fn is_layer(&self) -> bool {
        matches!(self, Self::Layer(_) | Self::Float(StepWork::Convolve(_)))
    }
}

impl IntStep {
    /// Runs it for `images` images of an arena.
    pub(super) fn run(&self, slots: &IntSlots, arena: &mut IntArena, images: usize) {
        arena.step(slots, [self.values, self.codes], images, |arena, values, codes| {
            let other = self.other.map(|other| match other {
                IntInput::Values(value) => OtherRows::Values(arena.values(slots, value, images)),
                IntInput::Codes(value) => OtherRows::Codes(arena.codes(slots, value, images)),
            });
            match self.x {
                IntInput::Values(x) => {
                    self.run_values(arena.values(slots, x, images), other, (values, codes), images);
                }
                IntInput::Codes(x) => {
                    self.run_codes(arena.codes(slots, x, images), other, (values, codes), images);
                }
            }
        });
    }

    fn run_values(
        &self,
        x: Rows<'_>,
        other: Option<OtherRows<'_>>,
        to: (Option<RowsMut<'_>>, Option<RowsMut<'_, u8>>),
        images: usize,
    ) {
        match (&self.work, other, to) {
            (IntWork::Float(work), None, (Some(y), None)) => run_work(work, x, None, y, images),
            (IntWork::Float(work), Some(OtherRows::Values(other)), (Some(y), None)) => {
                run_work(work, x, Some(other), y, images);
            }
            (IntWork::Quantize(grid), None, (None, Some(y))) => int8::quantize(x, *grid, y),
            _ => unreachable!("each kind of work has its kinds of values"),
        }
    }

    fn run_codes(
        &self,
        x: Rows<'_, u8>,
        other: Option<OtherRows<'_>>,
        to: (Option<RowsMut<'_>>, Option<RowsMut<'_, u8>>),
        images: usize,
    ) {
        match (&self.work, other, to) {
            (IntWork::Layer(kernel), other, to) => {
                let output = match to {
                    (Some(values), Some(codes)) => Output::Both(codes, values),
                    (Some(values), None) => Output::Values(values),
                    (None, Some(codes)) => Output::Codes(codes),
                    (None, None) => return,
                };
                let addend = other.map(|other| match other {
                    OtherRows::Values(rows) => Addend::Values(rows),
                    OtherRows::Codes(rows) => Addend::Codes(rows),
                });
                match kernel {
                    IntKernel::Dense(conv) => conv.run(images, x, addend, output),
                    IntKernel::Depthwise(conv) => conv.run(images, x, addend, output),
                    IntKernel::Grouped(conv) => conv.run(images, x, addend, output),
                }
            }
            (IntWork::Dequantize(grid), None, (Some(y), None)) => int8::dequantize(x, *grid, y),
            (IntWork::Mean { windows, from, to }, None, (values, codes)) => {
                let output = match (values, codes, to) {
                    (Some(y), None, None) => MeanOutput::Values(y),
                    (None, Some(y), Some(grid)) => MeanOutput::Codes(y, *grid),
                    _ => unreachable!("means are values or codes"),
                };
                match windows {
                    Some(geometry) => {
                        let geometry = Geometry { batch: images, ..*geometry };
                        int8::avg_pool(geometry, x, *from, output);
                    }
                    None => int8::mean(x, *from, output),
                }
            }
            (IntWork::Codes(work), None, (None, Some(y))) => work.run(x, None, y, images),
            (IntWork::Codes(work), Some(OtherRows::Codes(other)), (None, Some(y))) => {
                work.run(x, Some(other), y, images);
            }
            _ => unreachable!("each kind of work has its kinds of codes"),
        }
    }
}

impl CodeWork {
    fn word(&self) -> &'static str {
        match self {
            Self::MaxPool(_) => "max pool",
            Self::PadShortcut(..) => "pad shortcut",
            Self::Flatten => "flatten",
            Self::Copy => "copy",
            Self::Rescale(_) => "rescale",
            Self::Add { .. } => "sum",
            Self::Scale { .. } => "gate",
            Self::LookUp(_) => "look-up",
        }
    }

    fn run(&self, x: Rows<'_, u8>, other: Option<Rows<'_, u8>>, y: RowsMut<'_, u8>, images: usize) {
        let of_batch = |geometry: &Geometry| Geometry { batch: images, ..*geometry };
        let whole = [f32::NEG_INFINITY, f32::INFINITY];
        match (self, other) {
            (Self::MaxPool(geometry), None) => int8::max_pool(of_batch(geometry), x, y),
            (Self::PadShortcut(geometry, grid), None) => {
                int8::pad_shortcut(of_batch(geometry), x, grid.zero(), y);
            }
            (Self::Flatten, None) => ocelli_kernels::flatten(x, y),
            (Self::Copy, None) => int8::copy_codes(x, y),
            (Self::Rescale([from, to]), None) => {
                int8::add_codes((x, *from), None, whole, (y, *to));
            }
            (Self::LookUp(table), None) => int8::look_up(x, table, y),
            (Self::Add { from: [a, b], range, to }, Some(other)) => {
                int8::add_codes((x, *a), Some((other, *b)), *range, (y, *to));
            }
            (Self::Scale { from: [a, b], to }, Some(gates)) => {
                int8::scale_codes((x, *a), (gates, *b), (y, *to));
            }
            _ => unreachable!("sums and gates have a second input, others have none"),
        }
    }
}
