//! What a checkpoint consists of, so that it can be proved whole.

use crate::text_file::read_text;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The name of the manifest in a checkpoint.
pub const MANIFEST: &str = "manifest.json";

/// A manifest names a handful of files; one that is longer is not ours.
const MAX_BYTES: u64 = 1 << 20;

/// The version of the folder's layout.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    files: BTreeMap<String, Fingerprint>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    /// In bytes.
    length: u64,
    /// In hexadecimal.
    blake3: String,
}

impl Manifest {
    /// The manifest of these files.
    pub(super) fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let entry = |(name, bytes): &(&str, Vec<u8>)| {
            let blake3 = blake3::hash(bytes).to_hex().to_string();
            ((*name).to_owned(), Fingerprint { length: bytes.len() as u64, blake3 })
        };
        Self { format: FORMAT, files: files.iter().map(entry).collect() }
    }

    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self)
    }

    /// Compares every file of the checkpoint in `folder` with its manifest.
    pub(super) fn verify(folder: &Path) -> Result<()> {
        let manifest = Self::read(folder)?;
        for (name, expected) in &manifest.files {
            let path = folder.join(name);
            let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
            if Path::new(name).file_name().is_none_or(|last| last != name.as_str()) {
                return Err(corrupt("the manifest names a file outside its folder".to_owned()));
            }
            let metadata = std::fs::metadata(&path).map_err(Error::io(&path))?;
            if !metadata.is_file() {
                return Err(corrupt("not a regular file".to_owned()));
            }
            let file = File::open(&path).map_err(Error::io(&path))?;
            let length = file.metadata().map_err(Error::io(&path))?.len();
            if length != expected.length {
                let expected = expected.length;
                return Err(corrupt(format!("{length} bytes long, expected {expected}")));
            }
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(file).map_err(Error::io(&path))?;
            if hasher.finalize().to_hex().as_str() != expected.blake3 {
                return Err(corrupt("its contents have changed since it was written".to_owned()));
            }
        }
        Ok(())
    }

    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
        let text = read_text(&path, MAX_BYTES)?;
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        if manifest.format != FORMAT {
            let format = manifest.format;
            return Err(corrupt(format!("format {format}, expected {FORMAT}")));
        }
        Ok(manifest)
    }
}
