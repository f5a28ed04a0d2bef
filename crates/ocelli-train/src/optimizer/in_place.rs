//! Updates on the CPU: one pass over each parameter, where it stands.

use super::{Rule, Update};
use burn::backend::{BackendTypes, Flex};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Numbers that a thread updates at a time. Each depends on itself alone, so results do not depend
/// on how they are shared out.
const SHARE: usize = 32 * 1024;

type FlexTensor = <Flex as BackendTypes>::FloatTensorPrimitive;

/// Whether all numbers of an update are in this machine's memory.
pub(super) fn is_possible(update: &Update, memory: &[Tensor<1>]) -> bool {
    let tensors = [&update.value, &update.gradient];
    let length = update.value.dims()[0];
    tensors.into_iter().chain(memory).all(|tensor| {
        let Ok(tensor) = tensor.clone().try_into_primitive::<Flex>() else { return false };
        let numbers = tensor.as_slice::<f32>().map(<[f32]>::len);
        numbers == Some(length) && tensor.bytes().len() == length * size_of::<f32>()
    })
}

/// The new value of a parameter whose update [`is_possible`]; `memory` is changed too. What nobody
/// else holds is not copied.
pub(super) fn update(rule: &dyn Rule, update: Update, memory: &mut [Tensor<1>]) -> Tensor<1> {
    let Update { value, gradient, settings } = update;
    let nothing = Tensor::empty([0], &value.device());
    let mut value = into_flex(value);
    let gradient = into_flex(gradient);
    let gradient = gradient.as_slice::<f32>().unwrap_or_default();
    let mut remembered: Vec<FlexTensor> = memory
        .iter_mut()
        .map(|tensor| into_flex(std::mem::replace(tensor, nothing.clone())))
        .collect();

    let settings = rule.settle(settings, value.storage(), gradient);
    let mut parts: Vec<(&mut [f32], &[f32], Vec<&mut [f32]>)> = value
        .storage_mut()
        .chunks_mut(SHARE)
        .zip(gradient.chunks(SHARE))
        .map(|(value, gradient)| (value, gradient, Vec::new()))
        .collect();
    for tensor in &mut remembered {
        for (part, numbers) in parts.iter_mut().zip(tensor.storage_mut().chunks_mut(SHARE)) {
            part.2.push(numbers);
        }
    }
    parts.par_iter_mut().for_each(|(value, gradient, memory)| {
        rule.update_numbers(settings, value, gradient, memory);
    });
    for (tensor, remembered) in memory.iter_mut().zip(remembered) {
        *tensor = Tensor::from_primitive::<Flex>(remembered);
    }
    Tensor::from_primitive::<Flex>(value)
}

fn into_flex(tensor: Tensor<1>) -> FlexTensor {
    match tensor.try_into_primitive::<Flex>() {
        Ok(tensor) => tensor,
        Err(_) => unreachable!("an update in place is checked to be possible"),
    }
}
