//! Clusters of pictures, which guide what is contrasted.

use super::SimclrError;
use ocelli_codebooks::Clusters;
use ocelli_data::{Fingerprint, Source};
use ocelli_train::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What says `labels` in place of a file.
pub(super) const LABELS: &str = "labels";

/// Which cluster each picture of a dataset is in.
#[derive(Clone, Debug)]
pub(super) enum PictureClusters {
    /// The classes of the pictures, an oracle: what guidance could give at most.
    Labels,
    /// Those of a file that `ocelli codebook kmeans` wrote.
    File {
        path: PathBuf,
        assignment: Arc<[u32]>,
        /// That of the dataset whose rows were clustered, where it is known.
        fingerprint: Option<String>,
    },
}

impl PictureClusters {
    /// `labels`, or the file of this name.
    pub(super) fn read(name: &str) -> Result<Self, SimclrError> {
        if name == LABELS {
            return Ok(Self::Labels);
        }
        let path = PathBuf::from(name);
        let bytes =
            std::fs::read(&path).map_err(|error| SimclrError::Io { path: path.clone(), error })?;
        let clusters = Clusters::from_bytes(&bytes).map_err(|error| SimclrError::Clusters {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let fingerprint = clusters.notes.get("fingerprint").cloned();
        Ok(Self::File { path, assignment: clusters.assignment.into(), fingerprint })
    }

    /// The cluster of each picture of `source`.
    pub(super) fn of(&self, source: &dyn Source) -> Result<Arc<[u32]>> {
        match self {
            Self::Labels => (0..source.len())
                .map(|index| {
                    let label = source.label(index)?;
                    let name = || source.name(index);
                    match label {
                        Some(label) => Ok(label),
                        None => Err(ocelli_data::Error::Unlabelled { name: name()? }.into()),
                    }
                })
                .collect(),
            Self::File { path, assignment, fingerprint } => {
                check_count(path, assignment.len() as u64, source.len())?;
                match fingerprint {
                    Some(theirs) if Fingerprint::from_source(source)?.hash() != theirs => {
                        Err(other_dataset(path, "another dataset's pictures, by its fingerprint"))
                    }
                    Some(_) => Ok(Arc::clone(assignment)),
                    None => {
                        let path = path.display();
                        tracing::warn!("{path}: of which dataset these clusters are is not known");
                        Ok(Arc::clone(assignment))
                    }
                }
            }
        }
    }

    /// The clusters by the pictures' indices, where they are not the labels that batches have.
    pub(super) fn by_index(&self) -> Option<Arc<[u32]>> {
        match self {
            Self::Labels => None,
            Self::File { assignment, .. } => Some(Arc::clone(assignment)),
        }
    }
}

fn check_count(path: &Path, clusters: u64, pictures: u64) -> Result<()> {
    if clusters == pictures {
        return Ok(());
    }
    Err(other_dataset(path, &format!("{clusters} pictures, and {pictures} are trained on")))
}

fn other_dataset(path: &Path, whose: &str) -> ocelli_train::Error {
    let reason = format!("the clusters are of {whose}");
    SimclrError::Clusters { path: path.to_owned(), reason }.into()
}
