//! Help, versions, completions and mistakes on the command line.

use crate::support::{ocelli, outcome, run};
use insta::assert_snapshot;

const COMMANDS: &[&str] = &[
    "",
    "train",
    "search",
    "eval",
    "predict",
    "report",
    "results",
    "results add",
    "results check",
    "study",
    "study ghost-redundancy",
    "study loss-surface",
    "attack",
    "attack one-pixel",
    "models",
    "cost",
    "convert",
    "export",
    "data",
    "data list",
    "data verify",
    "data index",
    "bench",
    "bench backbones",
    "bench models",
    "bench integers",
    "bench kernels",
    "bench data",
    "completions",
    "version",
];

#[test]
fn the_help_is_as_reviewed() {
    assert_snapshot!("help", run("--help").snapshot());
}

#[test]
fn every_command_has_help_without_a_wide_line() {
    for command in COMMANDS {
        let help = run(&format!("{command} --help")).success().stdout;
        assert!(help.contains("Usage: ocelli"), "{command}: {help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command}: {help}");
    }
}

/// The help of a command on a terminal of so many columns.
fn help_at(command: &str, columns: usize) -> String {
    let words = command.split_whitespace().chain(["--help"]);
    let mut command = ocelli(words);
    outcome(command.env("COLUMNS", columns.to_string()).output().unwrap()).success().stdout
}

#[test]
fn help_is_wrapped_once_and_examples_fit_a_narrow_terminal() {
    for command in COMMANDS {
        for columns in [80, 100] {
            let help = help_at(command, columns);
            for paragraph in help.split("\n\n").filter(|text| !text.contains("\n ")) {
                for (line, next) in paragraph.lines().zip(paragraph.lines().skip(1)) {
                    let word = next.split(' ').next().unwrap().chars().count();
                    let is_full = line.chars().count() + 1 + word > columns;
                    assert!(is_full, "{command} at {columns}: `{line}` has room for more");
                }
            }
        }
        let examples = |columns| {
            let help = help_at(command, columns);
            let found = help.split("\n\n").find(|part| part.trim_start().starts_with("Examples:"));
            found.map(|part| part.trim_end().to_owned())
        };
        assert_eq!(examples(80), examples(100), "{command}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(run("--version").success().stdout, "ocelli 0.1.0\n");
    let version = run("version --json --threads 3").success().json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["threads"], 3);
    assert!(version["devices"].as_array().unwrap().contains(&"cpu".into()));
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&format!("completions {shell}")).success().stdout;
        assert!(script.contains("verify") && script.contains("threads"), "{shell}");
    }
}

#[test]
fn mistakes_are_usage_errors_that_say_what_was_meant() {
    let table = [
        ("", "Usage: ocelli"),
        ("cots", "'cost'"),
        ("cost", "<MODEL>"),
        ("cost ghostnet_100 --siz 3", "'--size'"),
        ("cost ghostnet_100 --size 0", "not a number of pixels"),
        ("models --threads 0", "--threads"),
        ("models --threads 100000000", "expected 1 to "),
        ("models --threads 10000", "threads"),
        ("train --max-hours nan", "above 0"),
        ("train --max-hours -1", "above 0"),
        ("models --device tpu", "this build has cpu"),
        ("models -q -v", "cannot be used with"),
        ("data list --split half", "expected train or test"),
    ];
    for (line, expected) in table {
        let outcome = run(line);
        assert_eq!(outcome.code, Some(2), "{line}");
        assert!(outcome.stderr.contains(expected), "{line}: {}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{line}: {}", outcome.stdout);
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_built_in_names_the_feature() {
    let outcome = run("models --device cuda:0");
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("--features cuda"), "{}", outcome.stderr);
}

#[test]
fn an_argument_that_is_not_text_is_no_reason_to_crash() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let outcome = outcome(ocelli([std::ffi::OsStr::new("cost"), word]).output().unwrap());
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
}
