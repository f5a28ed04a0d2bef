//! Sums of gradients, added to in place.

use crate::given::FlexTensor;
use crate::parameter::ParamId;
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};

/// The gradient of a loss for each parameter of a network, in state-dict order, where there is one.
///
/// Parts of a batch add into it where it stands. It is made for use in every step: what
/// [`clear`](Self::clear) forgets, it keeps the memory of.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    slots: Vec<Slot>,
    /// What a part computes before it is added.
    part: Vec<f32>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    /// `[product of the parameter's shape]`, without autodiff.
    sum: Option<Tensor<1>>,
    /// Memory of an earlier sum.
    spare: Option<Tensor<1>>,
}

impl Gradients {
    /// No gradients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The gradient of a parameter, `[product of its shape]`.
    pub fn get(&self, id: ParamId) -> Option<&Tensor<1>> {
        self.slots.get(id.index())?.sum.as_ref()
    }

    /// How many parameters it knows of.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no parameter has a gradient.
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.sum.is_none())
    }

    /// The gradients in state-dict order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&Tensor<1>>> {
        self.slots.iter().map(|slot| slot.sum.as_ref())
    }

    /// Those that there are, to be changed.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor<1>> {
        self.slots.iter_mut().filter_map(|slot| slot.sum.as_mut())
    }

    /// Forgets the sums, and keeps their memory.
    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.spare = slot.sum.take().or_else(|| slot.spare.take());
        }
    }

    /// Replaces a sum by a gradient.
    pub fn set(&mut self, id: ParamId, gradient: Tensor<1>) {
        self.slot(id).sum = Some(gradient.without_autodiff());
    }

    /// Adds a gradient.
    ///
    /// # Panics
    /// When it has another length than those before.
    pub fn add(&mut self, id: ParamId, gradient: Tensor<1>) {
        let slot = self.slot(id);
        let gradient = gradient.without_autodiff();
        slot.sum = Some(match slot.sum.take() {
            Some(sum) => sum + gradient,
            None => gradient,
        });
    }

    /// Adds a gradient of `len` elements on the CPU, which `fill` writes into zeros.
    pub(crate) fn fill(&mut self, id: ParamId, len: usize, fill: impl FnOnce(&mut [f32])) {
        let mut part = std::mem::take(&mut self.part);
        let slot = self.slot(id);
        let is_first = slot.sum.is_none();
        let memory = slot.sum.take().or_else(|| slot.spare.take());
        let mut sum = memory.and_then(|tensor| own(tensor, len)).unwrap_or_else(|| {
            let zeros = TensorData::new(vec![0.0_f32; len], [len]);
            own(Tensor::from_data(zeros, &burn::tensor::Device::flex()), len)
                .unwrap_or_else(|| unreachable!("zeros are on the CPU"))
        });
        let values = &mut sum.storage_mut::<f32>()[..len];
        if is_first {
            values.fill(0.0);
            fill(values);
        } else {
            part.clear();
            part.resize(len, 0.0);
            fill(&mut part);
            values.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        slot.sum = Some(Tensor::from_primitive::<Flex>(sum));
        self.part = part;
    }

    /// Adds the elements of a gradient on the CPU.
    pub(crate) fn add_values(&mut self, id: ParamId, values: &[f32]) {
        self.fill(id, values.len(), |to| to.copy_from_slice(values));
    }

    fn slot(&mut self, id: ParamId) -> &mut Slot {
        if self.slots.len() <= id.index() {
            self.slots.resize_with(id.index() + 1, Slot::default);
        }
        &mut self.slots[id.index()]
    }
}

/// The memory of a tensor of `len` elements on the CPU.
fn own(tensor: Tensor<1>, len: usize) -> Option<FlexTensor> {
    let tensor = tensor.try_into_primitive::<Flex>().ok()?;
    let fits = tensor.as_slice::<f32>().is_some_and(|values| values.len() == len)
        && tensor.bytes().len() == len * size_of::<f32>();
    fits.then_some(tensor)
}

impl FromIterator<Option<Tensor<1>>> for Gradients {
    fn from_iter<T: IntoIterator<Item = Option<Tensor<1>>>>(gradients: T) -> Self {
        let slots = gradients.into_iter().map(|sum| Slot { sum, spare: None });
        Self { slots: slots.collect(), part: Vec::new() }
    }
}

impl IntoIterator for Gradients {
    type Item = Option<Tensor<1>>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        let sums: Vec<_> = self.slots.into_iter().map(|slot| slot.sum).collect();
        sums.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(gradients: &Gradients) -> Vec<Option<Vec<f32>>> {
        gradients.iter().map(|sum| sum.map(|sum| sum.to_data().iter::<f32>().collect())).collect()
    }

    #[test]
    fn parts_add_up_and_nothing_is_left_of_a_step_before() {
        let mut gradients = Gradients::new();
        for _ in 0..2 {
            gradients.fill(ParamId(1), 2, |to| to[0] = 3.0);
            gradients.fill(ParamId(1), 2, |to| to[1] = 0.5);
            gradients.add_values(ParamId(1), &[1.0, 1.0]);
            assert_eq!(values(&gradients), [None, Some(vec![4.0, 1.5])]);
            gradients.clear();
            assert!(gradients.is_empty());
        }
    }

    /// An optimiser or a checkpoint may hold a gradient still.
    #[test]
    fn a_gradient_that_somebody_holds_does_not_change() {
        let mut gradients = Gradients::new();
        gradients.add_values(ParamId(0), &[1.0]);
        let held = gradients.get(ParamId(0)).cloned();
        gradients.add_values(ParamId(0), &[1.0]);
        gradients.clear();
        gradients.add_values(ParamId(0), &[7.0]);
        assert_eq!(held.map(|sum| sum.into_scalar::<f32>()), Some(1.0));
    }
}
