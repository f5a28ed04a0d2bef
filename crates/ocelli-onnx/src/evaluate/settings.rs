//! The settings of an operation of a file.

use crate::proto::{AttributeProto, NodeProto};
use crate::{Error, Result};

/// An operation's kind, name and settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings<'a>(&'a NodeProto);

impl<'a> Settings<'a> {
    pub(super) fn new(node: &'a NodeProto) -> Self {
        Self(node)
    }

    pub(super) fn kind(self) -> &'a str {
        &self.0.op_type
    }

    /// The name, for messages.
    pub(super) fn name(self) -> &'a str {
        &self.0.name
    }

    pub(super) fn float(self, name: &str) -> Result<f32> {
        self.find(name).and_then(|it| it.f).ok_or_else(|| self.missing(name))
    }

    pub(super) fn int(self, name: &str) -> Result<usize> {
        self.find(name).and_then(|it| it.i).map(|it| it as usize).ok_or_else(|| self.missing(name))
    }

    pub(super) fn ints<const N: usize>(self, name: &str) -> Result<[usize; N]> {
        self.list(name).and_then(|list| list.try_into().ok()).ok_or_else(|| self.missing(name))
    }

    pub(super) fn list(self, name: &str) -> Option<Vec<usize>> {
        self.find(name).map(|it| it.ints.iter().map(|value| *value as usize).collect())
    }

    /// That the operation cannot be run.
    pub(super) fn wrong(self, reason: impl Into<String>) -> Error {
        Error::malformed(self.name(), reason)
    }

    fn find(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|attribute| attribute.name == name)
    }

    fn missing(self, name: &str) -> Error {
        self.wrong(format!("{} has no `{name}` of the right kind", self.kind()))
    }
}
