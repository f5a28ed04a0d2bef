//! What weights and the registry say of a model, under what a recipe says.

use super::ModelSection;
use crate::trained::preprocessing;
use crate::{Pretrained, Result, WeightsChoice};
use ocelli_nn::registry;
use serde::Serialize;
use toml::{Table, Value};

/// Adds the fields of `[input]` and `[eval]` that the recipe leaves to the model.
///
/// A table that is malformed here is left to the reader, which names what is wrong with it.
pub(super) fn fill(recipe: &mut Table) -> Result<()> {
    let given = |section: &str, key: &str| recipe.get(section)?.as_table()?.get(key);
    let name = match given("model", "name") {
        Some(Value::String(name)) if !name.is_empty() => name.clone(),
        Some(_) => return Ok(()),
        None => ModelSection::default().name,
    };
    let grey = given("input", "channels") == Some(&Value::Integer(1));
    let (input, eval) = preprocessing(&registry::find(&name)?.config, if grey { 1 } else { 3 });
    complete(recipe, "input", &input);
    complete(recipe, "eval", &eval);
    Ok(())
}

/// What a recipe says of the weights that it starts from: the network, if it names one, and where in
/// the file they stand.
pub(super) fn weights_choice(recipe: &Table) -> WeightsChoice {
    let text = |key: &str| Some(recipe.get("model")?.as_table()?.get(key)?.as_str()?.to_owned());
    WeightsChoice {
        arch: text("name"),
        section: text("weights_section"),
        prefix: text("weights_prefix"),
        checkpoint: None,
    }
}

/// Says which file the recipe starts from, and adds what it leaves to these weights.
pub(super) fn fill_from(recipe: &mut Table, pretrained: &Pretrained) {
    let model = ModelSection {
        name: pretrained.model.name(),
        small_input: pretrained.options.small_input,
        ghost: pretrained.options.ghost.clone(),
        layout: pretrained.options.layout.clone(),
        ..ModelSection::default()
    };
    complete(recipe, "model", &model);
    if let Some(Value::Table(section)) = recipe.get_mut("model") {
        section.insert("weights".to_owned(), pretrained.file.to_string_lossy().as_ref().into());
    }
    let channels = recipe.get("input").and_then(|input| input.get("channels"));
    let expected = Value::Integer(i64::from(pretrained.input.channels));
    if channels.is_none_or(|given| *given == expected) {
        complete(recipe, "input", &pretrained.input);
    }
    complete(recipe, "eval", &pretrained.eval);
}

/// Adds the fields of `defaults` that the section lacks.
fn complete(recipe: &mut Table, section: &str, defaults: &impl Serialize) {
    let entry = recipe.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let (Value::Table(given), Ok(defaults)) = (entry, Table::try_from(defaults)) {
        for (key, value) in defaults {
            given.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, Recipe};
    use burn::tensor::Device;
    use ocelli_data::{EvalConfig, InputConfig};
    use ocelli_nn::ghostify::Ghost;
    use ocelli_nn::registry::ModelOptions;
    use ocelli_nn::weights::{safetensors, state_dict};
    use ocelli_random::Seed;
    use std::fs;
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// A file with the weights of a Ghost form, and what a run would say of it.
    fn weights(folder: &TempDir, metadata: impl FnOnce(ModelOptions) -> Metadata) -> PathBuf {
        let ghost = Some(Ghost { ratio: 3, ..Ghost::default() });
        let options = ModelOptions { num_classes: 4, ghost, ..ModelOptions::default() };
        let model = registry::find("resnet20_cifar").unwrap();
        let network = model.network(&options, Seed(1), &Device::flex()).unwrap();
        let mut dict = state_dict(&network).unwrap();
        dict.metadata.extend(metadata(options).to_map().unwrap());
        let path = folder.path().join("model.safetensors");
        fs::write(&path, safetensors::to_bytes(&dict).unwrap()).unwrap();
        path
    }

    fn complete_metadata(options: ModelOptions) -> Metadata {
        Metadata {
            arch: Some("resnet20_cifar".into()),
            options: Some(options),
            input: Some(InputConfig { size: 40, mean: vec![0.25; 3], ..InputConfig::default() }),
            eval: Some(EvalConfig { crop_pct: 0.5, ..EvalConfig::default() }),
            classes: None,
        }
    }

    #[test]
    fn what_a_recipe_leaves_open_is_as_the_weights_say() {
        let folder = TempDir::new().unwrap();
        let path = weights(&folder, complete_metadata);
        let finetune = |sets: &[&str]| Recipe::finetune(&path, "test", "", sets).unwrap();
        let recipe = finetune(&[]);
        assert_eq!(recipe.model.name, "resnet20_cifar");
        assert_eq!(recipe.model.weights, Some(path.clone()));
        assert_eq!(recipe.model.ghost.map(|ghost| ghost.ratio), Some(3));
        assert_eq!((recipe.input.size, recipe.eval.crop_pct), (40, 0.5));
        assert_eq!(recipe.input.mean, [0.25; 3]);

        let recipe = finetune(&["input.size=24", "model.weights=elsewhere"]);
        assert_eq!((recipe.input.size, recipe.eval.crop_pct), (24, 0.5));
        assert_eq!(recipe.model.weights, Some(path.clone()), "the file that was looked at");
        let grey = finetune(&["input.channels=1"]);
        assert_eq!((grey.input.size, grey.input.mean.len()), (32, 1), "the registry's");
    }

    #[test]
    fn weights_of_no_network_or_of_another_file_are_refused() {
        let folder = TempDir::new().unwrap();
        let path = weights(&folder, |_| Metadata::default());
        let refuse = |path: &std::path::Path| {
            Recipe::finetune::<&str>(path, "test", "", &[]).unwrap_err().to_string()
        };
        assert!(refuse(&path).contains("no known model"), "a Ghost form that does not say so");
        assert!(refuse(&folder.path().join("none")).contains("none"));
    }
}
