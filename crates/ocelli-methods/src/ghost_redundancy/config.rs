//! What is studied, and how.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The settings of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The layer whose maps are looked at, by the name of its operation; none means the end of the
    /// first stage, as in figure 1.
    pub layer: Option<String>,
    /// d: heights and widths of the filters, odd numbers, in ascending order.
    pub kernels: Vec<usize>,
    /// Whether a filter has a bias.
    pub bias: bool,
    /// How many of the most similar pairs are reported.
    pub pairs: usize,
    /// A map is redundant if the best filter over any other map leaves less than this share of its
    /// variance.
    pub threshold: f64,
}

impl Default for Config {
    /// The paper's kernels and its three pairs. The threshold is ours.
    fn default() -> Self {
        Self { layer: None, kernels: vec![1, 3, 5, 7], bias: true, pairs: 3, threshold: 0.1 }
    }
}

impl Config {
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |field, found: String, expected: &str| {
            Err(Error::Setting { field, found, expected: expected.to_owned() })
        };
        let is_odd = |kernel: &usize| kernel % 2 == 1 && *kernel <= 15;
        if self.kernels.is_empty() || !self.kernels.iter().all(is_odd) || !self.kernels.is_sorted()
        {
            let found = format!("{:?}", self.kernels);
            return refuse("kernels", found, "odd numbers from 1 to 15 in ascending order");
        }
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return refuse("threshold", self.threshold.to_string(), "more than 0, at most 1");
        }
        Ok(())
    }
}
