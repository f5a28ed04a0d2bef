//! Commands in the background, which are waited for and told to end.

use crate::support::ocelli;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Begins `ocelli` with the words of `line`, in `folder`.
pub(crate) fn begin(folder: &Path, line: &str) -> Child {
    let mut command = ocelli(line.split_whitespace());
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal, as in `TERM`.
pub(crate) fn signal(child: &Child, name: &str) {
    Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
}

/// Waits until a file has so many lines.
pub(crate) fn wait_for_lines(file: &Path, count: usize) {
    wait(file, &format!("{count} lines"), |text| text.lines().count() >= count);
}

/// Waits until a file says `words`.
pub(crate) fn wait_for_words(file: &Path, words: &str) {
    wait(file, words, |text| text.contains(words));
}

fn wait(file: &Path, what: &str, is_there: impl Fn(&str) -> bool) {
    let start = Instant::now();
    while !fs::read_to_string(file).is_ok_and(|text| is_there(&text)) {
        assert!(start.elapsed() < Duration::from_mins(2), "{}: never {what}", file.display());
        sleep(Duration::from_millis(2));
    }
}
