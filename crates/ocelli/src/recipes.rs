//! Recipes that come with the library, by name.

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

/// All recipes that are part of the library, the default first.
pub const RECIPES: &[BuiltinRecipe] = &[
    BuiltinRecipe { name: "default", text: recipe::DEFAULT },
    BuiltinRecipe { name: FINETUNE, text: recipe::FINETUNE },
    BuiltinRecipe {
        name: "cifar10-ghostnet_small",
        text: include_str!("../../../recipes/cifar10-ghostnet_small.toml"),
    },
    BuiltinRecipe {
        name: "cifar10-resnet20",
        text: include_str!("../../../recipes/cifar10-resnet20.toml"),
    },
];

/// The recipe called `name`.
pub fn find(name: &str) -> Option<&'static BuiltinRecipe> {
    RECIPES.iter().find(|recipe| recipe.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_train::Recipe;

    #[test]
    fn every_recipe_resolves() {
        for recipe in RECIPES {
            Recipe::resolve::<&str>(recipe.name, recipe.text, &[]).unwrap();
        }
    }

    #[test]
    fn every_field_is_in_the_documentation() {
        let documentation = include_str!("../../../docs/recipes.md");
        let recipe = Recipe::default().to_toml().unwrap();
        for line in recipe.lines().filter(|line| line.contains(" = ")) {
            let field = line.split(" = ").next().unwrap();
            assert!(documentation.contains(&format!("`{field}`")), "{field}");
        }
    }
}
