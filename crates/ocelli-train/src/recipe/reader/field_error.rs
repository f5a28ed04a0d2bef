//! Errors that know which field they are about.

use crate::Error;
use serde::de::{Expected, Unexpected};
use std::fmt;

/// An error that collects the path of its field on the way up, innermost key first.
#[derive(Debug)]
pub(super) struct FieldError {
    path: Vec<String>,
    kind: Kind,
}

/// What is wrong with a field.
#[derive(Debug)]
pub(super) enum Kind {
    /// The last key is not known; `below` is the first key under it.
    UnknownKey {
        nearest: Option<String>,
        below: String,
    },
    Unacceptable {
        found: String,
        expected: String,
    },
    Other(String),
}

impl FieldError {
    pub(super) fn new(kind: Kind) -> Self {
        Self { path: Vec::new(), kind }
    }

    pub(super) fn at(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    /// Adds what a user wrote under an unknown key.
    pub(super) fn below(mut self, keys: String) -> Self {
        if let Kind::UnknownKey { below, .. } = &mut self.kind {
            *below = keys;
        }
        self
    }

    /// Looks for a name like `key` among `fields`, if `key` itself is what is unknown.
    pub(super) fn among(mut self, key: &str, fields: &'static [&'static str]) -> Self {
        if let (Kind::UnknownKey { nearest: hint, .. }, []) = (&mut self.kind, &*self.path) {
            *hint = nearest(key, fields.iter().copied()).map(str::to_owned);
        }
        self
    }

    pub(super) fn into_error(self) -> Error {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        let field = path.join(".");
        match self.kind {
            Kind::UnknownKey { nearest, below } => {
                let parent = &path[..path.len().saturating_sub(1)];
                let suggest = |name: String| {
                    let full: Vec<&str> = parent.iter().copied().chain([name.as_str()]).collect();
                    format!("{}{below}", full.join("."))
                };
                Error::UnknownKey { key: format!("{field}{below}"), nearest: nearest.map(suggest) }
            }
            Kind::Unacceptable { found, expected } => Error::Field { field, found, expected },
            Kind::Other(message) => {
                Error::Field { field, found: "not usable".to_owned(), expected: message }
            }
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.path, self.kind)
    }
}

impl std::error::Error for FieldError {}

impl serde::de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Kind::Unacceptable { found: describe(found), expected: plain_type(expected) })
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = format!("a list of length {length}");
        Self::new(Kind::Unacceptable { found, expected: expected.to_string() })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(variant, expected.iter().copied());
        let hint = hint.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default();
        Self::new(Kind::Unacceptable {
            found: format!("\"{variant}\""),
            expected: format!("one of {}{hint}", expected.join(", ")),
        })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let nearest = nearest(field, expected.iter().copied()).map(str::to_owned);
        Self::new(Kind::UnknownKey { nearest, below: String::new() }).at(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Unacceptable { found: "missing".into(), expected: "a value".into() })
            .at(field)
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text \"{text}\""),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        other => other.to_string(),
    }
}

/// Rust's names of types in the words of a recipe.
fn plain_type(expected: String) -> String {
    match expected.as_str() {
        "u8" => format!("a whole number, 0 to {}", u8::MAX),
        "u16" => format!("a whole number, 0 to {}", u16::MAX),
        "u32" => format!("a whole number, 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        text if text.starts_with("struct ") || text == "a map" => "a table".to_owned(),
        _ => expected,
    }
}

/// The name among `candidates` that is fewest slips of the finger away from `name`, if it is close
/// enough to have been meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let slips_allowed = 1 + name.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(slips, _)| *slips <= slips_allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}
