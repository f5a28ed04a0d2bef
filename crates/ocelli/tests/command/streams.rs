//! Data on stdout, talk on stderr, and readers that go away.

use crate::support::{ocelli, run};
use std::io::Read;
use std::process::Stdio;

#[test]
fn json_is_one_line_and_keeps_stdout_to_itself() {
    for line in ["models", "cost ghostnet_100", "data list", "version", "completions fish"] {
        let outcome = run(&format!("{line} --json -vv")).success();
        assert!(outcome.json().is_object(), "{line}");
    }
}

#[test]
fn quiet_commands_say_nothing_beside_their_data() {
    let outcome = run("cost ghostnet_100 --quiet").success();
    assert!(outcome.stdout.contains("5,182,508"));
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = ocelli(["cost", "efficientnetv2_xl", "--layers"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    assert!(!run("cost nothing").stderr.contains('\u{1b}'));
    assert!(run("cost nothing --color always").stderr.contains("\u{1b}["));
}
