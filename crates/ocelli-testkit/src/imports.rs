//! Which files of a crate import items of which others, and which stand in circles.
//!
//! An import is a `use`, or a path in code, that names an item which another file defines; what is re-exported
//! counts as defined where it is written. A parent's `mod` and `pub use` are no imports: they say where
//! things are, and need nothing of them. Code for tests is left out.

mod circles;
mod scan;
mod tokens;

use circles::circles;
use scan::{Scan, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The name of a module, from the crate's root on.
type Module = Vec<String>;

/// The files of a crate's library or binary, with their imports.
#[derive(Debug)]
pub struct Imports {
    /// The files, as in `graph/builder.rs`.
    files: Vec<String>,
    /// Of each file those that it imports from.
    from: Vec<BTreeSet<usize>>,
}

/// A file that is being read.
struct File {
    path: PathBuf,
    scan: Scan,
}

impl Imports {
    /// Reads the files below `root`, a `lib.rs` or `main.rs`.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        read_file(Vec::new(), root, &mut files);
        let names: Vec<&Module> = files.keys().collect();
        let from = files.iter().map(|(module, file)| {
            let targets = file.scan.paths.iter().filter_map(|path| {
                let absolute = absolute(&files, module, &path.names)?;
                defining(&files, &absolute, path.is_glob, 0)
            });
            let others = targets.filter(|target| target != module);
            others.filter_map(|target| names.binary_search(&&target).ok()).collect()
        });
        let from = from.collect();
        let folder = root.parent().unwrap_or(root);
        let shown = |file: &File| {
            let path = file.path.strip_prefix(folder).unwrap_or(&file.path);
            path.to_string_lossy().replace('\\', "/")
        };
        Self { files: files.values().map(shown).collect(), from }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The largest sets of files each of which imports, by way of others, from all of its set.
    pub fn circles(&self) -> Vec<BTreeSet<&str>> {
        let name = |index: &usize| self.files[*index].as_str();
        circles(&self.from).iter().map(|circle| circle.iter().map(name).collect()).collect()
    }

    /// The imports within a set of files, a line each.
    pub fn within(&self, circle: &BTreeSet<&str>) -> String {
        let all = self.files.iter().zip(&self.from);
        let lines = all.filter(|(file, _)| circle.contains(file.as_str())).map(|(file, from)| {
            let from = from.iter().map(|index| self.files[*index].as_str());
            let from: Vec<&str> = from.filter(|file| circle.contains(file)).collect();
            format!("    {file} <- {}\n", from.join(", "))
        });
        lines.collect()
    }
}

fn read_file(module: Module, path: &Path, files: &mut BTreeMap<Module, File>) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let scan = scan(&text);
    let folder = if module.is_empty() {
        path.parent().unwrap_or(path).to_owned()
    } else {
        path.with_extension("")
    };
    for child in &scan.children {
        let path = folder.join(format!("{child}.rs"));
        if path.exists() {
            let module = [module.as_slice(), std::slice::from_ref(child)].concat();
            read_file(module, &path, files);
        }
    }
    files.insert(module, File { path: path.to_owned(), scan });
}

/// A path from the root, if it leads into this crate.
fn absolute(files: &BTreeMap<Module, File>, module: &Module, path: &[String]) -> Option<Module> {
    let mut at = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => return Some(path[1..].to_vec()),
        "self" | "super" => {
            while let Some(first @ ("self" | "super")) = rest.first().map(String::as_str) {
                if first == "super" {
                    at.pop();
                }
                rest = &rest[1..];
            }
        }
        child => {
            at.push(child.to_owned());
            if !files.contains_key(&at) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    at.extend_from_slice(rest);
    Some(at)
}

/// The module whose file defines what a path from the root names; `None` for a module itself, unless all
/// of it is meant, and for what comes from another crate.
fn defining(
    files: &BTreeMap<Module, File>,
    path: &Module,
    is_glob: bool,
    depth: usize,
) -> Option<Module> {
    /// More re-exports of re-exports than there are.
    const DEEPEST: usize = 8;
    let mut known = 0;
    while known < path.len() && files.contains_key(&path[..=known].to_vec()) {
        known += 1;
    }
    let module = path[..known].to_vec();
    let Some(item) = path.get(known) else { return is_glob.then_some(module) };
    let scan = &files.get(&module)?.scan;
    let Some(target) = scan.exported.get(item).filter(|_| depth < DEEPEST) else {
        return Some(module);
    };
    // A macro is exported by its own file under its own name.
    if target.len() == 1 {
        return Some(module);
    }
    let target = absolute(files, &module, target)?;
    defining(files, &[&target, &path[known + 1..]].concat(), is_glob, depth + 1)
}

#[cfg(test)]
mod tests;
