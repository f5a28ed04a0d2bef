//! What is typed for a network to be timed.

use ocelli::nn::registry::{self, Model};
use std::fmt;
use std::str::FromStr;

use crate::args::ImageSize;

/// A network, and the size of its images where it is not the network's own: `resnet18@160`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModelAtSize {
    pub(super) name: String,
    pub(super) size: Option<usize>,
}

impl FromStr for ModelAtSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, size)) = text.split_once('@') else {
            return Ok(Self { name: text.to_owned(), size: None });
        };
        match size.parse()? {
            ImageSize { height, width } if height == width => {
                Ok(Self { name: name.to_owned(), size: Some(height) })
            }
            size => Err(format!("{size} is not square")),
        }
    }
}

/// A network that is known, at a size.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizedModel {
    pub(super) model: &'static Model,
    /// Height and width of an image, in pixels.
    pub(super) size: usize,
}

impl TryFrom<&ModelAtSize> for SizedModel {
    type Error = ocelli::nn::Error;

    fn try_from(typed: &ModelAtSize) -> Result<Self, Self::Error> {
        let model = registry::find(&typed.name)?;
        Ok(Self { model, size: typed.size.unwrap_or(model.config.input_size) })
    }
}

impl SizedModel {
    /// Those that were `typed`, or else the `standard` ones.
    ///
    /// # Errors
    /// When there is no network of a name.
    pub(super) fn chosen(
        typed: &[ModelAtSize],
        standard: &[(&str, usize)],
    ) -> anyhow::Result<Vec<Self>> {
        let sized = |(name, size): &(&str, usize)| ModelAtSize {
            name: (*name).to_owned(),
            size: Some(*size),
        };
        let standard: Vec<ModelAtSize> = standard.iter().map(sized).collect();
        let chosen = if typed.is_empty() { &standard } else { typed };
        Ok(chosen.iter().map(Self::try_from).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for SizedModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.model.name(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_follow_the_name() {
        let typed = |text: &str| text.parse::<ModelAtSize>().map(|model| model.size);
        assert_eq!(typed("resnet18"), Ok(None));
        assert_eq!(typed("resnet18@160"), Ok(Some(160)));
        assert!(typed("resnet18@160x192").is_err());
        assert!(typed("resnet18@").is_err());
    }
}
