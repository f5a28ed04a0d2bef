//! Samples that could not be read, or whose output is not finite.

use crate::Error;
use ocelli_data::{Batch, Loader, Skipped};

/// Lists samples that were left out.
pub(crate) fn warn_of(skipped: &[Skipped]) {
    for sample in skipped {
        tracing::warn!(sample = sample.name, reason = sample.reason, "sample left out");
    }
}

/// That the network has no finite output for sample `at` of a batch.
pub(crate) fn output_not_finite(loader: &Loader, batch: &Batch, at: usize) -> Error {
    let index = batch.indices.get(at).copied().unwrap_or_default();
    let image = loader.source().name(index).unwrap_or_else(|_| index.to_string());
    Error::OutputNotFinite { image }
}
