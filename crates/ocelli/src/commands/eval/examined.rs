//! A network that does not classify, measured as its run measured it.

use ocelli::methods::METHODS;
use ocelli::train::{ChosenCheckpoint, Examined, Local, Machine, Recipe, Score, Setup, Trained};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::Done;
use crate::run_data;
use crate::settings::Settings;

#[derive(Serialize)]
struct ExaminedJson<'a> {
    model: &'a str,
    weights: &'a Path,
    checkpoint: Option<&'a ChosenCheckpoint>,
    score: Option<&'a Score>,
    values: BTreeMap<&'a str, f64>,
}

/// The recipe of the run in a folder, if its method makes no classifier.
pub(super) fn recipe_of(folder: Option<&Path>) -> anyhow::Result<Option<Recipe>> {
    let Some(recipe) = folder.and_then(run_data::recipe_of) else { return Ok(None) };
    let classifies = METHODS.config(&recipe)?.classifies();
    Ok((!classifies).then_some(recipe))
}

/// Shows what the examiners of the run's method find.
pub(super) fn run(
    recipe: &Recipe,
    trained: &Trained,
    mut settings: Settings,
) -> anyhow::Result<Done> {
    let device = settings.open_device()?;
    let machine = Machine { device, threads: settings.threads, rank: 0, world_size: 1 };
    let mut found: Vec<Examined> = Vec::new();
    for mut examiner in Setup::examiners(recipe, METHODS, &machine)? {
        found.push(examiner.examine(&trained.network, &Local, &mut |_, _| {})?);
    }
    let output = &mut settings.output;
    let checkpoint = trained.checkpoint.as_ref();
    output.text(format_args!("model  {}", trained.arch))?;
    if let Some(chosen) = checkpoint {
        output.text(format_args!("checkpoint  {chosen}"))?;
    }
    let score = found.iter().find_map(|examined| examined.score.as_ref());
    if let Some(score) = score {
        output.text(format_args!("score  {score}"))?;
    }
    let values = found.iter().flat_map(|examined| &examined.values);
    let values: BTreeMap<&str, f64> = values.map(|(name, value)| (name.as_str(), *value)).collect();
    for (name, value) in &values {
        output.text(format_args!("{name}  {value:.4}"))?;
    }
    let (model, weights) = (trained.arch.as_str(), trained.file.as_path());
    settings.output.finish(&ExaminedJson { model, weights, checkpoint, score, values })?;
    Ok(Done::Complete)
}
