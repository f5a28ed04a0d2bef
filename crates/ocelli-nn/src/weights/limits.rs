//! How much a file of weights may claim.

/// The limits of a reader. Every size that a file claims is compared with these before memory is
/// reserved for it, so a small hostile file cannot cost much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The header of a safetensors file or the directory of a zip, in bytes.
    pub header_bytes: u64,
    /// All pickles of a PyTorch file together, in bytes. Tensors lie outside the pickle.
    pub pickle_bytes: u64,
    /// The values that the pickles build. The largest nets need some ten thousand.
    pub pickle_values: usize,
    /// The memory for what the pickles build, in bytes.
    pub pickle_memory: usize,
    /// The number of tensors.
    pub tensors: usize,
    /// The name of a tensor, in bytes.
    pub name_bytes: usize,
    /// The axes of a tensor.
    pub axes: usize,
    /// The values of one tensor.
    pub tensor_values: usize,
    /// The values of all tensors together.
    pub total_values: usize,
}

impl Default for Limits {
    /// Ample for every published image classifier.
    fn default() -> Self {
        Self {
            header_bytes: 16 << 20,
            pickle_bytes: 16 << 20,
            pickle_values: 4_000_000,
            pickle_memory: 64 << 20,
            tensors: 100_000,
            name_bytes: 1024,
            axes: 32,
            tensor_values: 1 << 30,
            total_values: 1 << 32,
        }
    }
}
