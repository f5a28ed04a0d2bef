//! How a command ends: its exit code, and one line that says what went wrong.

use anyhow::Error;
use std::io;
use std::process::ExitCode;

use crate::talk;

/// Exit code: something failed that is not the user's doing.
pub(crate) const FAILED: u8 = 1;
/// Exit code: the command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// Exit code: a file, a dataset, weights or a recipe cannot be used.
pub(crate) const BAD_INPUT: u8 = 3;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// To the end.
    Complete,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Complete => Self::SUCCESS,
        }
    }
}

/// Something that the user gave cannot be used, and no library said so first.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BadInput {
    message: String,
    hint: Option<String>,
}

impl BadInput {
    /// Refuses with a message that names the file, field or argument.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what the user can try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
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
    if let Some(hint) = hint(error) {
        talk::hint(&hint);
    }
    ExitCode::from(code(error))
}

/// The chain of causes, without those that the message before them already told.
fn one_line(error: &Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if line.contains(&text) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    line
}

fn code(error: &Error) -> u8 {
    error.chain().find_map(code_of).unwrap_or(FAILED)
}

/// The exit code of one cause, if it decides it.
fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<BadUsage>() {
        return Some(USAGE);
    }
    if let Some(error) = cause.downcast_ref::<ocelli::data::Error>() {
        use ocelli::data::Error::{LoaderStopped, WorkerPanicked};
        let ours = matches!(error, LoaderStopped | WorkerPanicked { .. });
        return Some(if ours { FAILED } else { BAD_INPUT });
    }
    let bad_input = cause.is::<BadInput>()
        || cause.is::<ocelli::nn::Error>()
        || cause.is::<ocelli::train::Error>()
        || cause.is::<ocelli::report::ReportError>()
        || cause.is::<io::Error>();
    bad_input.then_some(BAD_INPUT)
}

/// What the user can try, from the innermost cause that knows.
fn hint(error: &Error) -> Option<String> {
    error.chain().filter_map(hint_of).last()
}

fn hint_of(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<BadInput>() {
        return error.hint.clone();
    }
    if let Some(error) = cause.downcast_ref::<ocelli::data::Error>() {
        return error.hint().map(str::to_owned);
    }
    if let Some(ocelli::nn::Error::UnknownModel { .. }) = cause.downcast_ref() {
        return Some("`ocelli models` lists the known models".to_owned());
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::NotFound => Some("check the path; it is taken from here".to_owned()),
        io::ErrorKind::StorageFull => Some("free some space, then resume the run".to_owned()),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Some("choose a folder that can be written with --out".to_owned())
        }
        _ => None,
    }
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
        assert!(hint(&error).is_some());
    }

    #[test]
    fn codes_follow_the_cause_and_not_the_context() {
        let refused = |error: Error| code(&error.context("while testing"));
        assert_eq!(refused(BadInput::new("w").into()), BAD_INPUT);
        assert_eq!(refused(BadUsage("w".into()).into()), USAGE);
        assert_eq!(refused(ocelli::data::Error::LoaderStopped.into()), FAILED);
        assert_eq!(refused(anyhow!("no idea")), FAILED);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let gone = Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("stdout");
        assert!(is_broken_pipe(&gone));
        assert!(!is_broken_pipe(&anyhow!("broken pipe")));
    }
}
