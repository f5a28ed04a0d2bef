//! Members of a WebDataset shard that share a key, and which image each label is of.
//!
//! WebDataset's key is the path up to the first dot of the file name. Where names have further dots
//! (`img_0.50.jpg`), several samples share a key; then a label belongs to the image of its own name.

use super::super::has_image_extension;
use super::header::{Kind, Member};
use super::label::Rank;
use super::member_path::clean_path;
use std::collections::{HashMap, HashSet};

/// What a member is to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Image,
    Label(Rank),
}

/// A member that can be part of a sample.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) member: Member,
    /// The file name, without folders.
    file: Vec<u8>,
}

impl Part {
    /// The key, the role and the part; `None` for what is hidden, a folder or something else.
    pub(super) fn from_member(member: Member) -> Option<(Vec<u8>, Role, Self)> {
        if member.kind == Kind::Folder {
            return None;
        }
        let path = clean_path(&member.path)?;
        let (file, folders) = path.split_last()?;
        let role = role(file)?;
        let first_dot = file.iter().position(|byte| *byte == b'.')?;
        let mut key = folders.join(&b'/');
        if !key.is_empty() {
            key.push(b'/');
        }
        key.extend_from_slice(&file[..first_dot]);
        let file = file.to_vec();
        Some((key, role, Self { member, file }))
    }

    /// The file name up to its last dot.
    fn stem(&self) -> &[u8] {
        let dot = self.file.iter().rposition(|byte| *byte == b'.');
        &self.file[..dot.unwrap_or(self.file.len())]
    }

    /// Whether this label is called as the image: `a.cls` or `a.jpg.cls` beside `a.jpg`.
    fn is_called_as(&self, image: &Self) -> bool {
        self.stem() == image.stem() || self.stem() == image.file
    }
}

/// What a file is by its name.
fn role(file: &[u8]) -> Option<Role> {
    let dot = file.iter().rposition(|byte| *byte == b'.')?;
    match Rank::from_extension(&file[dot + 1..]) {
        Some(rank) => Some(Role::Label(rank)),
        None => has_image_extension(file).then_some(Role::Image),
    }
}

/// An image with its labels, in the order in which they decide.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) image: Part,
    pub(super) labels: Vec<(Rank, Part)>,
    /// Whether all labels are called as the image, not only of its key.
    pub(super) is_by_name: bool,
    /// A `.cls` of the key that is called otherwise, as a second label of the image may be.
    pub(super) spare: Option<String>,
}

impl Pair {
    /// Whether the key alone would not have told which label is of this image.
    pub(super) fn is_dotted(&self) -> bool {
        self.image.stem().contains(&b'.')
    }
}

/// Why members cannot be paired.
pub(super) enum Trouble {
    /// Two members of one name.
    Twice(String),
    /// What does not go together.
    Unpaired(String),
}

/// The members of one key.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) images: Vec<Part>,
    pub(super) labels: Vec<(Rank, Part)>,
}

impl Group {
    pub(super) fn add(&mut self, role: Role, part: Part) {
        match role {
            Role::Image => self.images.push(part),
            Role::Label(rank) => self.labels.push((rank, part)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.labels.is_empty()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.images.append(&mut other.images);
        self.labels.append(&mut other.labels);
    }

    /// Where the first member starts, for an order that does not depend on hashes.
    pub(super) fn start(&self) -> u64 {
        let labels = self.labels.iter().map(|(_, part)| part);
        self.images.iter().chain(labels).map(|part| part.member.header).min().unwrap_or(u64::MAX)
    }

    /// Whether nothing more is needed to pair these members: every image has a label that is called
    /// as it is, and every label such an image.
    pub(super) fn is_complete(&self) -> bool {
        if let ([image], [(_, label)]) = (&*self.images, &*self.labels) {
            return label.is_called_as(image);
        }
        let images: HashSet<&[u8]> =
            self.images.iter().flat_map(|image| [image.stem(), &image.file]).collect();
        let labels: HashSet<&[u8]> = self.labels.iter().map(|(_, label)| label.stem()).collect();
        let has_label =
            |image: &Part| labels.contains(image.stem()) || labels.contains(&*image.file);
        !self.images.is_empty()
            && self.images.iter().all(has_label)
            && labels.iter().all(|label| images.contains(label))
    }

    /// Pairs the members.
    pub(super) fn pair(mut self) -> Result<Vec<Pair>, Trouble> {
        self.labels.sort_by_key(|(rank, part)| (*rank, part.member.header));
        match self.images.len() {
            0 => match self.labels.first() {
                Some((Rank::Cls, label)) => {
                    let name = label.member.display();
                    Err(Trouble::Unpaired(format!("the label `{name}` has no image of its key")))
                }
                // A caption or a description of the whole.
                _ => Ok(Vec::new()),
            },
            1 => self.pair_key(),
            _ => self.pair_by_name(),
        }
    }

    /// The only image of a key has the labels of the key; of several of one kind, the one that is
    /// called as the image is.
    fn pair_key(self) -> Result<Vec<Pair>, Trouble> {
        let Self { mut images, labels } = self;
        let Some(image) = images.pop() else { return Ok(Vec::new()) };
        let mut chosen: Vec<(Rank, Part)> = Vec::new();
        let mut spare = None;
        let mut by_rank = [Rank::Cls, Rank::Json, Rank::Txt].map(|rank| (rank, Vec::new()));
        for (rank, label) in labels {
            by_rank[rank as usize].1.push(label);
        }
        for (rank, parts) in by_rank {
            let (mut named, mut others): (Vec<Part>, Vec<Part>) =
                parts.into_iter().partition(|label| label.is_called_as(&image));
            match (named.pop(), named.pop(), others.pop()) {
                (Some(label), Some(_), _) => return Err(Trouble::twice(&label)),
                (Some(label), None, other) => {
                    chosen.push((rank, label));
                    spare = spare.or(other.filter(|_| rank == Rank::Cls));
                }
                (None, _, Some(label)) if others.is_empty() => chosen.push((rank, label)),
                (None, _, Some(label)) if rank == Rank::Cls => {
                    let (image, label) = (image.member.display(), label.member.display());
                    return Err(Trouble::Unpaired(format!(
                        "`{label}` is one of several labels of the key of `{image}`"
                    )));
                }
                _ => {}
            }
        }
        let is_by_name = chosen.first().is_none_or(|(_, label)| label.is_called_as(&image));
        let spare = spare.map(|label| label.member.display());
        Ok(vec![Pair { image, labels: chosen, is_by_name, spare }])
    }

    /// Of several images of a key, each has the labels that are called as it is.
    fn pair_by_name(self) -> Result<Vec<Pair>, Trouble> {
        let mut names: HashMap<&[u8], usize> = HashMap::new();
        for (at, image) in self.images.iter().enumerate() {
            if names.insert(image.stem(), at).is_some() {
                return Err(Trouble::twice(image));
            }
        }
        for (at, image) in self.images.iter().enumerate() {
            names.entry(&image.file).or_insert(at);
        }
        let of: Vec<Option<usize>> =
            self.labels.iter().map(|(_, label)| names.get(label.stem()).copied()).collect();
        let pair = |image| Pair { image, labels: Vec::new(), is_by_name: true, spare: None };
        let mut pairs: Vec<Pair> = self.images.into_iter().map(pair).collect();
        for ((rank, label), image) in self.labels.into_iter().zip(of) {
            match image.map(|image| &mut pairs[image].labels) {
                Some(labels) if labels.last().is_some_and(|(before, _)| *before == rank) => {
                    return Err(Trouble::twice(&label));
                }
                Some(labels) => labels.push((rank, label)),
                None if rank == Rank::Cls => {
                    let (label, images) = (label.member.display(), pairs.len());
                    return Err(Trouble::Unpaired(format!(
                        "the label `{label}` is called as none of the {images} images of its key"
                    )));
                }
                None => {}
            }
        }
        Ok(pairs)
    }
}

impl Trouble {
    fn twice(part: &Part) -> Self {
        Self::Twice(part.member.display())
    }
}
