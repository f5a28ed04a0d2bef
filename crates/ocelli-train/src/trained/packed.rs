//! Networks of few bits as one small file.

use super::{Metadata, Trained};
use crate::Result;
use ocelli_nn::weights::{PackedLayout, PackedSize, packed_bytes, write_packed};
use std::path::Path;

impl Trained {
    /// What a file with this network's weights says of itself.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            arch: Some(self.arch.clone()),
            options: Some(self.options.clone()),
            input: Some(self.input.clone()),
            eval: Some(self.eval),
            classes: self.classes.clone(),
        }
    }

    /// The size of the packed file of a network of this `layout`, which may be known before anything is
    /// quantized.
    ///
    /// # Errors
    /// As [`Metadata::to_map`].
    pub fn packed_size(&self, layout: &PackedLayout) -> Result<PackedSize> {
        Ok(layout.size(&self.metadata().to_map()?)?)
    }

    /// The bytes that [`write_packed`](Self::write_packed) writes.
    ///
    /// # Errors
    /// As there.
    pub fn packed_bytes(&self) -> Result<Vec<u8>> {
        Ok(packed_bytes(&self.network, &self.metadata().to_map()?)?)
    }

    /// Writes the network as a packed file, from which alone [`open`](Self::open) gives it back to the bit;
    /// its normalisations are folded. Weights that have no codes are kept as floats. Returns the
    /// size of the file.
    ///
    /// # Errors
    /// When a value is no finite number, or `path` cannot be written.
    pub fn write_packed(&self, path: &Path) -> Result<u64> {
        Ok(write_packed(&self.network, &self.metadata().to_map()?, path)?)
    }
}
