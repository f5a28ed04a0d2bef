//! The networks as files that peers read.

use anyhow::Context;
use ocelli::nn::Network;
use ocelli::onnx::{ExportOptions, OnnxFile};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

use super::super::model_at_size::SizedModel;

/// A network in floats and on integers, in a folder that goes when this does.
pub(super) struct OnnxFiles {
    _folder: TempDir,
    floats: PathBuf,
    integers: PathBuf,
    size: usize,
}

impl OnnxFiles {
    /// Writes both where temporary files are.
    ///
    /// # Errors
    /// When a network has no export, or the folder cannot be written.
    #[expect(clippy::disallowed_methods, reason = "into a temporary folder")]
    pub(super) fn write(
        subject: SizedModel,
        float: &Network,
        integer: &Network,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ocelli-bench-").context("a temporary folder")?;
        let options = ExportOptions::new(&subject.model.name(), [subject.size; 2]);
        let [floats, integers] =
            [(float, "floats"), (integer, "integers")].map(|(network, name)| {
                let path = folder.path().join(format!("{name}.onnx"));
                let file = OnnxFile::from_network(network, &options)?;
                fs::write(&path, file.bytes()).with_context(|| path.display().to_string())?;
                anyhow::Ok(path)
            });
        let (floats, integers) = (floats?, integers?);
        Ok(Self { _folder: folder, floats, integers, size: subject.size })
    }

    /// What peers need to know.
    pub(super) fn request(&self) -> Value {
        json!({ "floats": self.floats, "integers": self.integers, "size": self.size })
    }
}
