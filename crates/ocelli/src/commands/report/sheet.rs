//! The CSV of a grid or a search, read again.

use ocelli::train::read_text;
use std::path::Path;

use crate::failure::BadInput;

/// More than a sheet of a hundred thousand rows.
const LARGEST: u64 = 64 << 20;

/// Heads and rows of words.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a [`Sheet`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    heads: &'a [String],
    cells: &'a [String],
}

impl Sheet {
    /// Reads a sheet, in which all rows have as many cells as there are heads.
    ///
    /// # Errors
    /// When the file cannot be read or is no such sheet.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = read_text(path, LARGEST)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let words = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let cut = |error: csv::Error| BadInput::new(format!("{}: {error}", path.display()));
        let heads = words(reader.headers().map_err(cut)?);
        let rows = reader.records().map(|row| Ok(words(&row?)));
        let rows: Vec<_> = rows.collect::<csv::Result<_>>().map_err(cut)?;
        if rows.is_empty() {
            let message = format!("{}: no rows; expected a table of runs", path.display());
            return Err(BadInput::new(message)
                .hint("what wrote it writes it anew: --resume")
                .into());
        }
        Ok(Self { heads, rows })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { heads: &self.heads, cells })
    }
}

impl<'a> Row<'a> {
    /// The cell below this head; empty where there is none.
    pub(super) fn text(&self, head: &str) -> &'a str {
        let at = self.heads.iter().position(|it| it == head);
        at.and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    /// The same as a finite number.
    pub(super) fn number(&self, head: &str) -> Option<f64> {
        self.text(head).parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The same as a whole number.
    pub(super) fn count(&self, head: &str) -> Option<u64> {
        self.text(head).parse().ok()
    }
}
