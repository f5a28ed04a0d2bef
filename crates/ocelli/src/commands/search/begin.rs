//! What is searched, and where: a new search from a recipe, or one that was begun before.

use anyhow::Context;
use ocelli::methods::search::{Ledger, SamplerKind, SearchConfig, SearchPlan};
use ocelli::methods::{Error, WorkKind};
use ocelli::recipes::{BuiltinRecipe, SEARCHES};
use ocelli::train::recipe::LARGEST_FILE;
use ocelli::train::{DataRecord, Recipe, RunFolder, read_text};
use std::fs;
use std::path::{Path, PathBuf};

use super::args::Args;
use crate::args::recipe;
use crate::own_files::check_folder;
use crate::run_data;
use crate::whole_file::write_whole;

/// Where new searches are made, below the present folder.
const RUNS: &str = "runs";
const RECIPE: &str = "search.toml";
const LEDGER: &str = "ledger.jsonl";
const SECTION: &str = "search";

/// A search that can begin or go on.
pub(super) struct BegunSearch {
    pub(super) plan: SearchPlan,
    pub(super) place: ChosenFolder,
}

/// Where a search is written.
pub(super) enum ChosenFolder {
    /// A new folder below [`RUNS`] of this name and a number, which is not made yet.
    Unused(String),
    /// A folder that holds no search yet.
    New(PathBuf),
    /// The folder of a search that was begun before.
    Begun(PathBuf),
}

impl ChosenFolder {
    /// Makes a new folder, where none was named.
    pub(super) fn claim(self) -> anyhow::Result<Folder> {
        Ok(match self {
            Self::Unused(stem) => Folder {
                path: RunFolder::claim_unused(Path::new(RUNS), &stem)?,
                is_begun: false,
                is_claimed: true,
            },
            Self::New(path) => Folder { path, is_begun: false, is_claimed: false },
            Self::Begun(path) => Folder { path, is_begun: true, is_claimed: false },
        })
    }
}

/// The folder of a search.
pub(super) struct Folder {
    path: PathBuf,
    /// Whether a search was begun in it before.
    is_begun: bool,
    /// Whether it was made for this search.
    is_claimed: bool,
}

impl Folder {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what was made for a search that cannot begin.
    pub(super) fn give_up(&self) {
        if self.is_claimed {
            // If it cannot be removed, an empty folder is left, which does no harm.
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// The ledger, made if it is new. Nothing is made before all else is known to be well.
    pub(super) fn open(&self, plan: &SearchPlan) -> anyhow::Result<Ledger> {
        let folder = &self.path;
        let ledger = folder.join(LEDGER);
        let [train, minival] = plan.images();
        let parts = [(DataRecord::TRAIN, &**train), ("minival", &**minival)];
        let record = DataRecord::new(&parts)?;
        if !self.is_begun {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            let text = plan.recipe().to_toml_with(SECTION, plan.config())?;
            write_whole(&folder.join(RECIPE), text)?;
            record.save(folder)?;
            return Ok(Ledger::create(&ledger, &plan.header()?)?);
        }
        let (opened, was_cut) = Ledger::open(&ledger, &plan.header()?, plan.space())?;
        run_data::check_same(folder, &record, &parts)?;
        if was_cut {
            let (path, trials) = (ledger.display(), opened.trials().len());
            tracing::warn!(
                "{path}: the last line was cut and is dropped; {trials} trials are whole"
            );
        }
        Ok(opened)
    }
}

/// Finds out what was asked for.
pub(super) fn plan(args: &Args, seed: Option<u64>) -> anyhow::Result<BegunSearch> {
    let overrides = args.overrides(seed);
    if let Some(folder) = &args.resume {
        let path = folder.join(RECIPE);
        let text = read_text(&path, LARGEST_FILE)?;
        let plan = resolve(&path.display().to_string(), &text, &overrides)?;
        return Ok(BegunSearch { plan, place: ChosenFolder::Begun(folder.clone()) });
    }
    let BuiltinRecipe { name: default, text } = SEARCHES[0];
    let name = args.recipe.as_deref().unwrap_or(default);
    let place = if let Some(folder) = &args.out {
        let ledger = folder.join(LEDGER);
        if ledger.exists() {
            return Err(Error::LedgerExists { path: ledger, what: WorkKind::Search }.into());
        }
        check_folder(folder, &[RECIPE], args.force)?;
        ChosenFolder::New(folder.clone())
    } else {
        let stem = Path::new(name).file_stem().unwrap_or_default();
        ChosenFolder::Unused(stem.to_string_lossy().into_owned())
    };
    let (origin, text) = match &args.recipe {
        Some(name) => recipe::text(name, SEARCHES)?,
        None => (default.to_owned(), text.into()),
    };
    let plan = resolve(&origin, &text, &overrides).with_context(|| name.to_owned())?;
    Ok(BegunSearch { plan, place })
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
