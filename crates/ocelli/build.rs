//! Notes of which commit the build is, for `ocelli results` and `ocelli version`.

use std::path::Path;
use std::process::Command;

/// Where this crate stands in the repository. Elsewhere, as in a crate's archive that was unpacked inside
/// another repository, git would answer with a stranger's commit.
const PLACE: &str = "crates/ocelli/";
/// What decides the build: changes of anything else leave the commit's name as it is.
const SOURCES: [&str; 3] = ["crates", "Cargo.toml", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=OCELLI_COMMIT={}", commit().unwrap_or_else(|| "unknown".to_owned()));
}

/// The commit, with `-dirty` after it where sources differ from it. `None` without git.
fn commit() -> Option<String> {
    if git(&["rev-parse", "--show-prefix"])? != PLACE {
        return None;
    }
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    // HEAD and its log move with every commit, in a worktree too, where `.git` is a file.
    for file in ["HEAD", "logs/HEAD", "packed-refs"] {
        rerun_if_changed(&git(&["rev-parse", "--git-path", file])?);
    }
    if let Some(branch) = git(&["symbolic-ref", "-q", "HEAD"]) {
        rerun_if_changed(&git(&["rev-parse", "--git-path", &branch])?);
    }
    // Whatever changes here has this crate built again in any case.
    for entry in Path::new("..").read_dir().ok()?.flatten() {
        rerun_if_changed(&entry.path().join("src").to_string_lossy());
    }
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let commit = git(&["describe", "--always", "--abbrev=10"])?;
    let mut status = vec!["-C", &top, "status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(SOURCES);
    let is_clean = git(&status)?.is_empty();
    Some(if is_clean { commit } else { commit + "-dirty" })
}

/// Names a file to cargo. One that is not there would have the build begin anew each time.
fn rerun_if_changed(path: &str) {
    if Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// What git answers; `None` where it fails or is not installed.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim().to_owned())
}
