//! Where in a file the tensors of a network stand.

use serde::Serialize;
use std::fmt;

/// A section of a file, and what its names begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct WeightsLocation {
    /// The dictionary of a checkpoint, as in `model_ema`; none for that of the file itself.
    pub section: Option<String>,
    /// What stands before every name, as in `module.`.
    pub prefix: String,
}

impl WeightsLocation {
    /// Whether it says that its weights are an average over steps.
    pub(super) fn is_averaged(&self) -> bool {
        self.section.as_deref().is_some_and(is_averaged) || is_averaged(&self.prefix)
    }
}

impl fmt::Display for WeightsLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.section, self.prefix.as_str()) {
            (None, "") => formatter.write_str("the top level"),
            (None, prefix) => write!(formatter, "`{prefix}*`"),
            (Some(section), "") => write!(formatter, "`{section}`"),
            (Some(section), prefix) => write!(formatter, "`{prefix}*` in `{section}`"),
        }
    }
}

/// Words for weights that are averaged over the steps of a training.
const AVERAGED: &[&str] = &["ema", "swa", "averaged", "average", "avg", "shadow", "polyak"];

/// Whether keys say that what they lead to is averaged, as in `model_ema`, `EMACallback` and
/// `state_dict_ema`.
pub(super) fn is_averaged(keys: &str) -> bool {
    keys.split(|c: char| !c.is_ascii_alphabetic()).any(|word| {
        word.starts_with("EMA")
            || word.starts_with("Ema")
            || word.ends_with("Ema")
            || word.ends_with("EMA")
            || AVERAGED.contains(&word.to_ascii_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_told_by_their_names() {
        for keys in [
            "model_ema",
            "ema",
            "state_dict_ema",
            "ema_model.",
            "callbacks.EMACallback.weights",
            "ModelEma",
            "swa_model",
            "averaged_model.module.",
        ] {
            assert!(is_averaged(keys), "{keys}");
        }
        for keys in ["", "model", "state_dict", "schema", "emaciated", "net.", "raw_model"] {
            assert!(!is_averaged(keys), "{keys}");
        }
    }

    #[test]
    fn a_place_is_told_as_it_can_be_asked_for() {
        let location = |section: Option<&str>, prefix: &str| {
            WeightsLocation { section: section.map(str::to_owned), prefix: prefix.to_owned() }
                .to_string()
        };
        assert_eq!(location(Some("ema"), "module."), "`module.*` in `ema`");
        assert_eq!(location(Some("ema"), ""), "`ema`");
        assert_eq!(location(None, "net."), "`net.*`");
        assert_eq!(location(None, ""), "the top level");
    }
}
