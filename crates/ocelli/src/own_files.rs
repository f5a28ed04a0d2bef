//! Where a command writes: never over what is not its own.

use anyhow::Context;
use ocelli::train::WorkFolder;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::failure::BadInput;

/// So many bytes of a file tell whose it is.
const HEAD: u64 = 64;

/// The folder `out` for a new work, or a new one called `stem` where none was named.
///
/// # Errors
/// As [`check_folder`].
pub(crate) fn new_folder(
    out: Option<&Path>,
    stem: String,
    own: &[&str],
    force: bool,
) -> anyhow::Result<WorkFolder> {
    let Some(folder) = out else { return Ok(WorkFolder::Unused(stem)) };
    check_folder(folder, own, force)?;
    Ok(WorkFolder::New(folder.to_owned()))
}

/// Refuses a folder that holds anything, unless `force` or one of the files in it is of `own` names:
/// those of work that was begun there before.
///
/// # Errors
/// When there are other files, of which the message names one, or the folder cannot be listed.
pub(crate) fn check_folder(folder: &Path, own: &[&str], force: bool) -> anyhow::Result<()> {
    let shown = folder.display();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| shown.to_string())?,
    };
    let mut other = None;
    for entry in entries {
        let entry = entry.with_context(|| shown.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if own.contains(&name.as_str()) {
            return Ok(());
        }
        if !is_of_a_crash(&name, &entry) {
            other = other.min(Some(name.clone())).or(Some(name));
        }
    }
    match other.filter(|_| !force) {
        None => Ok(()),
        Some(name) => {
            let message = format!("{shown} holds other files, as {name}");
            let hint = "choose a folder that is empty or new; --force writes into this one, over \
                        files of the same names";
            Err(BadInput::new(message).hint(hint).into())
        }
    }
}

/// What is left of work that was killed before it had begun.
fn is_of_a_crash(name: &str, entry: &fs::DirEntry) -> bool {
    let is_empty_log = || entry.metadata().is_ok_and(|it| it.is_file() && it.len() == 0);
    name.starts_with(ocelli::common::UNFINISHED) || (name == "log.txt" && is_empty_log())
}

/// Refuses to write over a file that is there, unless `force`, or under the name of another format than `ending`.
///
/// # Errors
/// When the name or the file is another one.
pub(crate) fn check_output(path: &Path, ending: &str, force: bool) -> anyhow::Result<()> {
    let shown = path.display();
    if path.extension().is_none_or(|found| !found.eq_ignore_ascii_case(ending)) {
        let message = format!("{shown}: this writes .{ending}");
        let hint = format!("name it {}", path.with_extension(ending).display());
        return Err(BadInput::new(message).hint(hint).into());
    }
    if path.exists() && !force {
        let message = format!("{shown} exists already");
        return Err(BadInput::new(message).hint("--force replaces it").into());
    }
    Ok(())
}

/// Refuses a file that exists, unless `force` or it begins as one that the command has written.
///
/// # Errors
/// When the file is another one.
pub(crate) fn check_file(path: &Path, beginning: &str, force: bool) -> anyhow::Result<()> {
    let shown = || path.display().to_string();
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata.with_context(shown)?,
    };
    if force {
        return Ok(());
    }
    let mut head = Vec::new();
    if metadata.is_file() {
        File::open(path)
            .and_then(|file| file.take(HEAD).read_to_end(&mut head))
            .with_context(shown)?;
    }
    if metadata.is_file() && (head.is_empty() || head.starts_with(beginning.as_bytes())) {
        return Ok(());
    }
    let message = format!("{} exists already and is another file", shown());
    Err(BadInput::new(message).hint("choose another name; --force replaces it").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_our_own_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        let check =
            |force| check_folder(&folder, &["ours.toml"], force).map_err(|it| it.to_string());
        assert!(check(false).is_ok(), "it does not exist");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("log.txt"), "").unwrap();
        fs::write(folder.join(".incomplete-1"), "half").unwrap();
        assert!(check(false).is_ok(), "what a crash left");
        fs::write(folder.join("thesis.tex"), "mine").unwrap();
        assert!(check(false).unwrap_err().ends_with("out holds other files, as thesis.tex"));
        assert!(check(true).is_ok());
        fs::write(folder.join("ours.toml"), "").unwrap();
        assert!(check(false).is_ok());

        let file = root.path().join("table.csv");
        let check = |force| check_file(&file, "a,b\n", force);
        assert!(check(false).is_ok());
        fs::write(&file, "a,b\n1,2\n").unwrap();
        assert!(check(false).is_ok(), "it is one of ours");
        fs::write(&file, "name,b\n").unwrap();
        assert!(check(false).is_err() && check(true).is_ok());
    }
}
