//! The section `[compare]` of `attack.toml`.

use super::super::Rival;
use crate::Result;
use crate::error::require;
use serde::{Deserialize, Serialize};

/// `[compare]`: other attacks on the same images. For local search, values are taken to lie between -½ and ½.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompareSection {
    /// Which ones.
    pub attacks: Vec<Rival>,
    /// ε of FGSM: by how much each value changes, 1 to 255. The rows of Table IX are those of the paper on
    /// local search, which takes 0.2 on a scale of its own and counts the best of all classes to step away
    /// from; here it is the true one.
    pub epsilon: u8,
    /// p of local search: a pixel is tried with p times the signs of its values.
    pub sensitivity: f64,
    /// r of local search: a pixel changes to r times its values, and what leaves the range comes in again at
    /// the other end.
    pub cyclic: f64,
    /// t of local search: pixels that change in a round.
    pub changes: usize,
    /// d of local search: pixels so near to those, in rows and columns, are tried in the next round.
    pub reach: u32,
    /// For so many rounds a pixel that has changed is left alone.
    pub rest: u64,
    /// R of local search: the most rounds.
    pub rounds: u64,
    /// The most pixels that local search tries in a round, drawn from those near enough.
    pub tries: usize,
}

impl Default for CompareSection {
    /// R, d, t, r and the rest of local search as in its paper, p and the sample of 128 as in Foolbox.
    fn default() -> Self {
        Self {
            attacks: Vec::new(),
            epsilon: 8,
            sensitivity: 10.0,
            cyclic: 1.5,
            changes: 5,
            reach: 5,
            rest: 30,
            rounds: 150,
            tries: 128,
        }
    }
}

impl CompareSection {
    /// Whether it says nothing that the defaults do not.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks every field.
    ///
    /// # Errors
    /// With the first that is out of range.
    pub(super) fn check(&self) -> Result<()> {
        for (at, attack) in self.attacks.iter().enumerate() {
            let is_new = !self.attacks[..at].contains(attack);
            require("compare.attacks", format!("{attack} twice"), is_new, "each attack once")?;
        }
        require("compare.epsilon", self.epsilon, self.epsilon >= 1, "1 to 255")?;
        let sensitivity = self.sensitivity;
        let holds = sensitivity > 0.0 && sensitivity <= 1000.0;
        require("compare.sensitivity", sensitivity, holds, "more than 0, up to 1000")?;
        require("compare.cyclic", self.cyclic, (0.0..=2.0).contains(&self.cyclic), "0 to 2")?;
        require("compare.changes", self.changes, self.changes >= 1, "1 or more")?;
        let holds = (1..=1_000_000).contains(&self.rounds);
        require("compare.rounds", self.rounds, holds, "1 to 1000000")?;
        require("compare.tries", self.tries, (1..=1024).contains(&self.tries), "1 to 1024")
    }
}
