//! What is searched, and where: a new search from a recipe, or one that was begun before.

use anyhow::Context;
use ocelli::methods::search::{Ledger, SamplerKind, SearchConfig, SearchPlan};
use ocelli::methods::{Error, WorkKind};
use ocelli::recipes::{BuiltinRecipe, SEARCHES};
use ocelli::train::recipe::LARGEST_FILE;
use ocelli::train::{ClaimedFolder, DataRecord, Recipe, WorkFolder, read_text};
use std::path::Path;

use super::args::Args;
use crate::args::recipe;
use crate::own_files::new_folder;
use crate::run_data;
use crate::whole_file::write_whole;

const RECIPE: &str = "search.toml";
const LEDGER: &str = "ledger.jsonl";
const SECTION: &str = "search";

/// A search that can begin or go on.
pub(super) struct BegunSearch {
    pub(super) plan: SearchPlan,
    pub(super) folder: WorkFolder,
}

/// The ledger, made if it is new. Nothing is made before all else is known to be well.
pub(super) fn open(folder: &ClaimedFolder, plan: &SearchPlan) -> anyhow::Result<Ledger> {
    let path = folder.path();
    let ledger = path.join(LEDGER);
    let [train, minival] = plan.images();
    let parts = [(DataRecord::TRAIN, &**train), ("minival", &**minival)];
    let record = DataRecord::new(&parts)?;
    if !folder.is_begun() {
        folder.make()?;
        let text = plan.recipe().to_toml_with(SECTION, plan.config())?;
        write_whole(&path.join(RECIPE), text)?;
        record.save(path)?;
        return Ok(Ledger::create(&ledger, &plan.header()?)?);
    }
    let (opened, was_cut) = Ledger::open(&ledger, &plan.header()?, plan.space())?;
    run_data::check_same(path, &record, &parts)?;
    if was_cut {
        let (path, trials) = (ledger.display(), opened.trials().len());
        tracing::warn!("{path}: the last line was cut and is dropped; {trials} trials are whole");
    }
    Ok(opened)
}

/// Finds out what was asked for.
pub(super) fn plan(args: &Args, seed: Option<u64>) -> anyhow::Result<BegunSearch> {
    let overrides = args.overrides(seed);
    if let Some(folder) = &args.resume {
        let path = folder.join(RECIPE);
        let text = read_text(&path, LARGEST_FILE)?;
        let plan = resolve(&path.display().to_string(), &text, &overrides)?;
        return Ok(BegunSearch { plan, folder: WorkFolder::Begun(folder.clone()) });
    }
    let BuiltinRecipe { name: default, text } = SEARCHES[0];
    let name = args.recipe.as_deref().unwrap_or(default);
    if let Some(folder) = &args.out {
        let ledger = folder.join(LEDGER);
        if ledger.exists() {
            return Err(Error::LedgerExists { path: ledger, what: WorkKind::Search }.into());
        }
    }
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = new_folder(args.out.as_deref(), stem, &[RECIPE], args.force)?;
    let (origin, text) = match &args.recipe {
        Some(name) => recipe::text(name, SEARCHES)?,
        None => (default.to_owned(), text.into()),
    };
    let plan = resolve(&origin, &text, &overrides).with_context(|| name.to_owned())?;
    Ok(BegunSearch { plan, folder })
}

fn resolve(origin: &str, text: &str, overrides: &[String]) -> anyhow::Result<SearchPlan> {
    let (recipe, config): (_, SearchConfig) =
        Recipe::resolve_with(SECTION, origin, text, overrides)?;
    Ok(SearchPlan::new(recipe, config)?)
}

impl Args {
    /// The options that stand for a field of the recipe, and the fields that were set.
    fn overrides(&self, seed: Option<u64>) -> Vec<String> {
        let mut overrides = Vec::new();
        let data = self.data.as_deref().map(toml::Value::from);
        overrides.extend(data.map(|uri| format!("data.source={uri}")));
        overrides.extend(self.labels.overrides());
        overrides.extend(self.trials.map(|trials| format!("search.trials={trials}")));
        let sampler = self.sampler.map(|sampler| match sampler.into() {
            SamplerKind::Random => "random",
            SamplerKind::Evolution => "evolution",
            SamplerKind::Reinforce => "reinforce",
        });
        overrides.extend(sampler.map(|name| format!("search.sampler={name}")));
        overrides.extend(self.epochs_per_trial.map(|epochs| format!("search.epochs={epochs}")));
        overrides.extend(seed.map(|seed| format!("seed={seed}")));
        overrides.extend(self.set.iter().cloned());
        overrides
    }
}
