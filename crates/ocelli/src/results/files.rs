//! The files of results, and the pages that may quote them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::Error;

/// The pages beside a folder of results: the Markdown files of the folder above, of its `docs/` and of its
/// `crates/*/`.
pub(super) fn pages(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let whole = std::path::absolute(folder).map_err(Error::io(folder))?;
    let Some(top) = whole.parent() else { return Ok(Vec::new()) };
    let mut folders = vec![top.to_owned(), top.join("docs")];
    if let Ok(crates) = entries(&top.join("crates")) {
        folders.extend(crates);
    }
    let mut pages = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        pages.extend(files_of(folder, "md")?);
    }
    let here = env::current_dir().unwrap_or_default();
    let shown = |page: PathBuf| page.strip_prefix(&here).map(Path::to_owned).unwrap_or(page);
    Ok(pages.into_iter().map(shown).collect())
}

/// The files of a folder with an extension, by name.
pub(super) fn files_of(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    let is_one = |path: &PathBuf| path.extension().is_some_and(|it| it == extension);
    Ok(entries(folder)?.into_iter().filter(|path| is_one(path) && path.is_file()).collect())
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(Error::io(folder))?;
    paths.sort();
    Ok(paths)
}
