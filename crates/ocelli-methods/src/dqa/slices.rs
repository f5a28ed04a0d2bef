//! Flat tensors as slices.

use burn::backend::{BackendTypes, Flex};
use burn::tensor::Tensor;

type Held = <Flex as BackendTypes>::FloatTensorPrimitive;

/// The elements of a tensor: where they stand on the CPU, a copy of those on another device.
pub(super) enum Slice {
    Held(Held),
    Copied(Vec<f32>),
}

impl Slice {
    pub(super) fn new(tensor: Tensor<1>) -> Self {
        let tensor = tensor.without_autodiff();
        match tensor.clone().try_into_primitive::<Flex>() {
            Ok(held) if held.as_slice::<f32>().is_some() => Self::Held(held),
            _ => Self::Copied(tensor.into_data().iter::<f32>().collect()),
        }
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        match self {
            Self::Held(held) => held.as_slice().unwrap_or_default(),
            Self::Copied(values) => values,
        }
    }
}
