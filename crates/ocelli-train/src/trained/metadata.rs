//! What a file of weights says about itself.

use crate::{Error, Result};
use ocelli_data::{EvalConfig, InputConfig};
use ocelli_nn::registry::ModelOptions;
use ocelli_nn::weights::StateDict;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What a file of weights says about itself, so that it can be used alone. All of it is optional:
/// files of other projects say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The architecture, as the registry calls it.
    pub arch: Option<String>,
    /// What was chosen about the architecture.
    pub options: Option<ModelOptions>,
    /// What the network wants to see.
    pub input: Option<InputConfig>,
    /// What a picture goes through before.
    pub eval: Option<EvalConfig>,
    /// The names of the classes, in the order of their labels.
    pub classes: Option<Vec<String>>,
}

const ARCH: &str = "arch";
const OPTIONS: &str = "model_options";
const INPUT: &str = "input";
const EVAL: &str = "eval";
const CLASSES: &str = "classes";

impl Metadata {
    /// Reads what a file says.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a part is not what it should be.
    pub fn from_dict(dict: &StateDict) -> Result<Self> {
        Ok(Self {
            arch: dict.metadata.get(ARCH).cloned(),
            options: part(dict, OPTIONS)?,
            input: part(dict, INPUT)?,
            eval: part(dict, EVAL)?,
            classes: part(dict, CLASSES)?,
        })
    }

    /// The same as the text that goes into the header of a file.
    ///
    /// # Errors
    /// Never for values that can be written as JSON, which all of these can.
    pub fn to_map(&self) -> Result<BTreeMap<String, String>> {
        let arch = self.arch.clone().map(|arch| (ARCH, arch));
        let parts = [
            text(OPTIONS, self.options.as_ref())?,
            text(INPUT, self.input.as_ref())?,
            text(EVAL, self.eval.as_ref())?,
            text(CLASSES, self.classes.as_ref())?,
        ];
        let all = parts.into_iter().flatten().chain(arch);
        Ok(all.map(|(key, text)| (key.to_owned(), text)).collect())
    }
}

fn part<T: DeserializeOwned>(dict: &StateDict, key: &str) -> Result<Option<T>> {
    let text = dict.metadata.get(key);
    text.map(|text| serde_json::from_str(text)).transpose().map_err(|error| Error::Corrupt {
        path: dict.file().into(),
        reason: format!("metadata `{key}`: {error}"),
    })
}

fn text<'a>(key: &'a str, part: Option<&impl Serialize>) -> Result<Option<(&'a str, String)>> {
    let text = part.map(serde_json::to_string).transpose();
    let text = text.map_err(|error| Error::Corrupt {
        path: "metadata".into(),
        reason: format!("`{key}` cannot be written: {error}"),
    })?;
    Ok(text.map(|text| (key, text)))
}
