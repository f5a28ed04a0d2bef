//! Checkpoints that survive a crash at any instruction, a full disk and a flipped bit.
//!
//! A checkpoint is a folder `step-N` of files with a `manifest.json`, which states the length and
//! the BLAKE3 hash of each. It is written under another name, file by file to the disk, the
//! manifest last, and then renamed: a folder of the right name is complete. A reader still trusts
//! only what the manifest proves, and otherwise takes the checkpoint before and says so.

mod manifest;
mod write;

#[cfg(test)]
mod tests;

pub use manifest::MANIFEST;

use crate::{Error, Result};
use manifest::Manifest;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

const PREFIX: &str = "step-";

/// The checkpoints of one run: the folder `checkpoints`.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

/// A checkpoint whose files are what its manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The step after which it was written.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
}

/// A checkpoint that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The newest checkpoint that can be trusted, and the newer ones that cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// The checkpoint, if any can be trusted.
    pub checkpoint: Option<Checkpoint>,
    /// Newer ones that were passed over, the newest first.
    pub rejected: Vec<Rejected>,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a checkpoint: all of it, or nothing. One that is already there for the same step is
    /// replaced.
    ///
    /// # Errors
    /// When the disk is full or the folder is read-only; checkpoints that are there stay as they
    /// are.
    pub fn save(&self, step: u64, files: &[(&str, Vec<u8>)]) -> Result<Checkpoint> {
        let path = self.folder_of(step);
        write::folder(&self.folder, &path, files)?;
        Ok(Checkpoint { step, path })
    }

    /// The newest checkpoint whose files are what its manifest says.
    ///
    /// # Errors
    /// When the folder cannot be listed. A folder that does not exist holds no checkpoint.
    pub fn newest(&self) -> Result<Newest> {
        let mut found = Newest::default();
        for step in self.steps()?.into_iter().rev() {
            let path = self.folder_of(step);
            match Manifest::verify(&path) {
                Ok(()) => {
                    found.checkpoint = Some(Checkpoint { step, path });
                    break;
                }
                Err(error) => found.rejected.push(Rejected { path, reason: error.to_string() }),
            }
        }
        Ok(found)
    }

    /// The checkpoint of one step.
    ///
    /// # Errors
    /// When it does not exist or its files are not what its manifest says.
    pub fn at(&self, step: u64) -> Result<Checkpoint> {
        let path = self.folder_of(step);
        Manifest::verify(&path)?;
        Ok(Checkpoint { step, path })
    }

    /// The steps for which there is a folder, in order.
    ///
    /// # Errors
    /// When the folder cannot be listed. A folder that does not exist holds no checkpoint.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Error::io(&self.folder))?,
        };
        let mut steps = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::io(&self.folder))?;
            if !entry.path().is_dir() {
                continue;
            }
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            steps.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// Removes all but the newest `keep` checkpoints and the one of step `best`.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn prune(&self, keep: usize, best: Option<u64>) -> Result<()> {
        let steps = self.steps()?;
        let old = &steps[..steps.len().saturating_sub(keep)];
        for step in old.iter().filter(|step| Some(**step) != best) {
            write::remove_folder(&self.folder_of(*step))?;
        }
        Ok(())
    }

    /// Where the checkpoint of a step is, or would be.
    pub fn folder_of(&self, step: u64) -> PathBuf {
        self.folder.join(format!("{PREFIX}{step}"))
    }
}

impl Checkpoint {
    /// The checkpoint in the folder `path`.
    ///
    /// # Errors
    /// When its files are not what its manifest says, or the folder is not called `step-N`.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().and_then(OsStr::to_str);
        let step = name.and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        let step = step.ok_or_else(|| Error::Corrupt {
            path: path.to_owned(),
            reason: format!("not called {PREFIX}N"),
        })?;
        Manifest::verify(path)?;
        Ok(Self { step, path: path.to_owned() })
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
