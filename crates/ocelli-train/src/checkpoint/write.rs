//! Folders that are either whole or absent.

use super::manifest::{MANIFEST, Manifest};
use crate::{Error, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `files` and their manifest into the folder `path` inside `parent`.
pub(super) fn folder(parent: &Path, path: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let unfinished = beside(path, "partial");
    let written = fill(&unfinished, files).and_then(|()| put_in_place(&unfinished, path));
    if written.is_err() {
        // The first error is the one to report; what is left over is in nobody's way.
        let _ = fs::remove_dir_all(&unfinished);
    }
    written?;
    sync_folder(parent)
}

/// Removes a checkpoint so that a crash in the middle leaves nothing that looks like one.
pub(super) fn remove_folder(path: &Path) -> Result<()> {
    let condemned = beside(path, "removed");
    clear(&condemned)?;
    fs::rename(path, &condemned).map_err(Error::io(path))?;
    clear(&condemned)
}

fn fill(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    clear(folder)?;
    fs::create_dir(folder).map_err(Error::io(folder))?;
    for (name, bytes) in files {
        write_file(&folder.join(name), bytes)?;
    }
    let path = folder.join(MANIFEST);
    let manifest = Manifest::new(files).to_bytes().map_err(io::Error::from);
    write_file(&path, &manifest.map_err(Error::io(&path))?)?;
    sync_folder(folder)
}

/// Gives the finished folder its name, after taking it from an older one.
fn put_in_place(finished: &Path, path: &Path) -> Result<()> {
    if path.is_dir() {
        remove_folder(path)?;
    } else if path.exists() {
        // No work of ours: it makes room and stays.
        let aside = path.with_extension("no-checkpoint");
        let [name, other] = [path, &aside].map(|path| path.display().to_string());
        tracing::warn!("{name} is no folder and is kept as {other}");
        fs::rename(path, &aside).map_err(Error::io(path))?;
    }
    fs::rename(finished, path).map_err(Error::io(path))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the folder that it is in gets its name when it is whole"
)]
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(Error::io(path))
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::io(folder)),
    }
}

/// A name must reach the disk as well as the file. Windows opens no folders, and needs none.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))?;
    }
    Ok(())
}

/// A hidden name beside `path`, which no reader takes for a checkpoint.
fn beside(path: &Path, purpose: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{purpose}"))
}
