//! What a work folder remembers of its datasets, in `data.json`.
//!
//! A training that goes on with other images, or with shifted names of classes, ends with weights that
//! nobody asked for. So whatever is begun on a dataset keeps its [`Fingerprint`], part by part, and looks
//! at it again before it goes on.

use crate::changed::Changed;
use crate::{Error, Result};
use ocelli_common::write_whole;
use ocelli_data::{Fingerprint, Limits, Source};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "data.json";
const FORMAT: u32 = 1;
/// 16 digits a sample: enough for sixty million.
const LARGEST_FILE: u64 = 1 << 30;

/// The fingerprints of the parts of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    format: u32,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    name: String,
    #[serde(flatten)]
    fingerprint: Fingerprint,
}

impl DataRecord {
    /// The part that is trained on.
    pub const TRAIN: &str = "train";
    /// The part that is evaluated.
    pub const TEST: &str = "test";

    /// Looks at every part, under its name.
    ///
    /// # Errors
    /// As [`Fingerprint::from_source`].
    pub fn new(parts: &[(&str, &dyn Source)]) -> Result<Self> {
        let part = |(name, source): &(&str, &dyn Source)| {
            Ok(Part { name: (*name).to_owned(), fingerprint: Fingerprint::from_source(*source)? })
        };
        Ok(Self { format: FORMAT, parts: parts.iter().map(part).collect::<Result<_>>()? })
    }

    /// The record of a dataset of one part.
    pub fn from_fingerprint(name: &str, fingerprint: Fingerprint) -> Self {
        Self { format: FORMAT, parts: vec![Part { name: name.to_owned(), fingerprint }] }
    }

    /// The file of the record in a work folder.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The record in a work folder. One that was begun before records were kept has none.
    ///
    /// # Errors
    /// When the file cannot be read or is no record.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = Self::path_in(folder);
        if !path.exists() {
            return Ok(None);
        }
        let limits = Limits { file_bytes: LARGEST_FILE, ..Limits::default() };
        let bytes = limits.read_file(&path)?;
        let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if record.format != FORMAT {
            let found = record.format;
            return Err(corrupt(format!("a record of version {found}, expected {FORMAT}")));
        }
        Ok(Some(record))
    }

    /// Writes the record into a work folder, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = Self::path_in(folder);
        let text = serde_json::to_vec(self).map_err(io::Error::from);
        let written = text.and_then(|text| write_whole(&path, &text));
        written.map_err(Error::io(path))
    }

    /// The fingerprint of a part.
    pub fn part(&self, name: &str) -> Option<&Fingerprint> {
        self.parts.iter().find(|part| part.name == name).map(|part| &part.fingerprint)
    }

    /// What differs first in `now`, the record of `parts`. Parts that only one of them has are passed
    /// over.
    ///
    /// # Errors
    /// When the name of a sample cannot be read.
    pub fn difference(&self, now: &Self, parts: &[(&str, &dyn Source)]) -> Result<Option<Changed>> {
        for (name, source) in parts {
            if let (Some(before), Some(now)) = (self.part(name), now.part(name))
                && let Some(difference) = before.difference(now, *source)?
            {
                return Ok(Some(Changed { part: (*name).to_owned(), difference }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_data::{OpenOptions, Split, Subset, open};
    use std::fs;
    use std::sync::Arc;

    fn parts() -> [Arc<dyn Source>; 2] {
        [Split::Train, Split::Test]
            .map(|split| open("builtin:fashion-mnist", &OpenOptions::new(split)).unwrap())
    }

    #[test]
    fn a_folder_remembers_its_datasets() {
        let folder = tempfile::tempdir().unwrap();
        let [train, test] = parts();
        let named = [("train", &*train), ("test", &*test)];
        let record = DataRecord::new(&named).unwrap();
        assert_eq!(DataRecord::load(folder.path()).unwrap(), None);
        record.save(folder.path()).unwrap();
        let saved = DataRecord::load(folder.path()).unwrap().unwrap();
        assert_eq!(saved, record);
        assert_eq!(saved.difference(&record, &named).unwrap(), None);

        let less = Subset::first(test.clone(), 1999);
        let now = [("train", &*train), ("test", &less as &dyn Source)];
        let changed = saved.difference(&DataRecord::new(&now).unwrap(), &now).unwrap().unwrap();
        assert_eq!(
            changed.to_string(),
            "the test images are others than before: there were 2000 images and are 1999; none \
             follows `image 1998` any more"
        );
        let only = [("train", &*train)];
        assert_eq!(saved.difference(&DataRecord::new(&only).unwrap(), &only).unwrap(), None);
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{}", "{\"format\":1", "{\"format\":2,\"parts\":[]}", "\u{1}"] {
            fs::write(DataRecord::path_in(folder.path()), text).unwrap();
            let error = DataRecord::load(folder.path()).unwrap_err().to_string();
            assert!(error.contains("data.json: "), "{error}");
        }
    }
}
