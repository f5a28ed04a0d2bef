//! Reading a file of weights, whichever its format.

use super::{
    ReadOptions, StateDict,
    error::{Result, WeightsError},
    format::{Format, SNIFFED},
    pth, safetensors,
    source::Source,
};
use std::path::Path;

impl StateDict {
    /// Opens a file of weights: safetensors, or a PyTorch `.pth` of either format. The format is
    /// told by the first bytes, never by the name.
    ///
    /// # Errors
    /// When the file cannot be read, is no file of weights, is malformed, or is over a limit.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self> {
        Self::read(&Source::open(path)?, options)
    }

    /// Reads a file of weights that is already in memory. Messages call it `name`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>, options: &ReadOptions) -> Result<Self> {
        Self::read(&Source::from_bytes(name, bytes), options)
    }

    fn read(source: &Source, options: &ReadOptions) -> Result<Self> {
        let head = source.read(0, source.len().min(SNIFFED), "the first bytes")?;
        match Format::from_bytes(&head) {
            Format::Safetensors => {
                let mut dict = safetensors::read(source, &options.limits)?;
                if options.section.is_some() {
                    return Err(WeightsError::NoSections { file: source.name().to_owned() });
                }
                dict.set_location("", options.prefix.clone());
                Ok(dict)
            }
            Format::Zip => pth::read_zip(source, options),
            Format::Legacy => pth::read_legacy(source, options),
            Format::Foreign(found) => Err(WeightsError::Unrecognised {
                file: source.name().to_owned(),
                found: found.to_owned(),
            }),
        }
    }
}
