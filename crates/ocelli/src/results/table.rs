//! Tables as files: the one place that writes CSV, and the one that reads results.

use ocelli_common::write_whole;
use std::path::Path;

use super::{COMMIT, Error};

/// Writes a table as CSV, whole or not at all; fields are quoted where they need it.
///
/// # Errors
/// When it cannot be written.
pub fn write_csv(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
) -> Result<(), Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    fill(&mut table).map_err(Error::csv(path))?;
    let text = table.into_inner().map_err(csv::IntoInnerError::into_error);
    let text = text.map_err(Error::io(path))?;
    write_whole(path, &text).map_err(Error::io(path))
}

/// Refuses to write committed results, which are those in the folder `results` of a checkout, by a build
/// that is no commit, unless `force`.
///
/// # Errors
/// When the build had changes, or does not know its commit.
pub fn check_build(path: &Path, force: bool) -> Result<(), Error> {
    check_build_of(COMMIT, path, force)
}

pub(super) fn check_build_of(commit: &str, path: &Path, force: bool) -> Result<(), Error> {
    if force || is_commit(commit) || !is_committed(path) {
        return Ok(());
    }
    Err(Error::NoCommit { path: path.to_owned(), commit: commit.to_owned() })
}

/// Whether a build of this name can be made again.
pub(super) fn is_commit(name: &str) -> bool {
    name != "unknown" && !name.ends_with("-dirty")
}

fn is_committed(path: &Path) -> bool {
    let Ok(whole) = std::path::absolute(path) else { return false };
    let folder = whole.parent();
    let is_results = folder.and_then(Path::file_name).is_some_and(|name| name == "results");
    is_results && folder.and_then(Path::parent).is_some_and(|top| top.join(".git").exists())
}

/// A file of results in memory.
pub(super) struct Table {
    pub(super) heads: Vec<String>,
    /// Each with the line of the file on which it begins.
    pub(super) rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    /// Reads a file whose lines all have as many fields as the first.
    ///
    /// # Errors
    /// When it cannot be read, or is no table.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read(path).map_err(Error::io(path))?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let heads = reader.headers().map_err(Error::csv(path))?;
        let heads = heads.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(Error::csv(path))?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        Ok(Self { heads, rows })
    }

    /// Where a column stands.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.heads.iter().position(|head| head == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn builds_that_are_no_commit_do_not_write_committed_results() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("results");
        fs::create_dir(&results).unwrap();
        let (file, other) = (results.join("a.csv"), folder.path().join("a.csv"));
        // Not a checkout yet.
        assert!(check_build_of("unknown", &file, false).is_ok());
        fs::write(folder.path().join(".git"), "gitdir: elsewhere").unwrap();
        for commit in ["unknown", "0123abc-dirty"] {
            assert!(check_build_of(commit, &file, false).is_err(), "{commit}");
            assert!(check_build_of(commit, &file, true).is_ok(), "{commit}");
            assert!(check_build_of(commit, &other, false).is_ok(), "{commit}");
        }
        assert!(check_build_of("0123abc", &file, false).is_ok());
    }

    #[test]
    fn fields_with_commas_quotes_and_lines_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let fields = ["--pixels 1,3,5", "say \"yes\"", "two\nlines"];
        write_csv(&path, |csv| {
            csv.write_record(["a", "b", "c"])?;
            csv.write_record(fields)
        })
        .unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(table.rows, [(2, fields.map(str::to_owned).to_vec())]);
    }
}
