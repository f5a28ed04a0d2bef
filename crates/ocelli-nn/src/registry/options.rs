//! What a user may choose about an architecture.

use crate::backbones::efficientnetv2::Layout;
use crate::ghostify::Ghost;
use crate::graph::Head;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// What a user may choose about an architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// How many classes the classifier tells apart.
    pub num_classes: usize,
    /// 3 for colour images, 1 for grey ones.
    pub in_channels: usize,
    /// Dropout before the classifier and wherever else the network has any; the paper's values if
    /// absent.
    pub dropout: Option<f64>,
    /// The largest probability of stochastic depth; none if absent.
    pub drop_path: Option<f64>,
    /// Whether the stem keeps the resolution, for images of about 32 pixels.
    pub small_input: bool,
    /// How convolutions become Ghost modules; they stay if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ghost: Option<Ghost>,
    /// The stages of `efficientnetv2`, which is no network without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// What stands after the pooled features.
    #[serde(skip_serializing_if = "Head::is_linear")]
    pub head: Head,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            num_classes: 1000,
            in_channels: 3,
            dropout: None,
            drop_path: None,
            small_input: false,
            ghost: None,
            layout: None,
            head: Head::Linear,
        }
    }
}

/// The most classes that a network may tell apart. Together with [`MAX_CHANNELS`] it bounds what a
/// file or a command line can make us reserve or count.
const MAX_CLASSES: usize = 1 << 20;

/// The most channels that a network may take.
const MAX_CHANNELS: usize = 1 << 10;

impl ModelOptions {
    pub(super) fn check(&self) -> Result<()> {
        for (option, value, most) in [
            ("num_classes", self.num_classes, MAX_CLASSES),
            ("in_channels", self.in_channels, MAX_CHANNELS),
        ] {
            if !(1..=most).contains(&value) {
                return Err(refuse(option, &value, &format!("1 to {most}")));
            }
        }
        for (option, value) in [("dropout", self.dropout), ("drop_path", self.drop_path)] {
            if let Some(value) = value.filter(|value| !(0.0..1.0).contains(value)) {
                return Err(refuse(option, &value, "from 0 to below 1"));
            }
        }
        Ok(())
    }
}

pub(super) fn refuse(option: &str, value: &dyn Display, expected: &str) -> Error {
    Error::ModelOption {
        option: option.to_owned(),
        value: value.to_string(),
        expected: expected.to_owned(),
    }
}
