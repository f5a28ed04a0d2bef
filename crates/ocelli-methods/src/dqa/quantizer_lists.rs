//! The lists of quantizers of a section: each once, lowest first.

use super::Scheme;
use super::names::SECTION;
use ocelli_train::{Error, Result};
use std::fmt::Display;

/// A list of the section, and what may stand in it.
pub(super) struct QuantizerList<'a, Q> {
    /// The name of its field.
    pub(super) field: &'static str,
    /// What was written.
    pub(super) texts: &'a [String],
    /// Reads one of them, or says what was expected.
    pub(super) parse: fn(&str) -> Result<Q, String>,
    pub(super) bits: fn(Q) -> u32,
    /// The one that leaves values as they are.
    pub(super) float: Q,
    /// How to have no quantizer.
    pub(super) without: &'static str,
    pub(super) most: usize,
}

impl<Q: Copy + PartialEq + Display> QuantizerList<'_, Q> {
    /// The quantizers that the scheme uses.
    ///
    /// # Errors
    /// [`Error::Field`] with what is not possible.
    pub(super) fn of_scheme(&self, scheme: Scheme) -> Result<Vec<Q>> {
        let mut quantizers = self.read()?;
        let (needed, used) = match scheme {
            Scheme::FullPrecision => (0, 0),
            Scheme::Vanilla | Scheme::BinaryRelax2 => (1, 1),
            Scheme::BinaryRelax3 => (3, 3),
            Scheme::Dqa => (1, quantizers.len()),
        };
        if !(needed..=self.most).contains(&quantizers.len()) {
            let expected = format!("{needed} to {} quantizers", self.most);
            return Err(self.refuse("", &format!("{:?}", self.texts), expected));
        }
        quantizers.truncate(used);
        if quantizers.first() == Some(&self.float) {
            let expected = format!("a quantizer of 8 bits or less ({})", self.without);
            return Err(self.refuse(".0", &self.float, expected));
        }
        if scheme == Scheme::BinaryRelax2 {
            quantizers.push(self.float);
        }
        Ok(quantizers)
    }

    fn read(&self) -> Result<Vec<Q>> {
        let mut quantizers: Vec<Q> = Vec::with_capacity(self.texts.len());
        for (index, text) in self.texts.iter().enumerate() {
            let at = format!(".{index}");
            let quantizer =
                (self.parse)(text).map_err(|expected| self.refuse(&at, text, expected))?;
            if let Some(before) = quantizers.last()
                && ((self.bits)(*before) > (self.bits)(quantizer)
                    || quantizers.contains(&quantizer))
            {
                let expected = format!("another one of as many bits as {before} or more");
                return Err(self.refuse(&at, text, expected));
            }
            quantizers.push(quantizer);
        }
        Ok(quantizers)
    }

    fn refuse(&self, at: &str, found: &dyn Display, expected: String) -> Error {
        let field = format!("{SECTION}.{}{at}", self.field);
        Error::Field { field, found: found.to_string(), expected }
    }
}
