//! A folder of weights, whose files say themselves what they are of.

use anyhow::Context;
use ocelli::train::{Pretrained, WeightsChoice};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::args::WeightsKeyArgs;

/// Which files hold weights of a network, by their names.
const EXTENSIONS: [&str; 4] = ["safetensors", "pth", "pt", "th"];

/// The networks of which a folder has weights.
#[derive(Clone, Debug)]
pub(super) struct WeightsFolder {
    path: PathBuf,
    keys: WeightsKeyArgs,
    files: Vec<(&'static str, PathBuf)>,
}

impl WeightsFolder {
    /// Looks into all files of weights; those of no known network are passed over.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn read(folder: &Path, keys: &WeightsKeyArgs) -> anyhow::Result<Self> {
        let context = || folder.display().to_string();
        let entries = fs::read_dir(folder).with_context(context)?;
        let paths: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths.map_err(|error: std::io::Error| error).with_context(context)?;
        paths.sort();
        let mut files = Vec::new();
        for path in paths {
            let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            if !EXTENSIONS.contains(&extension) {
                continue;
            }
            match Pretrained::open_with(&path, &keys.choice(None)) {
                Ok(pretrained) => files.push((pretrained.model.arch, path)),
                Err(error) => tracing::debug!("{} is passed over: {error}", path.display()),
            }
        }
        Ok(Self { path: folder.to_owned(), keys: keys.clone(), files })
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is said of each file, of a network called `arch`.
    pub(super) fn choice(&self, arch: &str) -> WeightsChoice {
        self.keys.choice(Some(arch))
    }

    /// The first file, by name, of weights of the architecture `arch`.
    pub(super) fn file_of(&self, arch: &str) -> Option<&Path> {
        self.files.iter().find(|(of, _)| *of == arch).map(|(_, path)| path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use ocelli::nn::{registry, weights};
    use ocelli::random::Seed;

    #[test]
    fn files_are_told_by_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let model = registry::find("lenet_keras_cifar").unwrap();
        let network = model.network(&model.options(), Seed(0), &Device::flex()).unwrap();
        for name in ["b.safetensors", "a.safetensors", "a.bin"] {
            weights::save(&network, model.arch, &folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("0.pth"), "no weights").unwrap();
        let weights = WeightsFolder::read(folder.path(), &WeightsKeyArgs::default()).unwrap();
        let found = folder.path().join("a.safetensors");
        assert_eq!(weights.file_of(model.arch), Some(found.as_path()));
        assert_eq!(weights.file_of("resnet20_cifar"), None);
        assert!(WeightsFolder::read(&found, &WeightsKeyArgs::default()).is_err(), "no folder");
    }
}
