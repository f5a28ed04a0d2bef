//! One named tensor of a file of weights.

use super::{
    dtype::DType,
    error::{Result, WeightsError},
    source::Source,
    view::View,
};
use std::sync::Arc;

/// What messages call tensors that were not read from a file.
pub(super) const IN_MEMORY: &str = "memory";

/// One named tensor. Its elements stay in the file until they are asked for.
#[derive(Clone, Debug)]
pub struct TensorEntry {
    name: String,
    dtype: DType,
    view: View,
    storage: Storage,
}

#[derive(Clone, Debug)]
enum Storage {
    /// Elements of the entry's type, from byte `start` of a file.
    File {
        source: Source,
        start: u64,
    },
    Memory(Arc<[f32]>),
}

impl TensorEntry {
    /// A tensor in memory. `dtype` is the type under which it is to be stored.
    ///
    /// # Errors
    /// [`WeightsError::Tensor`] when the number of `values` is not that of `shape`.
    pub fn new(
        name: impl Into<String>,
        dtype: DType,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<Self> {
        let name = name.into();
        match View::contiguous(shape) {
            Some(view) if view.len() == values.len() => {
                Ok(Self { name, dtype, view, storage: Storage::Memory(values.into()) })
            }
            _ => Err(WeightsError::Tensor {
                file: IN_MEMORY.to_owned(),
                name,
                reason: format!("{} values for shape {shape:?}", values.len()),
            }),
        }
    }

    /// A tensor in a file, whose storage opens at byte `start`.
    pub(crate) fn stored(
        name: String,
        dtype: DType,
        view: View,
        source: &Source,
        start: u64,
    ) -> Self {
        Self { name, dtype, view, storage: Storage::File { source: source.clone(), start } }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the stored elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape; empty for a single number.
    pub fn shape(&self) -> &[usize] {
        self.view.shape()
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn values(&self) -> Result<Vec<f32>> {
        let (first, count) = self.view.stored_range();
        let stored = match &self.storage {
            Storage::Memory(values) => values[first..first + count].to_vec(),
            Storage::File { source, start } => {
                let size = self.dtype.size() as u64;
                let what = format!("tensor `{}`", self.name);
                let start = start.saturating_add((first as u64).saturating_mul(size));
                let length = (count as u64).saturating_mul(size);
                self.dtype.decode(&source.read(start, length, &what)?)
            }
        };
        Ok(self.view.gather(stored))
    }

    /// Whether all elements are numbers, none of them infinite.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_finite(&self) -> Result<bool> {
        let are_finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        match &self.storage {
            Storage::Memory(values) => Ok(are_finite(values)),
            Storage::File { .. } => Ok(are_finite(&self.values()?)),
        }
    }

    /// How many elements are infinite or no numbers as they are written: rounding to few bits can
    /// make a large one infinite.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn non_finite(&self) -> Result<usize> {
        let mut values = self.values()?;
        if matches!(self.dtype, DType::F16 | DType::BF16) {
            values = self.dtype.decode(&self.dtype.encode(&values));
        }
        Ok(values.iter().filter(|value| !value.is_finite()).count())
    }

    /// The same tensor under another name.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The same values, to be stored as `dtype`.
    pub(crate) fn with_dtype(self, dtype: DType) -> Result<Self> {
        Self::new(self.name.clone(), dtype, self.shape(), self.values()?)
    }

    pub(crate) fn with_view(mut self, view: View) -> Self {
        self.view = view;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_has_as_many_values_as_its_shape_says() {
        let error = TensorEntry::new("a", DType::F32, &[2, 2], vec![1.0]).unwrap_err();
        assert_eq!(error.to_string(), "memory: tensor `a`: 1 values for shape [2, 2]");
    }

    #[test]
    fn one_bad_number_is_enough() {
        let tensor = |last| TensorEntry::new("a", DType::F32, &[2], vec![1.0, last]).unwrap();
        assert!(tensor(2.0).is_finite().unwrap());
        assert!(!tensor(f32::NAN).is_finite().unwrap());
        assert!(!tensor(f32::INFINITY).is_finite().unwrap());
    }
}
