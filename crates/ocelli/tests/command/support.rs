//! Running the command and looking at what it said.

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The command `ocelli` with `arguments`, not yet run.
pub(crate) fn ocelli<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::cargo_bin("ocelli").unwrap();
    command.args(arguments).env_remove("RUST_BACKTRACE").env("COLUMNS", "100");
    command
}

/// What a finished command left.
pub(crate) struct CommandOutcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `ocelli` with the words of `line`, in `folder`.
pub(crate) fn run_in(folder: &Path, line: &str) -> CommandOutcome {
    outcome(ocelli(line.split_whitespace()).current_dir(folder).output().unwrap())
}

/// Runs `ocelli` with the words of `line`, in an empty folder.
pub(crate) fn run(line: &str) -> CommandOutcome {
    run_in(TempDir::new().unwrap().path(), line)
}

/// Runs `ocelli` with the words of `line`, in `folder`, with something to read on stdin.
pub(crate) fn run_with_stdin(folder: &Path, line: &str, input: &str) -> CommandOutcome {
    let mut command = ocelli(line.split_whitespace());
    command.current_dir(folder).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    outcome(child.wait_with_output().unwrap())
}

/// A tar of `(name, file)` members.
pub(crate) fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, file) in members {
        tar.append_path_with_name(file, name).unwrap();
    }
    tar.into_inner().unwrap()
}

/// A command as a shell would run it; none of our arguments needs quotes.
pub(crate) fn shell_words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn outcome(output: Output) -> CommandOutcome {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    CommandOutcome {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

impl CommandOutcome {
    /// What was printed, if all went well.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON object, which is all that stdout holds.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one line of JSON: {}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The last line of stderr that is an error, after checking that this was bad input: exit code
    /// 3, one error, nothing that looks like a bug.
    #[track_caller]
    pub(crate) fn bad_input(&self) -> &str {
        let Self { code, stdout, stderr } = self;
        assert_eq!(*code, Some(3), "stdout: {stdout}\nstderr: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let errors: Vec<&str> =
            stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        assert_eq!(errors.len(), 1, "one clear line: {stderr}");
        errors[0]
    }

    /// The whole outcome in the form that snapshots have.
    pub(crate) fn snapshot(&self) -> String {
        let Self { code, stdout, stderr } = self;
        let code = code.map_or("killed".to_owned(), |code| code.to_string());
        format!("exit code: {code}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}")
    }
}

/// The values of a metric of a run in order.
pub(crate) fn metric(run: &Path, name: &str) -> Vec<f64> {
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter_map(|row| row[name].as_f64()).collect()
}
