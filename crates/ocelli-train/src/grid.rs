//! Grids of recipes: one training for every combination of some settings.
//!
//! Axes come from the command line (`model.ghost.ratio=2,3,4`) and from the recipe itself, where
//! `[grid]` is one product of axes and `[[grid]]` several, whose cells are put together:
//!
//! ```toml
//! [[grid]]
//! model.ghost.cheap_kernel = [1, 3, 5, 7]
//!
//! [[grid]]
//! model.ghost.ratio = [2, 3, 4, 5]
//! ```
//!
//! An axis of the command line goes into each product, in place of one of the same field.

mod axis;
mod name;

#[cfg(test)]
mod tests;

pub use axis::Axis;
pub use name::labels;

use crate::recipe::table;
use crate::{Error, Methods, Recipe, Result};
use axis::Product;
use std::collections::HashSet;
use std::path::PathBuf;
use toml::{Table, Value};

/// The most trainings that a grid may have; more is a mistake.
const MOST_CELLS: usize = 4096;

/// A recipe some of whose fields have several values.
#[derive(Clone, Debug)]
pub struct Grid {
    base: Table,
    weights: Option<PathBuf>,
    products: Vec<Product>,
    methods: Methods,
}

/// One training of a grid.
#[derive(Debug)]
pub struct Cell {
    /// Its settings in a form that is a folder's name, as in `ratio=2,seed=0`; `run` where nothing
    /// varies.
    pub name: String,
    /// The fields that vary, as in `model.ghost.ratio`, with their values here.
    pub settings: Vec<(String, Value)>,
    /// Its recipe, or what is wrong with it.
    pub recipe: Result<Recipe>,
}

impl Grid {
    /// Resolves the text of a recipe under `overrides` with `axes`, as [`Recipe::resolve`] and,
    /// where there are `weights` to start from, [`Recipe::finetune`] do for one recipe.
    ///
    /// # Errors
    /// When the text is not TOML, an override or an axis is malformed, or a grid in the text is.
    pub fn new<S: AsRef<str>>(
        origin: &str,
        text: &str,
        overrides: &[S],
        axes: &[Axis],
        weights: Option<PathBuf>,
    ) -> Result<Self> {
        let mut base = table(origin, text, overrides)?;
        let mut products = match base.remove("grid") {
            Some(given) => axis::products(given)?,
            None => vec![Product::new()],
        };
        for product in &mut products {
            for axis in axes {
                match product.iter_mut().find(|own| own.key == axis.key) {
                    Some(own) => own.clone_from(axis),
                    None => product.push(axis.clone()),
                }
            }
        }
        Ok(Self { base, weights, products, methods: Methods::default() })
    }

    /// The same with recipes that may choose one of these methods.
    #[must_use]
    pub fn with_methods(self, methods: Methods) -> Self {
        Self { methods, ..self }
    }

    /// Whether nothing varies.
    pub fn is_single(&self) -> bool {
        self.products.iter().all(Vec::is_empty)
    }

    /// The fields that vary, in the order of their first appearance.
    pub fn keys(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let axes = self.products.iter().flatten().map(|axis| axis.key.as_str());
        axes.filter(|key| seen.insert(*key)).collect()
    }

    /// All trainings, each once. A field that varies in another product only has the value of the
    /// recipe, if the recipe gives it one.
    ///
    /// # Errors
    /// When there are too many.
    pub fn cells(&self) -> Result<Vec<Cell>> {
        let mut settings = Vec::new();
        for product in &self.products {
            let sizes = product.iter().map(|axis| axis.values.len());
            let size = sizes.fold(1_usize, usize::saturating_mul);
            if size + settings.len() > MOST_CELLS {
                let axes = product.iter().map(|axis| axis.key.as_str());
                return Err(Error::Grid {
                    axis: axes.collect::<Vec<_>>().join(" × "),
                    reason: format!("{size} trainings, expected at most {MOST_CELLS} in all"),
                });
            }
            settings.extend((0..size).map(|index| self.settings(product, index)));
        }
        let mut seen = HashSet::new();
        let cells = settings.into_iter().map(|settings| self.cell(settings));
        Ok(cells.filter(|cell| seen.insert(cell.name.clone())).collect())
    }

    /// The combination number `index` of a product, the last axis varying fastest.
    fn settings(&self, product: &Product, mut index: usize) -> Vec<(String, Value)> {
        let mut chosen = Vec::new();
        for axis in product.iter().rev() {
            chosen.push((axis.key.as_str(), &axis.values[index % axis.values.len()]));
            index /= axis.values.len();
        }
        let value = |key: &str| {
            let own = chosen.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
            own.or_else(|| axis::lookup(&self.base, key)).cloned()
        };
        self.keys().into_iter().filter_map(|key| Some((key.to_owned(), value(key)?))).collect()
    }

    fn cell(&self, settings: Vec<(String, Value)>) -> Cell {
        let name = name::folder_name(&settings, &self.keys());
        let recipe = self.recipe(&settings);
        Cell { name, settings, recipe }
    }

    fn recipe(&self, settings: &[(String, Value)]) -> Result<Recipe> {
        let mut table = self.base.clone();
        for (key, value) in settings {
            axis::set(&mut table, key, value.clone())?;
        }
        self.methods.of_table(table, self.weights.as_deref())
    }
}
