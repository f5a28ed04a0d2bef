//! What is kept of each sample.

/// Four bytes of the hash of a sample's name, and four of the hash of all that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) name: u32,
    pub(super) whole: u32,
}
