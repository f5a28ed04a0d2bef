//! The layout of WebDataset: neighbouring members with the same key are one sample.
//!
//! Format: <https://github.com/webdataset/webdataset> ("The WebDataset Format"). The key of a
//! member is its path up to the first dot of its file name, the rest is the extension. The label
//! is in `KEY.cls` (a number), else in `KEY.json` (`label` or `cls`: a number, or the name of the
//! class), else in `KEY.txt` (the name of the class).

use super::super::classes::{ClassNames, MAX_CLASSES};
use super::super::has_image_extension;
use super::super::storage::Storage;
use super::class_folders::clean_path;
use super::header::{Kind, Member};
use super::index::{Entry, Labels, ShardIndex};
use super::scan::Scanner;
use crate::{Error, Limits, Result};

/// The most bytes of a label member.
const MAX_LABEL_BYTES: u64 = 1 << 20;
/// How many members are looked at to tell the layout.
const PEEK: usize = 64;

/// Lists the samples of one shard.
pub(super) fn index(storage: &Storage, limits: Limits) -> Result<ShardIndex> {
    let mut builder = Builder { storage, entries: Vec::new(), labels: None };
    let mut scanner = Scanner::new(storage);
    let mut sample = Sample::default();
    while let Some(member) = scanner.next()? {
        let Some((key, extension)) = split_key(&member) else { continue };
        if key != sample.key {
            builder.finish_sample(std::mem::replace(&mut sample, Sample::new(key)))?;
        }
        match role(&extension) {
            Some(Role::Image) => {
                super::check_image(storage, &member, limits)?;
                let name = member.display();
                set_once(&mut sample.image, member, storage, name)?;
            }
            Some(Role::Label(rank)) => {
                let label = read_label(&mut scanner, storage, &member, rank)?;
                set_once(&mut sample.labels[rank], label, storage, member.display())?;
            }
            None => {}
        }
    }
    builder.finish_sample(sample)?;
    let labels = builder.labels.unwrap_or_else(|| Labels::Names(ClassNames::default()));
    Ok(ShardIndex { entries: builder.entries, labels, empty_classes: Vec::new() })
}

/// Whether a tar has an image whose neighbour with the same key is a label.
pub(super) fn is_webdataset(storage: &Storage) -> Result<bool> {
    let mut scanner = Scanner::new(storage);
    let mut before: Option<(Vec<u8>, bool)> = None;
    for _ in 0..PEEK {
        let Some(member) = scanner.next()? else { break };
        let Some((key, extension)) = split_key(&member) else { continue };
        let Some(role) = role(&extension) else { continue };
        let is_image = matches!(role, Role::Image);
        if let Some((key_before, was_image)) = before
            && key_before == key
            && was_image != is_image
        {
            return Ok(true);
        }
        before = Some((key, is_image));
    }
    Ok(false)
}

enum Role {
    Image,
    /// A label, by how much it is preferred: 0 before 1 before 2.
    Label(usize),
}

fn role(extension: &[u8]) -> Option<Role> {
    match extension {
        b"cls" => Some(Role::Label(0)),
        b"json" => Some(Role::Label(1)),
        b"txt" => Some(Role::Label(2)),
        _ => has_image_extension(&[b".", extension].concat()).then_some(Role::Image),
    }
}

/// The members of one key, with the parts that matter.
#[derive(Default)]
struct Sample {
    key: Vec<u8>,
    image: Option<Member>,
    labels: [Option<Label>; 3],
}

impl Sample {
    fn new(key: Vec<u8>) -> Self {
        Self { key, ..Self::default() }
    }
}

enum Label {
    Number(u32),
    Name(String),
}

fn set_once<T>(slot: &mut Option<T>, value: T, storage: &Storage, name: String) -> Result<()> {
    if slot.is_some() {
        return Err(Error::DuplicateMember { path: storage.path().to_owned(), name });
    }
    *slot = Some(value);
    Ok(())
}

fn read_label(
    scanner: &mut Scanner<'_>,
    storage: &Storage,
    member: &Member,
    rank: usize,
) -> Result<Label> {
    let name = super::sample_name(storage, member);
    if member.size > MAX_LABEL_BYTES {
        let (found, limit) = (member.size, MAX_LABEL_BYTES);
        return Err(Error::TooLarge { name, found, unit: "bytes", limit });
    }
    let content = scanner.content(member)?;
    let label = match rank {
        0 => parse_cls(&content),
        1 => parse_json(&content),
        _ => parse_txt(&content),
    };
    label.map_err(|reason| Error::BadLabel { name, reason })
}

fn parse_cls(content: &[u8]) -> Result<Label, String> {
    let text = std::str::from_utf8(content).unwrap_or_default().trim();
    let number: u64 = text.parse().map_err(|_| {
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]);
        format!("`{}` is no label; expected a number from 0", start.escape_debug())
    })?;
    bounded(number)
}

fn parse_json(content: &[u8]) -> Result<Label, String> {
    let value: serde_json::Value =
        serde_json::from_slice(content).map_err(|error| format!("no valid JSON: {error}"))?;
    let field = value.get("label").or_else(|| value.get("cls"));
    match field.ok_or("no field `label` or `cls`")? {
        serde_json::Value::String(name) if !name.is_empty() => Ok(Label::Name(name.clone())),
        serde_json::Value::Number(number) => match number.as_u64() {
            Some(number) => bounded(number),
            None => Err(format!("label {number}; expected a number from 0")),
        },
        _ => Err("the label is neither a number nor a name".to_owned()),
    }
}

fn parse_txt(content: &[u8]) -> Result<Label, String> {
    match std::str::from_utf8(content).map(str::trim) {
        Ok("") => Err("empty; expected the name of the class".to_owned()),
        Ok(name) => Ok(Label::Name(name.to_owned())),
        Err(_) => Err("not UTF-8; expected the name of the class".to_owned()),
    }
}

fn bounded(number: u64) -> Result<Label, String> {
    match u32::try_from(number) {
        Ok(label) if (label as usize) < MAX_CLASSES => Ok(Label::Number(label)),
        _ => Err(format!("label {number}; at most {} is accepted", MAX_CLASSES - 1)),
    }
}

struct Builder<'a> {
    storage: &'a Storage,
    entries: Vec<Entry>,
    labels: Option<Labels>,
}

impl Builder<'_> {
    fn finish_sample(&mut self, sample: Sample) -> Result<()> {
        let name = || {
            let key = String::from_utf8_lossy(&sample.key);
            format!("{}, {key}", self.storage.path().display())
        };
        let label = sample.labels.into_iter().flatten().next();
        let (image, label) = match (sample.image, label) {
            (Some(image), Some(label)) => (image, label),
            (Some(_), None) => return Err(Error::MissingLabel { name: name() }),
            (None, Some(_)) => {
                let reason = "a label without an image beside it".to_owned();
                return Err(Error::Layout { name: name(), reason });
            }
            (None, None) => return Ok(()),
        };
        let sample = super::sample_name(self.storage, &image);
        let label = self.note_label(label, sample)?;
        self.entries.push(Entry::new(&image, label));
        Ok(())
    }

    /// The number that stands for the label in this shard.
    fn note_label(&mut self, label: Label, sample: String) -> Result<u32> {
        match (label, &mut self.labels) {
            (Label::Name(class), Some(Labels::Names(names))) => names.id(&class, || sample),
            (Label::Name(class), labels @ None) => {
                let mut names = ClassNames::default();
                let id = names.id(&class, || sample)?;
                *labels = Some(Labels::Names(names));
                Ok(id)
            }
            (Label::Number(number), Some(Labels::Numbers { max, .. })) if number <= *max => {
                Ok(number)
            }
            (Label::Number(number), labels @ (None | Some(Labels::Numbers { .. }))) => {
                *labels = Some(Labels::Numbers { max: number, sample });
                Ok(number)
            }
            _ => Err(Error::BadLabel {
                name: sample,
                reason: "some labels are numbers and some are names of classes".to_owned(),
            }),
        }
    }
}

/// The key and the extension (in lower case) of a file that is not hidden.
fn split_key(member: &Member) -> Option<(Vec<u8>, Vec<u8>)> {
    if member.kind == Kind::Folder {
        return None;
    }
    let path = clean_path(&member.path)?;
    let (file, folders) = path.split_last()?;
    let dot = file.iter().position(|byte| *byte == b'.')?;
    let mut key = folders.join(&b'/');
    if !key.is_empty() {
        key.push(b'/');
    }
    key.extend_from_slice(&file[..dot]);
    Some((key, file[dot + 1..].to_ascii_lowercase()))
}
