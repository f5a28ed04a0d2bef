//! The label of a sample in a WebDataset shard, and which member it is read from.
//!
//! `KEY.cls` decides with its number; else `KEY.json` with its field `label` or `cls`; else
//! `KEY.txt`, whose text is the name of the class. What does not decide is not read: beside a
//! `.cls` a `.json` may hold anything, and a `.txt` a caption or nothing.

use super::super::classes::MAX_CLASSES;
use super::super::storage::Storage;
use super::header::{Kind, Member};
use crate::{Error, Result};

/// The most bytes of a label member.
const MAX_LABEL_BYTES: u64 = 1 << 20;

/// The kinds of label members, the one that decides first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Cls,
    Json,
    Txt,
}

impl Rank {
    /// The kind of a member by the last part of its name.
    pub(super) fn from_extension(extension: &[u8]) -> Option<Self> {
        let is = |known: &str| extension.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if is("cls") || is("class") => Some(Self::Cls),
            () if is("json") => Some(Self::Json),
            () if is("txt") => Some(Self::Txt),
            () => None,
        }
    }
}

/// Some of the kinds, as a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranks(u8);

impl Ranks {
    pub(super) fn add(&mut self, rank: Rank) {
        self.0 |= 1 << rank as u8;
    }

    pub(super) fn has(self, rank: Rank) -> bool {
        self.0 >> rank as u8 & 1 == 1
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What to say of labels that may be something else.
    pub(super) fn remark(self) -> Option<&'static str> {
        match () {
            () if self.has(Rank::Txt) => Some("labels are the texts of .txt members"),
            () if self.has(Rank::Json) => Some("labels are those in .json members"),
            () => None,
        }
    }

    pub(super) fn to_byte(self) -> u8 {
        self.0
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        (byte < 8).then_some(Self(byte))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Number(u32),
    Name(String),
}

/// The label that the first of these members has which has one, and its kind. The members are in
/// the order in which they decide.
///
/// # Errors
/// When the member that decides has no label that makes sense, or none has a label.
pub(super) fn decide<'a>(
    storage: &Storage,
    members: impl Iterator<Item = (Rank, &'a Member)>,
    sample: impl FnOnce() -> String,
) -> Result<(Label, Rank)> {
    let mut without = None;
    for (rank, member) in members {
        let name = super::checks::sample_name(storage, member);
        let found = match (read(storage, member)?, rank) {
            (content, Rank::Cls) => parse_cls(&content).map(Found::Label),
            (content, Rank::Json) => parse_json(&content),
            (content, Rank::Txt) => Ok(parse_txt(&content)),
        };
        match found {
            Ok(Found::Label(label)) => return Ok((label, rank)),
            Ok(Found::None(reason)) => {
                without.get_or_insert(Error::BadLabel { name, reason: reason.to_owned() });
            }
            Err(reason) => return Err(Error::BadLabel { name, reason }),
        }
    }
    Err(without.unwrap_or_else(|| Error::MissingLabel { name: sample() }))
}

fn read(storage: &Storage, member: &Member) -> Result<Vec<u8>> {
    if let Kind::Other(kind) = member.kind {
        let path = storage.path().to_owned();
        return Err(Error::TarLink { path, name: member.display(), kind });
    }
    if member.size > MAX_LABEL_BYTES {
        let name = super::checks::sample_name(storage, member);
        let (found, limit) = (member.size, MAX_LABEL_BYTES);
        return Err(Error::TooLarge { name, found, unit: "bytes", limit });
    }
    storage.read_vec_at(member.size as usize, member.data)
}

/// Whether a JSON member of this size can have a label, so that it is worth reading.
pub(super) fn may_have_label(member: &Member) -> bool {
    member.kind == Kind::File && member.size <= MAX_LABEL_BYTES
}

/// Whether this is JSON with a label.
pub(super) fn has_label(content: &[u8]) -> bool {
    matches!(parse_json(content), Ok(Found::Label(_)))
}

enum Found {
    Label(Label),
    /// The member is about something else, and this says why.
    None(&'static str),
}

fn parse_cls(content: &[u8]) -> Result<Label, String> {
    let text = std::str::from_utf8(content).unwrap_or_default();
    let text = text.trim_start_matches('\u{feff}').trim();
    let number: u64 = text.parse().map_err(|_| {
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]);
        format!("`{}` is no label; expected a number from 0", start.escape_debug())
    })?;
    bounded(number)
}

fn parse_json(content: &[u8]) -> Result<Found, String> {
    use serde_json::Value;
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    let Ok(value) = serde_json::from_slice::<Value>(content) else {
        return Ok(Found::None("no valid JSON"));
    };
    let present = |field: &str| value.get(field).filter(|value| !value.is_null());
    match present("label").or_else(|| present("cls")) {
        None => Ok(Found::None("no field `label` or `cls`")),
        Some(Value::String(name)) if !name.is_empty() => {
            Ok(Found::Label(Label::Name(name.clone())))
        }
        Some(Value::Number(number)) => match number.as_u64() {
            Some(number) => bounded(number).map(Found::Label),
            None => Err(format!("label {number}; expected a number from 0")),
        },
        Some(_) => Err("the label is neither a number nor a name".to_owned()),
    }
}

fn parse_txt(content: &[u8]) -> Found {
    match std::str::from_utf8(content).map(|text| text.trim_start_matches('\u{feff}').trim()) {
        Ok("") => Found::None("empty; expected the name of the class"),
        Ok(name) if name.contains(['\n', '\r']) => {
            Found::None("several lines; expected the name of the class")
        }
        Ok(name) => Found::Label(Label::Name(name.to_owned())),
        Err(_) => Found::None("not UTF-8; expected the name of the class"),
    }
}

fn bounded(number: u64) -> Result<Label, String> {
    match u32::try_from(number) {
        Ok(label) if (label as usize) < MAX_CLASSES => Ok(Label::Number(label)),
        _ => Err(format!("label {number}; at most {} is accepted", MAX_CLASSES - 1)),
    }
}
