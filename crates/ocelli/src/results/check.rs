//! Whether results can be read, and whether what pages quote is in them.

use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::files::{files_of, pages};
use super::page::{Block, blocks};
use super::table::{Table, is_commit};
use super::{Error, figure, marker, rules};

/// What was found in a folder of results.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many files there are.
    pub files: usize,
    /// How many rows they have.
    pub rows: usize,
    /// How many rows are of builds that are no commit, or do not say which.
    pub uncommitted: usize,
    /// How many pages quote them, or could.
    pub pages: usize,
    /// How many figures pages quote, each with its row.
    pub figures: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that is wrong in a file or on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// A file of results that a page names.
struct Named {
    line: u64,
    file: String,
    is_row: bool,
}

/// Reads every CSV of a folder, and compares every figure that the pages beside it quote: the Markdown files
/// of the folder above, of its `docs/` and of its `crates/*/`. A page that names a file of results has to
/// quote it by a marker in the same block.
///
/// # Errors
/// When the folder has no results, or a file cannot be read.
pub fn check(folder: &Path) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut tables = BTreeMap::new();
    for path in files_of(folder, "csv")? {
        match Table::read(&path) {
            Err(Error::Csv { error, .. }) => {
                report.refuse(&path, line_of(&error), error.to_string());
            }
            Err(error) => return Err(error),
            Ok(table) => {
                for (line, message) in rules::broken(&table) {
                    report.refuse(&path, line, message);
                }
                report.rows += table.rows.len();
                report.uncommitted += uncommitted(&table);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                tables.insert(name, table);
            }
        }
        report.files += 1;
    }
    if report.files == 0 {
        let error = io::Error::new(io::ErrorKind::NotFound, "no files of results");
        return Err(Error::Io { path: folder.to_owned(), error });
    }
    for page in pages(folder)? {
        let text = fs::read_to_string(&page).map_err(Error::io(&page))?;
        report.pages += 1;
        let mut named = Vec::new();
        for block in blocks(&text) {
            report.check_block(&page, &block, &tables, &mut named);
        }
        report.refuse_named(&page, &mut named, |_| true);
    }
    Ok(report)
}

impl Report {
    fn refuse(&mut self, file: &Path, line: u64, message: String) {
        self.problems.push(Problem { file: file.to_owned(), line, message });
    }

    fn refuse_named(
        &mut self,
        page: &Path,
        named: &mut Vec<Named>,
        is_over: impl Fn(&Named) -> bool,
    ) {
        for Named { line, file, .. } in named.extract_if(.., |named| is_over(named)) {
            let message = format!("results/{file} is named here, and no figure of it is marked");
            self.refuse(page, line, message);
        }
    }

    /// Checks the figures of a block. `named` are files that no marker has followed yet.
    fn check_block(
        &mut self,
        page: &Path,
        block: &Block,
        tables: &BTreeMap<String, Table>,
        named: &mut Vec<Named>,
    ) {
        if !block.is_comment {
            // A paragraph may name what the figures of the table after it are of.
            let is_row = block.is_row();
            self.refuse_named(page, named, |named| named.is_row || !is_row);
            let files = names(&block.text).map(str::to_owned);
            named.extend(files.map(|file| Named { line: block.line, file, is_row }));
        }
        for (line, comment) in &block.markers {
            let markers = match marker::parse(comment) {
                Ok(markers) => markers,
                Err(message) => {
                    self.refuse(page, *line, format!("marker: {message}"));
                    continue;
                }
            };
            for marker in markers {
                named.retain(|named| named.file != marker.file);
                let Some(table) = tables.get(&marker.file) else {
                    self.refuse(page, *line, format!("there is no results/{}", marker.file));
                    continue;
                };
                self.figures += 1;
                if let Err(message) = figure::check(&marker, table) {
                    self.refuse(page, *line, message);
                }
                if !figure::stands_in(&marker.figure, &block.text) {
                    let message =
                        format!("{} is marked, and does not stand beside it", marker.figure);
                    self.refuse(page, *line, message);
                }
            }
        }
    }
}

/// The files of results that a text names.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let name = |rest: &str| -> Option<usize> {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
        let end = rest.find(|sign| !is_name(sign)).unwrap_or(rest.len());
        let end = rest[..end].find(".csv")? + ".csv".len();
        Some(end)
    };
    text.match_indices("results/").filter_map(move |(at, start)| {
        let rest = &text[at + start.len()..];
        Some(&rest[..name(rest)?])
    })
}

fn uncommitted(table: &Table) -> usize {
    let Some(at) = table.column("commit") else { return table.rows.len() };
    table.rows.iter().filter(|(_, row)| !is_commit(&row[at])).count()
}

fn line_of(error: &csv::Error) -> u64 {
    error.position().map_or(1, csv::Position::line)
}
