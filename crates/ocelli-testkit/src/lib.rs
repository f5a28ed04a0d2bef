//! Shared helpers for the tests of Ocelli: where reference data lies, how to compare tensors, the
//! settings of property tests, and JPEG files of every kind.

#![expect(clippy::panic, reason = "a test helper fails the test")]

pub mod imports;
pub mod jpeg;
mod property;

pub use property::cases;

use half::f16;
use safetensors::Dtype;
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

/// Says what a test has found, for `cargo test -- --nocapture`: `docs/acceptance.md` lists it.
#[expect(clippy::print_stderr, reason = "a figure that is to be seen")]
pub fn figure(what: &str, value: f64) {
    eprintln!("figure: {what}: {value:.3e}");
}

/// A safetensors file of reference tensors, read whole.
#[derive(Debug)]
pub struct SafeTensors {
    bytes: Vec<u8>,
}

impl SafeTensors {
    /// Reads the file.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(path: &std::path::Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { bytes }
    }

    /// The values of tensor `name` as f32, or `None` if there is no such tensor.
    ///
    /// # Panics
    /// When the file is malformed or the type is none of F16, F32, F64, I32 and I64.
    pub fn get(&self, name: &str) -> Option<Vec<f32>> {
        let file = self.open();
        let tensor = file.tensor(name).ok()?;
        let data = tensor.data();
        Some(match tensor.dtype() {
            Dtype::F32 => convert(data, f32::from_le_bytes),
            Dtype::F64 => convert(data, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => convert(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::I32 => convert(data, |bytes| i32::from_le_bytes(bytes) as f32),
            Dtype::I64 => convert(data, |bytes| i64::from_le_bytes(bytes) as f32),
            other => panic!("tensor {name} has type {other:?}"),
        })
    }

    /// The bytes of tensor `name`, whatever its type.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let file = self.open();
        file.tensor(name).unwrap_or_else(|e| panic!("tensor {name}: {e}")).data().to_vec()
    }

    /// The values of tensor `name` as f32.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.get(name).unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// The shape of tensor `name`.
    ///
    /// # Panics
    /// When there is no such tensor.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        let file = self.open();
        file.tensor(name).unwrap_or_else(|e| panic!("tensor {name}: {e}")).shape().to_vec()
    }

    fn open(&self) -> safetensors::SafeTensors<'_> {
        safetensors::SafeTensors::deserialize(&self.bytes)
            .unwrap_or_else(|e| panic!("not a safetensors file: {e}"))
    }
}

fn convert<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = data.as_chunks::<N>();
    chunks.iter().map(|bytes| read(*bytes)).collect()
}
