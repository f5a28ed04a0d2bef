//! What is searched, and where: a new search from a recipe, or one that was begun before.

use anyhow::Context;
use ocelli::methods::search::{Ledger, Plan, SamplerKind, SearchConfig};
use ocelli::methods::{Error, Work};
use ocelli::recipes::{BuiltinRecipe, SEARCHES};
use ocelli::train::{Recipe, RunFolder};
use std::fs;
use std::path::{Path, PathBuf};

use super::Args;
use crate::args::recipe;
use crate::whole_file::write_whole;

/// Where new searches are made, below the present folder.
const RUNS: &str = "runs";
const RECIPE: &str = "search.toml";
const LEDGER: &str = "ledger.jsonl";
const SECTION: &str = "search";

/// A search that can begin or go on.
pub(super) struct Begun {
    pub(super) plan: Plan,
    pub(super) place: Place,
}

/// Where a search is written.
pub(super) enum Place {
    /// A folder that holds no search yet.
    New(PathBuf),
    /// The folder of a search that was begun before.
    Begun(PathBuf),
}

impl Place {
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::New(folder) | Self::Begun(folder) => folder,
        }
    }

    /// The ledger, made if it is new. Nothing is made before all else is known to be well.
    pub(super) fn open(&self, plan: &Plan) -> anyhow::Result<Ledger> {
        let ledger = self.folder().join(LEDGER);
        match self {
            Self::New(folder) => {
                fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
                let text = plan.recipe().to_toml_with(SECTION, plan.config())?;
                write_whole(&folder.join(RECIPE), text)?;
                Ok(Ledger::create(&ledger, &plan.header()?)?)
            }
            Self::Begun(_) => {
                let (opened, was_cut) = Ledger::open(&ledger, &plan.header()?, plan.space())?;
                if was_cut {
                    let (path, trials) = (ledger.display(), opened.trials().len());
                    tracing::warn!(
                        "{path}: the last line was cut and is dropped; {trials} trials are whole"
                    );
                }
                Ok(opened)
            }
        }
    }
}

/// Finds out what was asked for.
pub(super) fn plan(args: &Args, seed: Option<u64>) -> anyhow::Result<Begun> {
    let overrides = args.overrides(seed);
    if let Some(folder) = &args.resume {
        let path = folder.join(RECIPE);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let plan = resolve(&path.display().to_string(), &text, &overrides)?;
        return Ok(Begun { plan, place: Place::Begun(folder.clone()) });
    }
    let BuiltinRecipe { name: default, text } = SEARCHES[0];
    let name = args.recipe.as_deref().unwrap_or(default);
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let new = || RunFolder::unused_path(Path::new(RUNS), &stem);
    let folder = args.out.clone().unwrap_or_else(new);
    let ledger = folder.join(LEDGER);
    if ledger.exists() {
        return Err(Error::LedgerExists { path: ledger, what: Work::Search }.into());
    }
    let (origin, text) = match &args.recipe {
        Some(name) => recipe::text(name, SEARCHES)?,
        None => (default.to_owned(), text.into()),
    };
    let plan = resolve(&origin, &text, &overrides).with_context(|| name.to_owned())?;
    Ok(Begun { plan, place: Place::New(folder) })
}

fn resolve(origin: &str, text: &str, overrides: &[String]) -> anyhow::Result<Plan> {
    let (recipe, config): (_, SearchConfig) =
        Recipe::resolve_with(SECTION, origin, text, overrides)?;
    Ok(Plan::new(recipe, config)?)
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
