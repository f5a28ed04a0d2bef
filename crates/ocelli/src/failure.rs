//! How a command ends: its exit code, and one line that says what went wrong.

mod bad_input;
mod hints;

pub(crate) use bad_input::BadInput;

use anyhow::Error;
use ocelli::data::Error::{LoaderStopped, WorkerPanicked};
use ocelli::nn::weights::WeightsError;
use ocelli::{methods, onnx, train};
use std::io;
use std::process::ExitCode;

use crate::talk;

/// Exit code: something failed that is not the user's doing.
pub(crate) const FAILED: u8 = 1;
/// Exit code: the command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// Exit code: a file, a dataset, weights or a recipe cannot be used.
pub(crate) const BAD_INPUT: u8 = 3;

/// Exit code: a signal stopped the command after it had saved its state.
pub(crate) const INTERRUPTED: u8 = 130;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// To the end.
    Complete,
    /// At a signal, with everything saved.
    Interrupted,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Complete => Self::SUCCESS,
            Done::Interrupted => Self::from(INTERRUPTED),
        }
    }
}

/// The command line is well-formed, but asks for something that does not go together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadUsage(pub(crate) String);

/// Says what went wrong and picks the exit code. A reader of stdout that has gone away is success.
pub(crate) fn report(error: &Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    talk::error(&one_line(error));
    if let Some(hint) = hints::find(error) {
        talk::hint(&hint);
    }
    ExitCode::from(code(error))
}

/// The chain of causes, without what was told before: a cause that the message above it contains,
/// or a message that the cause below it begins with.
pub(crate) fn one_line(error: &Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if told.iter().any(|before| before.contains(&text)) {
            continue;
        }
        if told.last().is_some_and(|before| text.starts_with(before.as_str())) {
            told.pop();
        }
        told.push(text);
    }
    shorten(told.join(": "))
}

/// What a person reads of a message: the name of a file may have any length, and a message name many.
fn shorten(text: String) -> String {
    const MOST: usize = 1000;
    const LAST: usize = 200;
    let length = text.chars().count();
    if length <= MOST {
        return text;
    }
    let first: String = text.chars().take(MOST - LAST).collect();
    let last: String = text.chars().skip(length - LAST).collect();
    format!("{first} … {last}")
}

fn code(error: &Error) -> u8 {
    error.chain().find_map(code_of).unwrap_or(FAILED)
}

/// The exit code of one cause, if it decides it.
fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<BadUsage>() {
        return Some(USAGE);
    }
    let data = match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(train::Error::Data(error)), _)
        | (
            _,
            Some(methods::Error::Data(error) | methods::Error::Train(train::Error::Data(error))),
        ) => Some(error),
        _ => cause.downcast_ref::<ocelli::data::Error>(),
    };
    if let Some(LoaderStopped | WorkerPanicked { .. }) = data {
        return Some(FAILED);
    }
    if let Some(onnx::Error::Malformed { .. }) = cause.downcast_ref() {
        return Some(FAILED);
    }
    let bad_input = cause.is::<BadInput>()
        || cause.is::<ocelli::codebooks::Error>()
        || cause.is::<ocelli::data::Error>()
        || cause.is::<ocelli::nn::Error>()
        || cause.is::<WeightsError>()
        || cause.is::<train::Error>()
        || cause.is::<methods::Error>()
        || cause.is::<onnx::Error>()
        || cause.is::<ocelli::report::ReportError>()
        || cause.is::<ocelli::results::Error>()
        || cause.is::<io::Error>();
    bad_input.then_some(BAD_INPUT)
}

fn is_broken_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_told_once() {
        let missing = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Error::from(missing).context("a.toml: no such file").context("cannot train");
        assert_eq!(one_line(&error), "cannot train: a.toml: no such file");
        assert_eq!(code(&error), BAD_INPUT);
        assert!(hints::find(&error).is_some());
    }

    #[test]
    fn an_endless_message_is_cut_in_the_middle() {
        let error = anyhow!("{}: no such file", "é".repeat(100_000)).context("cannot train");
        let line = one_line(&error);
        assert_eq!(line.chars().count(), 1003);
        assert!(line.starts_with("cannot train: éé") && line.ends_with("é: no such file"));
    }

    #[test]
    fn a_file_is_named_once() {
        let error = anyhow!("a.toml: line 3: no value").context("a.toml").context("cannot train");
        assert_eq!(one_line(&error), "cannot train: a.toml: line 3: no value");
    }

    #[test]
    fn codes_follow_the_cause_and_not_the_context() {
        let refused = |error: Error| code(&error.context("while testing"));
        assert_eq!(refused(BadInput::new("w").into()), BAD_INPUT);
        assert_eq!(refused(BadUsage("w".into()).into()), USAGE);
        assert_eq!(refused(LoaderStopped.into()), FAILED);
        assert_eq!(refused(train::Error::Data(LoaderStopped).into()), FAILED);
        let stopped = methods::Error::Train(train::Error::Data(LoaderStopped));
        assert_eq!(refused(stopped.into()), FAILED);
        assert_eq!(refused(anyhow!("no idea")), FAILED);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let gone = Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("stdout");
        assert!(is_broken_pipe(&gone));
        assert!(!is_broken_pipe(&anyhow!("broken pipe")));
    }
}
