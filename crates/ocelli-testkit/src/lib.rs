//! Shared helpers for the tests of Ocelli: where reference data lies, and how to compare tensors.

use std::path::PathBuf;

/// The folder of reference data, or `None` after a line that says that the test is skipped.
///
/// Reference images and weights are for research and never part of the project. They are looked
/// for in `OCELLI_REFERENCE_DATA`, else in `shared/data` beside the checkout.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn reference_data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OCELLI_REFERENCE_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no reference data at {}", path.display());
    None
}

/// ‖actual − expected‖ / ‖expected‖, in f64.
///
/// # Panics
/// When the lengths differ.
pub fn relative_error(actual: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(actual.len(), expected.len(), "tensors of different lengths");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let pairs = actual.iter().zip(expected);
    let difference = norm(&mut pairs.map(|(a, e)| f64::from(*a) - f64::from(*e)));
    difference / norm(&mut expected.iter().map(|e| f64::from(*e))).max(f64::MIN_POSITIVE)
}
