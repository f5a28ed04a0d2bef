//! Updates on the CPU: one pass over each parameter, where it stands.

use super::rule::{Rule, Update};
use burn::backend::{BackendTypes, Flex};
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Numbers that a thread updates at a time. Each depends on itself alone, so results do not depend
/// on how they are shared out.
const SHARE: usize = 32 * 1024;

/// Some elements of a parameter, with what is known and remembered of each.
struct Share<'a> {
    value: &'a mut [f32],
    gradient: &'a [f32],
    memory: Vec<&'a mut [f32]>,
}

type FlexTensor = <Flex as BackendTypes>::FloatTensorPrimitive;

/// Whether all elements of an update are in this machine's memory.
pub(super) fn is_possible(update: &Update, memory: &[Tensor<1>]) -> bool {
    let tensors = [&update.value, &update.gradient];
    let length = update.value.dims()[0];
    tensors.into_iter().chain(memory).all(|tensor| {
        let Ok(tensor) = tensor.clone().try_into_primitive::<Flex>() else { return false };
        let elements = tensor.as_slice::<f32>().map(<[f32]>::len);
        elements == Some(length) && tensor.bytes().len() == length * size_of::<f32>()
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
    let values = value.storage_mut().chunks_mut(SHARE).zip(gradient.chunks(SHARE));
    let mut shares: Vec<Share<'_>> =
        values.map(|(value, gradient)| Share { value, gradient, memory: Vec::new() }).collect();
    for tensor in &mut remembered {
        for (share, elements) in shares.iter_mut().zip(tensor.storage_mut().chunks_mut(SHARE)) {
            share.memory.push(elements);
        }
    }
    shares.par_iter_mut().for_each(|share| {
        rule.update_elements(settings, share.value, share.gradient, &mut share.memory);
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
