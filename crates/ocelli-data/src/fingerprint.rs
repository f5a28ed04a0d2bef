//! What tells one dataset from another, so that a training does not go on with other images.
//!
//! A fingerprint covers the names of the classes in their order, and of each sample its index, name,
//! label, further classes and length in bytes. Contents are covered whole where that is cheap: up to
//! [`CONTENT_BYTES`] of encoded pictures are hashed in the time of a few training steps. Of a larger
//! dataset the contents of one sample in so many are, evenly spread, as many as that budget allows; two
//! photos of it that are swapped are still found, because hardly two have the same length. Times of
//! modification are no part of it: copying a dataset changes them and no picture.
//!
//! Where the dataset lies is no part of it either: names are those [below its own path](Source::key), so
//! that a folder that was moved is the same dataset. Memory: 8 bytes for each sample, and 32 more while a
//! fingerprint is made.

mod difference;
mod record;
mod stamp;

#[cfg(test)]
mod tests;

pub use difference::DataDifference;

use crate::{Image, Payload, Result, SampleKey, Source};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stamp::Stamp;

/// The most bytes of pictures that are read for a fingerprint, 256 MiB.
pub const CONTENT_BYTES: u64 = 256 << 20;

/// What tells a dataset from another.
///
/// # Example
/// ```
/// use ocelli_data::{Fingerprint, OpenOptions, Split, open};
///
/// let train = open("builtin:fashion-mnist", &OpenOptions::new(Split::Train))?;
/// let test = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test))?;
/// let fingerprint = Fingerprint::from_source(&*train)?;
/// assert_eq!(fingerprint.difference(&fingerprint, &*train)?, None);
/// assert_ne!(fingerprint.hash(), Fingerprint::from_source(&*test)?.hash());
/// # Ok::<(), ocelli_data::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// BLAKE3 over everything below.
    hash: String,
    samples: u64,
    /// Of all pictures together.
    bytes: u64,
    /// The contents of one sample in so many are covered.
    contents: u64,
    classes: Vec<String>,
    /// Of each sample, to find the first that differs.
    #[serde(with = "record")]
    stamps: Vec<Stamp>,
}

impl Fingerprint {
    /// Looks at every sample of a dataset, and into as many as [`CONTENT_BYTES`] allow.
    ///
    /// A sample that cannot be read counts as one without contents.
    ///
    /// # Errors
    /// When the name or the label of a sample cannot be read.
    pub fn from_source(source: &dyn Source) -> Result<Self> {
        Self::within(source, CONTENT_BYTES)
    }

    /// The same with another budget for contents.
    fn within(source: &dyn Source, content_bytes: u64) -> Result<Self> {
        let samples = source.len();
        let length = |index| -> Result<u64> { Ok(key(source, index)?.bytes) };
        let lengths = (0..samples).into_par_iter().map(length);
        let bytes = lengths.try_reduce(|| 0, |one, other| Ok(one.saturating_add(other)))?;
        let contents = bytes.div_ceil(content_bytes).max(1);
        let digests: Vec<Digest> = (0..samples)
            .into_par_iter()
            .map(|index| Digest::new(source, index, index.is_multiple_of(contents)))
            .collect::<Result<_>>()?;
        let classes = source.classes().to_vec();
        let mut hasher = blake3::Hasher::new();
        for number in [samples, bytes, contents, classes.len() as u64] {
            hasher.update(&number.to_le_bytes());
        }
        for class in &classes {
            put_text(&mut hasher, class);
        }
        for digest in &digests {
            hasher.update(digest.whole.as_bytes());
        }
        let stamps = digests.iter().map(|digest| digest.stamp).collect();
        let hash = hasher.finalize().to_hex().to_string();
        Ok(Self { hash, samples, bytes, contents, classes, stamps })
    }

    /// One word for all of it: 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// How many samples there are.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The names of the classes, in the order of their labels.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The contents of one sample in so many are covered; 1 where all are.
    pub fn contents(&self) -> u64 {
        self.contents
    }
}

/// One sample: all of it, and enough to see whether it is the same.
struct Digest {
    whole: blake3::Hash,
    stamp: Stamp,
}

impl Digest {
    fn new(source: &dyn Source, index: u64, with_contents: bool) -> Result<Self> {
        let key = key(source, index)?;
        let mut hasher = blake3::Hasher::new();
        put_text(&mut hasher, &key.name);
        let name = first_bytes(&hasher.finalize());
        hasher.update(&key.bytes.to_le_bytes());
        if let Some(label) = source.label(index)? {
            hasher.update(&label.to_le_bytes());
        }
        let others = source.others(index)?;
        hasher.update(&(others.len() as u64).to_le_bytes());
        for class in others {
            hasher.update(&class.to_le_bytes());
        }
        if with_contents {
            match source.read(index).map(|record| record.payload) {
                Ok(Payload::Encoded(bytes)) => hasher.update(&bytes),
                Ok(Payload::Pixels(Image { width, height, channels, pixels })) => hasher
                    .update(&width.to_le_bytes())
                    .update(&height.to_le_bytes())
                    .update(&[channels])
                    .update(&pixels),
                Err(_) => hasher.update(b"unreadable"),
            };
        }
        let whole = hasher.finalize();
        Ok(Self { whole, stamp: Stamp { name, whole: first_bytes(&whole) } })
    }
}

/// The key of a sample. One that cannot be read is part of the dataset too: a training may leave it out.
fn key(source: &dyn Source, index: u64) -> Result<SampleKey> {
    source.key(index).or_else(|_| Ok(SampleKey { name: source.name(index)?, bytes: 0 }))
}

fn first_bytes(hash: &blake3::Hash) -> u32 {
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn put_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}
