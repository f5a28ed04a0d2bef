//! Which format a file of weights has.

use super::pth;

/// How many bytes the format is told by.
pub(super) const SNIFFED: u64 = 265;

/// The format of a file, by its first bytes.
pub(super) enum Format {
    Safetensors,
    Zip,
    Legacy,
    /// None that is read, with what it looks like.
    Foreign(&'static str),
}

impl Format {
    pub(super) fn from_bytes(head: &[u8]) -> Self {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(b"PK\x03\x04") {
            Self::Zip
        } else if pth::is_legacy(head) {
            Self::Legacy
        } else if head.get(8) == Some(&b'{') {
            Self::Safetensors
        } else if head.is_empty() {
            Self::Foreign("it is empty")
        } else if starts(b"version https://git-lfs") {
            Self::Foreign("it is a Git LFS pointer, so the file itself was not downloaded")
        } else if starts(b"\x89HDF") {
            Self::Foreign("it is HDF5, the format of Keras")
        } else if head.get(257..262) == Some(b"ustar") {
            Self::Foreign("it is a tar, the format of PyTorch before 0.1.10")
        } else if starts(b"<") {
            Self::Foreign("it is a web page")
        } else if head.first() == Some(&0x80) {
            Self::Foreign("it is a bare pickle")
        } else {
            Self::Foreign("its first bytes are of no format known here")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::weights::{ReadOptions, StateDict};
    use std::path::Path;

    fn error_of(bytes: &[u8]) -> String {
        let read = StateDict::from_bytes("w", bytes.to_vec(), &ReadOptions::default());
        read.unwrap_err().to_string()
    }

    #[test]
    fn files_of_other_kinds_are_named() {
        assert!(error_of(b"").contains("it is empty"));
        assert!(error_of(b"version https://git-lfs.github.com/spec/v1\n").contains("Git LFS"));
        assert!(error_of(b"<!DOCTYPE html>").contains("web page"));
        assert!(error_of(b"\x89HDF\r\n\x1a\n").contains("HDF5"));
        assert!(error_of(b"\xff\xd8\xff\xe0JFIF").contains("of no format known here"));
        let missing = StateDict::open(Path::new("no/such/file"), &ReadOptions::default());
        assert!(missing.unwrap_err().to_string().starts_with("no/such/file: "));
    }
}
