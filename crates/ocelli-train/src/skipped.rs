//! Samples that could not be read, or have no answer.

use crate::Error;
use ocelli_data::{Batch, Loader, Skipped};

/// Lists samples that were left out.
pub(crate) fn warn_of(skipped: &[Skipped]) {
    for sample in skipped {
        tracing::warn!(sample = sample.name, reason = sample.reason, "sample left out");
    }
}

/// That the network has no finite answer to sample `at` of a batch.
pub(crate) fn no_answer(loader: &Loader, batch: &Batch, at: usize) -> Error {
    let index = batch.indices.get(at).copied().unwrap_or_default();
    let image = loader.source().name(index).unwrap_or_else(|_| index.to_string());
    Error::NoAnswer { image }
}
