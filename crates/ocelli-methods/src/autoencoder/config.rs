//! The hyper-parameters of an autoencoder: the section `[autoencoder]` of a recipe.

use super::Autoencoder;
use ocelli_nn::backbones::autoencoder;
use ocelli_nn::graph::{Decoder, Head};
use ocelli_nn::registry::ModelOptions;
use ocelli_train::{
    Examiner, ExaminerSetup, Method, MethodConfig, MethodKind, MethodSection, Reconstruction,
    Result,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SECTION: &str = "autoencoder";

/// What `[autoencoder]` may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencoderConfig {
    /// Which of the published decoders.
    pub form: Form,
    /// The channels after each doubling of a decoder of one's own, in place of the form's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Vec<usize>>,
    /// The deviation of the noise on what goes in.
    pub noise: f64,
}

impl Default for AutoencoderConfig {
    fn default() -> Self {
        Self { form: Form::Shallow, widths: None, noise: 0.01 }
    }
}

/// The published autoencoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Three halvings, windows of 3 × 3: `dae_shallow`.
    #[default]
    Shallow,
    /// Five halvings, windows of 5 × 5: `dae_deep`.
    Deep,
}

impl AutoencoderConfig {
    fn decoder(&self) -> Decoder {
        let decoder = match self.form {
            Form::Shallow => autoencoder::Form::Shallow.decoder(),
            Form::Deep => autoencoder::Form::Deep.decoder(),
        };
        Decoder { widths: self.widths.clone().unwrap_or(decoder.widths), ..decoder }
    }
}

/// The section of a recipe that chooses an autoencoder.
#[derive(Clone, Copy, Debug)]
pub struct AutoencoderKind;

impl MethodKind for AutoencoderKind {
    fn section(&self) -> &'static str {
        SECTION
    }

    fn read(&self, section: &MethodSection) -> Result<Box<dyn MethodConfig>> {
        let config: AutoencoderConfig = section.read()?;
        if !(0.0..=10.0).contains(&config.noise) {
            return Err(section.refuse("noise", &config.noise, "0 to 10"));
        }
        Ok(Box::new(Checked(config)))
    }
}

/// A section whose values are possible.
#[derive(Clone, Debug)]
struct Checked(AutoencoderConfig);

impl MethodConfig for Checked {
    fn section(&self) -> Result<Option<MethodSection>> {
        MethodSection::new(SECTION, &self.0).map(Some)
    }

    fn model_options(&self, options: ModelOptions) -> ModelOptions {
        ModelOptions { head: Head::Decoder(self.0.decoder()), ..options }
    }

    fn classifies(&self) -> bool {
        false
    }

    fn needs_classes(&self) -> bool {
        false
    }

    fn method(&self) -> Result<Box<dyn Method>> {
        Ok(Box::new(Autoencoder::new(self.0.noise)))
    }

    fn examiners(&self, setup: &ExaminerSetup<'_>) -> Result<Vec<Box<dyn Examiner>>> {
        Ok(vec![Box::new(Reconstruction::new(Arc::clone(setup.eval)))])
    }
}
