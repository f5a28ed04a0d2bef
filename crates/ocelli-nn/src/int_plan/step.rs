//! What a plan on integers consists of.

use super::memory::{IntArena, IntSlots};
use crate::infer_plan::{StepWork, run_work};
use crate::lowering::Value;
use ocelli_kernels::Geometry;
use ocelli_kernels::int8::{
    self, Addend, ByteGrid, Output, PackedConv, PackedDepthwise, PackedGroups,
};

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
    /// Codes, and values that are added, to codes or values or both.
    Layer(IntKernel),
    /// Values to their codes.
    Quantize(ByteGrid),
    /// Codes to their values.
    Dequantize(ByteGrid),
    /// Codes to the maxima of windows.
    MaxPool(Geometry),
    /// Codes to the same elsewhere.
    Copy,
}

/// What a step reads.
#[derive(Clone, Copy)]
pub(super) enum IntInput {
    Values(Value),
    Codes(Value),
}

/// One operation on values or codes.
pub(super) struct IntStep {
    pub(super) work: IntWork,
    pub(super) x: IntInput,
    /// Plain values: what is added, or a gate.
    pub(super) other: Option<Value>,
    /// The plain values that it writes.
    pub(super) values: Option<Value>,
    /// The codes that it writes.
    pub(super) codes: Option<Value>,
}

impl IntStep {
    /// Runs it for `images` images of an arena.
    pub(super) fn run(&self, slots: &IntSlots, arena: &mut IntArena, images: usize) {
        arena.step(slots, [self.values, self.codes], images, |arena, values, codes| {
            let other = self.other.map(|other| arena.values(slots, other, images));
            match (&self.work, self.x, values, codes) {
                (IntWork::Float(work), IntInput::Values(x), Some(y), None) => {
                    run_work(work, arena.values(slots, x, images), other, y, images);
                }
                (IntWork::Layer(kernel), IntInput::Codes(x), values, codes) => {
                    let output = match (values, codes) {
                        (Some(values), Some(codes)) => Output::Both(codes, values),
                        (Some(values), None) => Output::Values(values),
                        (None, Some(codes)) => Output::Codes(codes),
                        (None, None) => return,
                    };
                    let (x, addend) = (arena.codes(slots, x, images), other.map(Addend::Values));
                    match kernel {
                        IntKernel::Dense(conv) => conv.run(images, x, addend, output),
                        IntKernel::Depthwise(conv) => conv.run(images, x, addend, output),
                        IntKernel::Grouped(conv) => conv.run(images, x, addend, output),
                    }
                }
                (IntWork::Quantize(grid), IntInput::Values(x), None, Some(y)) => {
                    int8::quantize(arena.values(slots, x, images), *grid, y);
                }
                (IntWork::Dequantize(grid), IntInput::Codes(x), Some(y), None) => {
                    int8::dequantize(arena.codes(slots, x, images), *grid, y);
                }
                (IntWork::MaxPool(geometry), IntInput::Codes(x), None, Some(y)) => {
                    let geometry = Geometry { batch: images, ..*geometry };
                    int8::max_pool(geometry, arena.codes(slots, x, images), y);
                }
                (IntWork::Copy, IntInput::Codes(x), None, Some(y)) => {
                    int8::copy_codes(arena.codes(slots, x, images), y);
                }
                _ => unreachable!("each kind of work has its kinds of values"),
            }
        });
    }
}
