//! The image that candidates differ from.

/// The values of one image.
pub(crate) struct BaseImage {
    pub(super) buffers: Vec<Option<Vec<f32>>>,
    pub(super) result: Vec<f32>,
    /// Whether all kept values are finite. A NaN goes further in a layer that is computed in tiles
    /// than the pixels that a candidate changes, so that candidates cannot replace it in parts.
    pub(super) is_finite: bool,
}

impl BaseImage {
    /// The wanted value.
    pub(crate) fn result(&self) -> &[f32] {
        &self.result
    }

    /// What the base image has in a buffer. One that nobody was to read is empty.
    pub(super) fn buffer(&self, buffer: usize) -> &[f32] {
        self.buffers[buffer].as_deref().unwrap_or_default()
    }

    /// The memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let elements: usize = self.buffers.iter().flatten().map(Vec::len).sum();
        (elements + self.result.len()) * size_of::<f32>()
    }
}
