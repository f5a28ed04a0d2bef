//! What may change of a recipe when its run is resumed.

use super::{Claimed, MethodSection, Recipe, overrides};
use crate::{Error, Result};
use toml::{Table, Value};

/// Fields that do not decide the weights of a step: when a run ends, where its data lies now, what
/// is kept.
const FREE: [&str; 14] = [
    "checkpoint.every",
    "checkpoint.keep",
    "data.accept_changes",
    "data.error_budget",
    "data.extra",
    "data.labels",
    "data.max_pixels",
    "data.one_class",
    "data.probe",
    "data.source",
    "data.test",
    "train.max_hours",
    "train.max_steps",
    "train.patience",
];

impl Recipe {
    /// The recipe of this run under `overrides`, to go on with it. A resumed run ends with the
    /// same weights as one that was not, so only some fields may change.
    ///
    /// # Errors
    /// As [`Recipe::resolve`], and [`Error::OtherRun`] when another field would change.
    pub fn resume<S: AsRef<str>>(&self, overrides: &[S]) -> Result<Self> {
        let mut table = self.to_table()?;
        for text in overrides {
            overrides::apply(&mut table, text.as_ref())?;
        }
        let method = self.method.as_ref().map(MethodSection::name);
        let resumed = Self::of_table(table, None, Claimed::By(method.as_slice()))?;
        self.check_same_run(&resumed)?;
        Ok(resumed)
    }

    /// Checks that a run that was begun with this recipe ends with the same weights under `now`.
    ///
    /// # Errors
    /// [`Error::OtherRun`] with the first field that may not change.
    pub(crate) fn check_same_run(&self, now: &Self) -> Result<()> {
        let fields = (leaves(&self.to_table()?), leaves(&now.to_table()?));
        // A file may lie elsewhere, but there is one or there is none.
        let is_free = |key: &str| {
            let same = match key {
                "data.extra" => self.data.extra.is_some() == now.data.extra.is_some(),
                "data.labels" => self.data.labels.is_some() == now.data.labels.is_some(),
                _ => true,
            };
            same && FREE.contains(&key)
        };
        let (begun, now) = fields;
        let all = begun.iter().chain(&now);
        for (key, _) in all.filter(|(key, _)| !is_free(key)) {
            let value = |leaves: &[(String, String)]| {
                let found = leaves.iter().find(|(name, _)| name == key);
                found.map_or_else(|| "not set".to_owned(), |(_, value)| value.clone())
            };
            let (begun, now) = (value(&begun), value(&now));
            if begun != now {
                return Err(Error::OtherRun { field: key.clone(), begun, now });
            }
        }
        Ok(())
    }
}

/// Every field that is not a section, with its value as TOML.
pub(crate) fn leaves(table: &Table) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(below) => {
                let below = self::leaves(below);
                leaves.extend(
                    below.into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)),
                );
            }
            value => leaves.push((key.clone(), value.to_string())),
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::DEFAULT;

    #[test]
    fn a_run_may_go_on_longer_but_not_differently() {
        let begun = Recipe::resolve("begun", DEFAULT, &["train.max_steps=10"]).unwrap();
        assert_eq!(begun.resume::<&str>(&[]).unwrap(), begun);
        let longer = begun.resume(&["train.max_steps=20", "data.source=elsewhere"]).unwrap();
        assert_eq!(longer.train.max_steps, Some(20));
        assert_eq!(longer.data.source, "elsewhere");

        let refuse = |set: &str| begun.resume(&[set]).unwrap_err().to_string();
        assert_eq!(
            refuse("optimizer.lr=0.5"),
            "the run was begun with optimizer.lr 0.1, now it is 0.5"
        );
        assert_eq!(
            refuse("model.dropout=0.5"),
            "the run was begun with model.dropout not set, now it is 0.5"
        );
        assert_eq!(
            refuse("data.hold_out=0.1"),
            "the run was begun with data.hold_out not set, now it is 0.1"
        );
        assert_eq!(
            refuse("data.labels=labels.tsv"),
            "the run was begun with data.labels not set, now it is \"labels.tsv\""
        );
        assert_eq!(
            refuse("data.class_order=number"),
            "the run was begun with data.class_order \"text\", now it is \"number\""
        );
        let labelled = Recipe::resolve("begun", DEFAULT, &["data.labels=a.tsv"]).unwrap();
        assert!(labelled.resume(&["data.labels=elsewhere/a.tsv"]).is_ok());
        assert!(refuse("train.epoch=3").contains("did you mean `train.epochs`?"));
    }
}
