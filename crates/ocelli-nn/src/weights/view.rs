//! A tensor's elements as a strided view of a stored sequence.
//!
//! PyTorch stores slices, transposes and tied weights as views of one storage, and the layouts of
//! other frameworks are axis permutations of ours. Both are one thing here: element
//! `(i₀, i₁, …)` of the tensor stands at `offset + Σ iₖ·strideₖ` of the storage.

/// The shape of a tensor and where each of its elements is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl View {
    /// Row-major elements from the start of the storage; `None` when their number overflows.
    pub(crate) fn contiguous(shape: &[usize]) -> Option<Self> {
        let strides = row_major(shape)?;
        Some(Self { offset: 0, shape: shape.to_vec(), strides })
    }

    /// A view as a PyTorch file states it, of a storage of `stored` elements.
    ///
    /// A view may repeat elements (a stride of 0), but not hold more of them than its storage:
    /// otherwise four bytes could claim gigabytes.
    pub(crate) fn strided(
        offset: usize,
        shape: &[usize],
        strides: &[usize],
        stored: usize,
    ) -> Result<Self, String> {
        if shape.len() != strides.len() {
            return Err(format!("{} axes but {} strides", shape.len(), strides.len()));
        }
        let length = element_count(shape).ok_or("the number of elements overflows")?;
        if length > stored {
            return Err(format!("{length} elements in a storage of {stored}"));
        }
        let view = Self { offset, shape: shape.to_vec(), strides: strides.to_vec() };
        match view.last() {
            Some(_) if length == 0 && offset <= stored => Ok(view),
            Some(last) if length > 0 && last < stored => Ok(view),
            _ => Err(format!(
                "shape {shape:?} with strides {strides:?} and offset {offset} \
                 leaves its storage of {stored} elements"
            )),
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The first stored element of the view, and how many must be read to cover it.
    pub(crate) fn stored_range(&self) -> (usize, usize) {
        match self.last() {
            Some(last) if self.len() > 0 => (self.offset, last - self.offset + 1),
            _ => (self.offset, 0),
        }
    }

    /// The elements in row-major order, picked from `stored`, the range of [`Self::stored_range`].
    pub(crate) fn gather(&self, stored: Vec<f32>) -> Vec<f32> {
        if row_major(&self.shape).as_ref() == Some(&self.strides) {
            return stored;
        }
        let mut values = Vec::with_capacity(self.len());
        let mut index = vec![0; self.shape.len()];
        let mut position = 0;
        for _ in 0..self.len() {
            values.push(stored[position]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                position += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                position -= index[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
        values
    }

    /// Calls `visit` for every element with its position among the stored ones and its position in row-major
    /// order, from the front of the storage to its end as far as views that overlap themselves allow.
    pub(crate) fn walk<E>(
        &self,
        mut visit: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let own = row_major(&self.shape).unwrap_or_default();
        let mut axes: Vec<usize> = (0..self.shape.len()).collect();
        axes.sort_by_key(|&axis| std::cmp::Reverse(self.strides[axis]));
        let mut index = vec![0; axes.len()];
        let (mut stored, mut ours) = (self.offset, 0);
        for _ in 0..self.len() {
            visit(stored, ours)?;
            for &axis in axes.iter().rev() {
                index[axis] += 1;
                stored += self.strides[axis];
                ours += own[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                stored -= index[axis] * self.strides[axis];
                ours -= index[axis] * own[axis];
                index[axis] = 0;
            }
        }
        Ok(())
    }

    /// The same elements with axis `k` of the result taken from axis `order[k]`; `None` when
    /// `order` has another number of axes.
    pub(crate) fn permuted(&self, order: &[usize]) -> Option<Self> {
        let pick = |from: &[usize]| order.iter().map(|&axis| from.get(axis).copied()).collect();
        let (shape, strides): (Option<Vec<_>>, Option<Vec<_>>) =
            (pick(&self.shape), pick(&self.strides));
        let (shape, strides) = (shape?, strides?);
        (order.len() == self.shape.len()).then_some(Self { offset: self.offset, shape, strides })
    }

    /// Joins `axis` with the next one; `None` when they do not lie evenly in the storage.
    pub(crate) fn merged(&self, axis: usize) -> Option<Self> {
        let (&outer, &inner) = (self.strides.get(axis)?, self.strides.get(axis + 1)?);
        let count = *self.shape.get(axis + 1)?;
        if outer != inner.checked_mul(count)? {
            return None;
        }
        let mut merged = self.clone();
        merged.shape.remove(axis + 1);
        merged.strides.remove(axis);
        merged.shape[axis] *= count;
        Some(merged)
    }

    /// Cuts `axis` into three, the last of which counts fastest; `None` when they do not make it up.
    pub(crate) fn split(&self, axis: usize, lengths: [usize; 3]) -> Option<Self> {
        let (&length, &stride) = (self.shape.get(axis)?, self.strides.get(axis)?);
        if element_count(&lengths)? != length {
            return None;
        }
        let inner = stride.checked_mul(lengths[2])?;
        let outer = inner.checked_mul(lengths[1])?;
        let mut view = self.clone();
        view.shape.splice(axis..=axis, lengths);
        view.strides.splice(axis..=axis, [outer, inner, stride]);
        Some(view)
    }

    /// With an axis of length one put before `axis`; `None` when there are fewer axes.
    pub(crate) fn with_unit_axis(&self, axis: usize) -> Option<Self> {
        if axis > self.shape.len() {
            return None;
        }
        let mut view = self.clone();
        view.shape.insert(axis, 1);
        view.strides.insert(axis, 1);
        Some(view)
    }

    /// The first element alone, as a single number.
    pub(crate) fn without_axes(&self) -> Self {
        Self { offset: self.offset, shape: Vec::new(), strides: Vec::new() }
    }

    /// The position of the last element; `None` when it overflows.
    fn last(&self) -> Option<usize> {
        self.shape.iter().zip(&self.strides).try_fold(self.offset, |sum, (&length, &stride)| {
            sum.checked_add(length.saturating_sub(1).checked_mul(stride)?)
        })
    }
}

/// The number of elements of a shape; `None` when it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length))
}

fn row_major(shape: &[usize]) -> Option<Vec<usize>> {
    element_count(shape)?;
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].checked_mul(shape[axis].max(1))?;
    }
    Some(strides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(count: usize) -> Vec<f32> {
        (0..count).map(|i| i as f32).collect()
    }

    #[test]
    fn a_transposed_slice_is_gathered_in_row_major_order() {
        // torch.arange(12).view(3, 4)[:, 1:3].t()
        let view = View::strided(1, &[2, 3], &[1, 4], 12).unwrap();
        let (first, count) = view.stored_range();
        assert_eq!((first, count), (1, 10));
        let values = view.gather(counting(12)[first..first + count].to_vec());
        assert_eq!(values, [1.0, 5.0, 9.0, 2.0, 6.0, 10.0]);
    }

    #[test]
    fn a_walk_visits_what_gathering_gathers_in_the_order_of_the_storage() {
        for view in [
            View::strided(1, &[2, 3], &[1, 4], 12).unwrap(),
            View::strided(2, &[2, 2, 2], &[4, 0, 1], 12).unwrap(),
            View::strided(0, &[3], &[5], 12).unwrap(),
            View::strided(4, &[], &[], 12).unwrap(),
            View::strided(4, &[0, 3], &[1, 1], 12).unwrap(),
        ] {
            let mut values = vec![f32::NAN; view.len()];
            let mut last = 0;
            view.walk(|stored, ours| {
                assert!(stored >= last, "{view:?}");
                last = stored;
                values[ours] = stored as f32;
                Ok::<(), ()>(())
            })
            .unwrap();
            let (first, count) = view.stored_range();
            assert_eq!(values, view.gather(counting(12)[first..first + count].to_vec()));
        }
    }

    #[test]
    fn a_scalar_has_one_element_and_no_axes() {
        let view = View::strided(2, &[], &[], 3).unwrap();
        assert_eq!((view.len(), view.stored_range()), (1, (2, 1)));
        assert_eq!(view.gather(vec![7.0]), [7.0]);
    }

    #[test]
    fn hwio_kernels_become_oihw() {
        let (height, width, inputs, outputs) = (2, 3, 4, 5);
        let stored = counting(height * width * inputs * outputs);
        let view = View::contiguous(&[height, width, inputs, outputs]).unwrap();
        let view = view.permuted(&[3, 2, 0, 1]).unwrap();
        assert_eq!(view.shape(), [outputs, inputs, height, width]);
        let values = view.gather(stored.clone());
        let (o, i, h, w) = (4, 2, 1, 2);
        let ours = ((o * inputs + i) * height + h) * width + w;
        let theirs = ((h * width + w) * inputs + i) * outputs + o;
        assert_eq!(values[ours], stored[theirs]);
    }

    #[test]
    fn rows_of_a_flattened_map_become_a_kernel() {
        let (height, width, inputs, outputs) = (2, 3, 4, 5);
        let stored = counting(height * width * inputs * outputs);
        let view = View::contiguous(&[height * width * inputs, outputs]).unwrap();
        let kernel = view.split(0, [height, width, inputs]).unwrap();
        let kernel = kernel.permuted(&[3, 2, 0, 1]).unwrap();
        assert_eq!(kernel.shape(), [outputs, inputs, height, width]);
        let values = kernel.gather(stored.clone());
        let (o, i, h, w) = (4, 2, 1, 2);
        let ours = ((o * inputs + i) * height + h) * width + w;
        assert_eq!(values[ours], stored[((h * width + w) * inputs + i) * outputs + o]);
        assert_eq!(view.split(0, [height, width, inputs + 1]), None);
        assert_eq!(view.split(2, [1, 1, 1]), None);
    }

    #[test]
    fn merging_needs_even_strides() {
        let view = View::contiguous(&[2, 3, 4]).unwrap();
        assert_eq!(view.merged(0).unwrap().shape(), [6, 4]);
        assert_eq!(view.permuted(&[0, 2, 1]).unwrap().merged(0), None);
        assert_eq!(view.merged(2), None);
    }

    #[test]
    fn views_that_leave_or_outgrow_their_storage_are_refused() {
        let refused = [
            View::strided(0, &[4], &[1], 3),
            View::strided(2, &[2], &[1], 3),
            View::strided(0, &[2], &[usize::MAX], 3),
            View::strided(usize::MAX, &[2], &[1], 3),
            View::strided(3, &[], &[], 3),
            View::strided(4, &[0], &[1], 3),
            View::strided(0, &[usize::MAX, 2], &[0, 0], 3),
            View::strided(0, &[1 << 40], &[0], 3),
            View::strided(0, &[1, 1], &[1], 3),
        ];
        for view in refused {
            view.unwrap_err();
        }
        assert!(
            View::strided(3, &[0, 4], &[4, 1], 3).is_ok(),
            "an empty view may stand at the end"
        );
    }
}
