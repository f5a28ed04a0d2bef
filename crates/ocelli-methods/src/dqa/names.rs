//! What the section and the parameters of the method are called.

/// The section of a recipe.
pub(super) const SECTION: &str = "dqa";

/// What the names of parameters begin with that are learnt beside the weights.
pub(super) const PREFIX: &str = "dqa.";
