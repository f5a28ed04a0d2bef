//! What became of the tensors of a file and of a model.

use super::location::WeightsLocation;
use serde::Serialize;
use std::fmt;

/// The scheme of names that are the model's own.
pub(super) const OWN: &str = "own";

/// A tensor whose shape in the file is not that of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// The name in the model.
    pub name: String,
    /// The shape in the file.
    pub file: Vec<usize>,
    /// The shape in the model.
    pub model: Vec<usize>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, model } = self;
        write!(formatter, "`{name}` is {file:?} in the file and {model:?} in the model")
    }
}

/// What became of the tensors of a file and of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// The file.
    pub file: String,
    /// The scheme of its names; `own` for those of timm.
    pub scheme: &'static str,
    /// The dictionary of a checkpoint that the tensors stood in; none for that of the file itself.
    pub section: Option<String>,
    /// What was removed from the start of every name.
    pub prefix: String,
    /// Other locations in the file whose tensors fit as well.
    pub also_fits: Vec<WeightsLocation>,
    /// Parameters that took a tensor of the file.
    pub loaded: Vec<String>,
    /// The kernel whose channels were added up, as the model takes grey images and the file colours.
    pub summed: Option<String>,
    /// Batch counts that the file does not have; they start at zero.
    pub absent_counts: Vec<String>,
    /// Parameters of the classifier that were set to zero as asked.
    pub reset: Vec<String>,
    /// Tensors of the file's classifier that have no counterpart in the one that was reset.
    pub left_out: Vec<String>,
    /// Parameters that the file has nothing for.
    pub missing: Vec<String>,
    /// Parameters for which the file has a tensor of another shape.
    pub mis_shaped: Vec<Misfit>,
    /// Tensors among the model's that it has no use for.
    pub unexpected: Vec<String>,
    /// Tensors that stand beside the model's, as those of a loss; they are no part of it.
    pub beside: Vec<String>,
    /// Elements that are infinite or NaN as the tensors are written; only counted where they are
    /// converted.
    pub non_finite: Vec<NonFinite>,
    /// Where else tensors were looked for.
    #[serde(skip)]
    pub tried: Vec<WeightsLocation>,
}

/// A tensor with elements that are infinite or NaN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NonFinite {
    /// The name in the model.
    pub name: String,
    /// How many of its elements.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, of } = self;
        write!(formatter, "`{name}` ({count} of {of})")
    }
}

impl LoadReport {
    /// Whether every parameter got its value and every tensor was used.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.mis_shaped.is_empty() && self.unexpected.is_empty()
    }

    /// Where in the file the tensors stood.
    pub fn location(&self) -> WeightsLocation {
        WeightsLocation { section: self.section.clone(), prefix: self.prefix.clone() }
    }

    /// What was decided that the file leaves open, in one line; none where there was no choice.
    pub fn choice(&self) -> Option<String> {
        let mut facts = Vec::new();
        if !self.also_fits.is_empty() {
            let others: Vec<String> =
                self.also_fits.iter().map(WeightsLocation::to_string).collect();
            let others = others.join(", ");
            facts.push(format!("{others} would fit too (--section and --prefix choose)"));
        }
        if !self.beside.is_empty() {
            facts.push(format!("left out beside them: {}", names(&self.beside)));
        }
        if let Some(kernel) = &self.summed {
            facts.push(format!(
                "`{kernel}` is summed over its 3 channels, as the model is for grey"
            ));
        }
        let facts = facts.join("; ");
        let location = self.location();
        (!facts.is_empty())
            .then(|| format!("{}: took the weights of {location}; {facts}", self.file))
    }
}

impl fmt::Display for LoadReport {
    /// One line for what was loaded, and one for each thing that is worth a look.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "loaded {} tensors from {}", self.loaded.len(), self.file)?;
        if self.scheme != OWN {
            write!(formatter, ", named as in {}", self.scheme)?;
        }
        if let Some(section) = &self.section {
            write!(formatter, ", of the section `{section}`")?;
        }
        if !self.prefix.is_empty() {
            write!(formatter, ", without the prefix `{}`", self.prefix)?;
        }
        if !self.also_fits.is_empty() {
            let others: Vec<String> =
                self.also_fits.iter().map(WeightsLocation::to_string).collect();
            write!(formatter, "\n  {} would fit too", others.join(", "))?;
        }
        if let Some(kernel) = &self.summed {
            write!(formatter, "\n  `{kernel}` is summed over its channels, for grey images")?;
        }
        if !self.absent_counts.is_empty() {
            write!(formatter, "\n  {} batch counts start at zero", self.absent_counts.len())?;
        }
        let mut names = |title: &str, names: &[String]| match names {
            [] => Ok(()),
            names => write!(formatter, "\n  {title} ({}): {}", names.len(), names.join(", ")),
        };
        names("reset", &self.reset)?;
        names("left out", &self.left_out)?;
        names("missing", &self.missing)?;
        names("unused", &self.unexpected)?;
        names("beside the model", &self.beside)?;
        for misfit in &self.mis_shaped {
            write!(formatter, "\n  other shape: {misfit}")?;
        }
        Ok(())
    }
}

/// How many names a line shows before it says how many more there are.
const SHOWN: usize = 3;

fn names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
