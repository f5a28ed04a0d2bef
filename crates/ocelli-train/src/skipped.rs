//! Samples that could not be read.

use ocelli_data::Skipped;

/// Lists samples that were left out.
pub(crate) fn warn_of(skipped: &[Skipped]) {
    for sample in skipped {
        tracing::warn!(sample = sample.name, reason = sample.reason, "sample left out");
    }
}
