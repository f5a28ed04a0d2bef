//! What can go wrong, each case with the setting, the row or the file's part that is at fault.

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("`{field}` is {found}, expected {expected}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be accepted.
        expected: String,
    },

    /// There are fewer rows than centroids.
    #[error("{k} centroids cannot be made of {rows} rows")]
    TooFewRows {
        /// How many rows there are.
        rows: usize,
        /// How many centroids were asked for.
        k: usize,
    },

    /// A row has a value that is NaN or infinite.
    #[error("row {row}, column {column} is {value}, expected a finite value")]
    NotFinite {
        /// The first such row, counted from 0.
        row: usize,
        /// Its first such column, counted from 0.
        column: usize,
        /// The value.
        value: f32,
    },

    /// Something has another width or length than it must have.
    #[error("{what}: {found}, expected {expected}")]
    Shape {
        /// What does not fit.
        what: &'static str,
        /// What was found.
        found: usize,
        /// What would fit.
        expected: usize,
    },

    /// A file is not what it should be.
    #[error("not a file of {kind}: {reason}")]
    File {
        /// What was expected in it.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// Codes were made with other codebooks.
    #[error("the codes belong to codebooks {codes}, these are {codebooks}")]
    OtherCodebooks {
        /// The checksum that the codes name.
        codes: String,
        /// The checksum of the codebooks at hand.
        codebooks: String,
    },
}

pub(crate) fn require(
    field: &'static str,
    found: impl std::fmt::Display,
    holds: bool,
    expected: &str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting { field, found: found.to_string(), expected: expected.to_owned() })
}
