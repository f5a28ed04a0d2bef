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

/// A view is sparse if it spans more than so many times its elements.
const SPARSE: usize = 4;
/// How many stored elements of a sparse view are read at a time.
const WINDOW: usize = 1 << 14;

/// One named tensor. Its elements stay in the file until they are asked for.
#[derive(Clone, Debug)]
pub struct TensorEntry {
    name: Arc<str>,
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
        name: impl AsRef<str>,
        dtype: DType,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<Self> {
        let name: Arc<str> = name.as_ref().into();
        match View::contiguous(shape) {
            Some(view) if view.len() == values.len() => {
                Ok(Self { name, dtype, view, storage: Storage::Memory(values.into()) })
            }
            _ => Err(WeightsError::Tensor {
                file: IN_MEMORY.to_owned(),
                name: name.to_string(),
                reason: format!("{} values for shape {shape:?}", values.len()),
            }),
        }
    }

    /// A tensor in a file, whose storage opens at byte `start`.
    pub(crate) fn stored(
        name: Arc<str>,
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

    /// The name, to be kept.
    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
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
        match &self.storage {
            Storage::Memory(values) => Ok(self.view.gather(values[first..first + count].to_vec())),
            Storage::File { source, start } if count > self.view.len().saturating_mul(SPARSE) => {
                self.picked(source, *start)
            }
            Storage::File { source, start } => {
                Ok(self.view.gather(self.decoded(source, *start, first, count)?))
            }
        }
    }

    /// The elements of a view that leaves out most of its storage, read window by window, so that
    /// memory is that of the tensor and not that of what lies between its elements.
    fn picked(&self, source: &Source, start: u64) -> Result<Vec<f32>> {
        let (first, count) = self.view.stored_range();
        let mut values = vec![0.0; self.view.len()];
        let (mut window, mut begin) = (Vec::new(), 0);
        self.view.walk(|stored, ours| {
            if !(begin..begin + window.len()).contains(&stored) {
                begin = first + (stored - first) / WINDOW * WINDOW;
                window = self.decoded(source, start, begin, WINDOW.min(first + count - begin))?;
            }
            values[ours] = window[stored - begin];
            Ok(())
        })?;
        Ok(values)
    }

    /// `count` elements of a storage from the one at `first`.
    fn decoded(&self, source: &Source, start: u64, first: usize, count: usize) -> Result<Vec<f32>> {
        let size = self.dtype.size() as u64;
        let what = format!("tensor `{}`", self.name);
        let start = start.saturating_add((first as u64).saturating_mul(size));
        let length = (count as u64).saturating_mul(size);
        Ok(self.dtype.decode(&source.read(start, length, &what)?))
    }

    /// Whether all elements are finite.
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

    /// How many elements are infinite or NaN as they are written: rounding to few bits can
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
    pub fn renamed(mut self, name: impl AsRef<str>) -> Self {
        self.name = name.as_ref().into();
        self
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The same values, to be stored as `dtype`.
    pub(crate) fn with_dtype(self, dtype: DType) -> Result<Self> {
        Self::new(&*self.name, dtype, self.shape(), self.values()?)
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

    /// Every fifth of 100,000 bytes, and a far one: what lies between is read, but not kept.
    #[test]
    fn a_sparse_view_reads_its_elements_alone() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let source = Source::from_bytes("w", bytes.clone());
        for (offset, shape, strides) in [
            (3, vec![10_000, 2], vec![7, 5]),
            (0, vec![2], vec![99_999]),
            (10, vec![3, 4], vec![20, 11_000]),
            (99_999, vec![1], vec![1]),
        ] {
            let view = View::strided(offset, &shape, &strides, bytes.len()).unwrap();
            let (first, count) = view.stored_range();
            let entry = TensorEntry::stored("a".into(), DType::U8, view.clone(), &source, 0);
            let stored = bytes[first..first + count].iter().map(|byte| f32::from(*byte)).collect();
            assert_eq!(entry.values().unwrap(), view.gather(stored), "{shape:?}");
            assert_eq!(entry.picked(&source, 0).unwrap(), entry.values().unwrap(), "{shape:?}");
        }
    }

    #[test]
    fn one_bad_number_is_enough() {
        let tensor = |last| TensorEntry::new("a", DType::F32, &[2], vec![1.0, last]).unwrap();
        assert!(tensor(2.0).is_finite().unwrap());
        assert!(!tensor(f32::NAN).is_finite().unwrap());
        assert!(!tensor(f32::INFINITY).is_finite().unwrap());
    }
}
