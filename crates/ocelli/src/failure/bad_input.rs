//! What the command itself refuses.

/// Something that the user gave cannot be used, and no library said so first.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BadInput {
    message: String,
    pub(super) hint: Option<String>,
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
