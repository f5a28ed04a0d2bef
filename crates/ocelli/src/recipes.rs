//! Recipes that come with the library, by name.

#[cfg(test)]
mod tests;

use ocelli_train::recipe;

/// A recipe that is part of the library.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinRecipe {
    /// What `ocelli train` calls it.
    pub name: &'static str,
    /// Its text, with comments.
    pub text: &'static str,
}

/// The recipe of a training that starts from weights.
pub const FINETUNE: &str = "finetune";

macro_rules! builtin {
    ($name:literal) => {
        BuiltinRecipe {
            name: $name,
            text: include_str!(concat!("../../../recipes/", $name, ".toml")),
        }
    };
}

/// All recipes that are part of the library, the default first. `NAME-small` has every field of
/// `NAME`, with other values, and may have `model.dropout`.
pub const RECIPES: &[BuiltinRecipe] = &[
    BuiltinRecipe { name: "default", text: recipe::DEFAULT },
    BuiltinRecipe { name: FINETUNE, text: recipe::FINETUNE },
    builtin!("cifar10-allconv"),
    builtin!("cifar10-allconv-small"),
    builtin!("cifar10-dae"),
    builtin!("cifar10-dqa"),
    builtin!("cifar10-dqa-small"),
    builtin!("cifar10-ghost_comparison"),
    builtin!("cifar10-ghostnet_small"),
    builtin!("cifar10-nin"),
    builtin!("cifar10-nin-small"),
    builtin!("cifar10-progressive"),
    builtin!("cifar10-resnet20"),
    builtin!("cifar10-simclr"),
    builtin!("cifar10-vgg16"),
    builtin!("cifar10-vgg16-small"),
    builtin!("cifar100-dqa"),
    builtin!("ghost_vgg_ablation"),
    builtin!("ghost_vgg_ablation-small"),
    builtin!("imagenet-dqa_mobilenetv2"),
    builtin!("imagenet-dqa_mobilenetv2-small"),
    builtin!("imagenet-dqa_resnet18"),
    builtin!("imagenet-efficientnetv2_s"),
    builtin!("imagenet-efficientnetv2_s-finetune"),
    builtin!("imagenet-ghostnet_100"),
    builtin!("imagenet-ghostnet_100-small"),
    builtin!("imagenet21k-efficientnetv2_s"),
];

/// The recipes of `ocelli search`, with a section `[search]`, the default first.
pub const SEARCHES: &[BuiltinRecipe] = &[builtin!("search"), builtin!("cifar10-search")];

/// The recipe of a training called `name`.
pub fn find(name: &str) -> Option<&'static BuiltinRecipe> {
    find_in(RECIPES, name)
}

/// The one of `recipes` that is called `name`.
pub fn find_in(recipes: &'static [BuiltinRecipe], name: &str) -> Option<&'static BuiltinRecipe> {
    recipes.iter().find(|recipe| recipe.name == name)
}
