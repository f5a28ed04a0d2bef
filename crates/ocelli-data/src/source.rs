//! Where labelled images come from.

use crate::{Image, Result};

/// A finite set of labelled images that can be read at any position, from any thread.
pub trait Source: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> u64;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes, in the order of their labels.
    fn classes(&self) -> &[String];

    /// The sample at `index`, in the source's own order.
    ///
    /// # Errors
    /// When `index` is past the end or the sample cannot be read.
    fn read(&self, index: u64) -> Result<Record>;
}

/// One sample as a source holds it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What to call the sample in a message: the path, or the member of an archive.
    pub name: String,
    /// The class, counted from zero.
    pub label: u32,
    /// The picture.
    pub payload: Payload,
}

/// A picture, before or after decoding.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The bytes of a JPEG, PNG or WebP file.
    Encoded(Vec<u8>),
    /// Pixels that the source stores as such.
    Pixels(Image),
}
