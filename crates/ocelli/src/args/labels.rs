//! What labels mean: the words that all commands share which open a dataset.

use ocelli::data::ClassOrder;

/// Options about the classes of a dataset.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct LabelArgs {
    /// How classes are numbered that have names in the dataset and in nothing else: as text (0, 1, 10,
    /// 2), or by the numbers in their names (0, 1, 2, 10) [default: that of the run, or else text]
    #[arg(long, value_name = "text|number")]
    pub(crate) class_order: Option<ClassOrder>,
    /// Take a dataset whose images are all of one class
    #[arg(long)]
    pub(crate) one_class: bool,
}

impl LabelArgs {
    /// The same as fields of a recipe.
    pub(crate) fn overrides(self) -> impl Iterator<Item = String> {
        let order = self.class_order.map(|order| format!("data.class_order={order}"));
        let one_class = self.one_class.then(|| "data.one_class=true".to_owned());
        order.into_iter().chain(one_class)
    }
}
