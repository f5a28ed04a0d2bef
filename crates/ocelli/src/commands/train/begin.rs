//! What is trained, and where: a new run from a recipe, or one that was begun before.

use anyhow::Context;
use ocelli::methods::METHODS;
use ocelli::recipes::{self, RECIPES};
use ocelli::train::grid::Grid;
use ocelli::train::recipe::{DEFAULT, DataSection, FINETUNE};
use ocelli::train::{Error, Recipe, RunFolder, WeightsFile, WorkFolder};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Args;
use crate::args::{WeightsKeyArgs, recipe};
use crate::failure::{BadInput, BadUsage};
use crate::own_files::new_folder;

/// What is to be trained.
pub(crate) struct TrainPlan {
    /// The recipe, with the limits of this session.
    pub(super) recipe: Recipe,
    /// The recipe that a new run's folder holds, without them.
    pub(super) own_recipe: Recipe,
    /// Where its run is, or will be.
    pub(super) folder: WorkFolder,
}

impl TrainPlan {
    /// The training of `recipe`, before the limits of this session.
    pub(crate) fn new(recipe: Recipe, folder: WorkFolder) -> Self {
        Self { own_recipe: recipe.clone(), recipe, folder }
    }
}

/// The same with the file of weights in the place of the run's folder that `--pretrained` names, so
/// that all trainings of a grid begin with the same and it is told once.
pub(super) fn with_weights_found(mut args: Args) -> anyhow::Result<Args> {
    let choice = args.checkpoint.checkpoint;
    let Some(path) = &args.pretrained else {
        return match choice {
            None => Ok(args),
            Some(_) => Err(BadUsage("--checkpoint goes with --pretrained RUN".to_owned()).into()),
        };
    };
    if choice.is_some() || RunFolder::holds_run(path) {
        args.pretrained = Some(WeightsFile::find(path, choice)?.path);
    }
    Ok(args)
}

/// Finds out what was asked for. The limits of the command line hold for this session and are not
/// written into the run's recipe.
pub(super) fn plan(args: &Args, seed: Option<u64>) -> anyhow::Result<TrainPlan> {
    let mut plan = match args.resume.as_deref() {
        None => begin(args, resolve(args, seed)?)?,
        Some("auto") => resume_or_begin(args, resolve(args, seed)?)?,
        Some(path) => resume(args, seed, Path::new(path))?,
    };
    limit(&mut plan.recipe, args);
    Ok(plan)
}

/// Sets the limits of the command line.
pub(super) fn limit(recipe: &mut Recipe, args: &Args) {
    let limits = &mut recipe.train;
    limits.max_steps = args.max_steps.or(limits.max_steps);
    limits.max_hours = args.max_hours.or(limits.max_hours);
}

fn begin(args: &Args, recipe: Recipe) -> anyhow::Result<TrainPlan> {
    if let Some(folder) = &args.out {
        check_no_run(folder)?;
    }
    let folder = new_folder(args.out.as_deref(), stem(args), &[], args.force)?;
    Ok(TrainPlan::new(recipe, folder))
}

/// Refuses a folder that holds a run.
pub(super) fn check_no_run(folder: &Path) -> anyhow::Result<()> {
    if RunFolder::holds_run(folder) {
        return Err(Error::RunExists { path: folder.to_owned() }.into());
    }
    Ok(())
}

/// The run in a folder under its own recipe, of which only some fields may change.
fn resume(args: &Args, seed: Option<u64>, folder: &Path) -> anyhow::Result<TrainPlan> {
    if args.recipe.is_some() || args.out.is_some() {
        let message = "--resume RUN goes on with the run's own recipe in its own folder; RECIPE \
                       and --out go with --resume auto";
        return Err(BadUsage(message.to_owned()).into());
    }
    let begun = RunFolder::recipe(folder)?;
    let recipe = METHODS.resume(&begun, &args.overrides(seed))?;
    Ok(TrainPlan::new(recipe, WorkFolder::Begun(folder.to_owned())))
}

/// The run in `--out`, or else the newest of the same recipe; a new one if there is none.
fn resume_or_begin(args: &Args, recipe: Recipe) -> anyhow::Result<TrainPlan> {
    let found = match &args.out {
        Some(folder) => RunFolder::holds_run(folder).then(|| folder.clone()),
        None => newest_of(&recipe),
    };
    match found {
        Some(folder) => resume_same(&folder, recipe),
        None => begin(args, recipe),
    }
}

fn resume_same(folder: &Path, wanted: Recipe) -> anyhow::Result<TrainPlan> {
    check_same(folder, &wanted)?;
    Ok(TrainPlan::new(wanted, WorkFolder::Begun(folder.to_owned())))
}

/// Refuses to go on in `folder` with another recipe than that of the run in it.
pub(crate) fn check_same(folder: &Path, wanted: &Recipe) -> anyhow::Result<()> {
    let begun = RunFolder::recipe(folder)?;
    if is_same_run(&begun, wanted) {
        return Ok(());
    }
    let folder = folder.display();
    let message = format!("{folder} was begun with another recipe");
    let hint =
        format!("`ocelli train --resume {folder}` goes on with it; another --out begins anew");
    Err(BadInput::new(message).hint(hint).into())
}

/// Whether two recipes lead to the same weights. Where data lies, what is kept and when to stop
/// may differ, as for [`Recipe::resume`].
fn is_same_run(begun: &Recipe, wanted: &Recipe) -> bool {
    let given = |recipe: &Recipe| {
        let DataSection { extra, labels, .. } = &recipe.data;
        [extra.is_some(), labels.is_some()]
    };
    if given(begun) != given(wanted) {
        return false;
    }
    let mut wanted = wanted.clone();
    let DataSection { hold_out, class_order, .. } = wanted.data;
    wanted.data = DataSection { hold_out, class_order, ..begun.data.clone() };
    wanted.checkpoint = begun.checkpoint.clone();
    wanted.train.max_steps = begun.train.max_steps;
    wanted.train.max_hours = begun.train.max_hours;
    wanted.train.patience = begun.train.patience;
    wanted == *begun
}

/// The run below [`WorkFolder::PARENT`] that was begun last with this recipe.
fn newest_of(recipe: &Recipe) -> Option<PathBuf> {
    let began = |folder: &Path| -> Option<SystemTime> {
        let file = RunFolder::recipe_path(folder);
        let begun = RunFolder::recipe(folder).ok()?;
        let same = is_same_run(&begun, recipe)
            && begun.data.source == recipe.data.source
            && begun.data.extra == recipe.data.extra
            && begun.data.labels == recipe.data.labels;
        same.then(|| fs::metadata(file).ok()?.modified().ok()).flatten()
    };
    let folders = fs::read_dir(WorkFolder::PARENT).ok()?.flatten().map(|entry| entry.path());
    folders.filter_map(|folder| Some((began(&folder)?, folder))).max().map(|(_, folder)| folder)
}

/// The recipe with all that varies, for a command line that does not resume a certain run.
pub(super) fn grid(args: &Args, seed: Option<u64>) -> anyhow::Result<Grid> {
    let (origin, text) = args.recipe_text()?;
    let overrides = args.overrides(seed);
    let grid = Grid::new(&origin, &text, &overrides, &args.grid, args.pretrained.clone())?;
    Ok(grid.with_methods(METHODS))
}

/// The folder that was asked for, or the new one that would be made.
pub(super) fn out(args: &Args) -> PathBuf {
    let new = || WorkFolder::unused_path(Path::new(WorkFolder::PARENT), &stem(args));
    args.out.clone().unwrap_or_else(new)
}

/// The folder that was asked for, or a new one, which is made.
pub(super) fn claimed_out(args: &Args) -> anyhow::Result<PathBuf> {
    match &args.out {
        Some(folder) => Ok(folder.clone()),
        None => Ok(WorkFolder::claim_unused(Path::new(WorkFolder::PARENT), &stem(args))?),
    }
}

fn resolve(args: &Args, seed: Option<u64>) -> anyhow::Result<Recipe> {
    let overrides = args.overrides(seed);
    let (origin, text) = args.recipe_text()?;
    let recipe = match &args.pretrained {
        Some(weights) => METHODS.finetune(weights, &origin, &text, &overrides),
        None => METHODS.resolve(&origin, &text, &overrides),
    };
    let mut recipe = match &args.recipe {
        Some(name) => recipe.with_context(|| name.clone())?,
        None => recipe?,
    };
    hold_out(&mut recipe);
    Ok(recipe)
}

/// Holds images out of a dataset that has no part for evaluation, and says so.
pub(super) fn hold_out(recipe: &mut Recipe) {
    if recipe.hold_out_where_needed() {
        let (source, share) = (&recipe.data.source, recipe.data.hold_out.unwrap_or_default());
        tracing::info!(
            "{source}: one part; {share} of each class is held out for evaluation (data.hold_out)"
        );
    }
}

/// What new runs of these arguments are called.
fn stem(args: &Args) -> String {
    let pretrained = args.pretrained.as_ref().map(|_| recipes::FINETUNE);
    let model = args.set_value("model.name").or(args.model.as_deref());
    let name = args.recipe.as_deref().or(model).or(pretrained);
    let stem = Path::new(name.unwrap_or("default")).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

impl Args {
    /// The name and the text of the recipe that is asked for.
    fn recipe_text(&self) -> anyhow::Result<(String, Cow<'static, str>)> {
        if let Some(name) = &self.recipe {
            return recipe::text(name, RECIPES);
        }
        let names =
            |option: &Option<String>, key| option.is_some() || self.set_value(key).is_some();
        let text = if self.pretrained.is_some() {
            FINETUNE
        } else if names(&self.data, "data.source") || names(&self.model, "model.name") {
            // The default recipe is made for small grey images.
            ""
        } else {
            DEFAULT
        };
        Ok(("the default recipe".to_owned(), text.into()))
    }

    /// What `--set` says of a field, as it was typed.
    fn set_value(&self, key: &str) -> Option<&str> {
        let pairs = self.set.iter().rev().filter_map(|set| set.split_once('='));
        pairs
            .map(|(name, value)| (name.trim(), value.trim()))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The options that stand for a field of the recipe, and the fields that were set.
    fn overrides(&self, seed: Option<u64>) -> Vec<String> {
        let text = |key: &str, value: &str| format!("{key}={}", toml::Value::from(value));
        let mut overrides = Vec::new();
        overrides.extend(self.data.as_ref().map(|uri| text("data.source", uri)));
        overrides.extend(self.labels.overrides());
        overrides.extend(self.model.as_ref().map(|name| text("model.name", name)));
        let weights = self.pretrained.as_ref().map(|path| path.to_string_lossy());
        overrides.extend(weights.map(|path| text("model.weights", &path)));
        let WeightsKeyArgs { section, prefix } = &self.weights;
        overrides.extend(section.as_ref().map(|key| text("model.weights_section", key)));
        overrides.extend(prefix.as_ref().map(|prefix| text("model.weights_prefix", prefix)));
        overrides.extend(self.reset_head.then(|| "model.reset_head=true".to_owned()));
        overrides.extend(seed.map(|seed| format!("seed={seed}")));
        overrides.extend(self.set.iter().cloned());
        overrides
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn args(line: &str) -> Args {
        let words = ["ocelli", "train"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Train(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_short_for_fields_and_lose_to_set() {
        let args = args("--data 1.5 --model resnet18 --set model.name=resnet34");
        let recipe = resolve(&args, Some(9)).unwrap();
        assert_eq!((recipe.data.source.as_str(), recipe.seed), ("1.5", 9));
        assert_eq!(recipe.model.name, "resnet34");
        assert_eq!(recipe.input.size, 224, "the model's own, not the default recipe's");
    }

    #[test]
    fn data_and_model_choose_the_same_base_by_option_and_by_set() {
        for line in ["--set data.source=photos/", "--set model.name=resnet18", "--model resnet18"] {
            let recipe = resolve(&args(line), None).unwrap();
            assert_eq!(recipe.input.channels, 3, "{line}: not the default recipe's grey");
        }
        let by_set = "--set data.source=photos/ --set model.name=ghostnet_100";
        let by_option = "--data photos/ --model ghostnet_100";
        let resolved = |line: &str| resolve(&args(line), None).unwrap();
        assert_eq!(resolved(by_set), resolved(by_option));
        assert_eq!(stem(&args(by_set)), stem(&args(by_option)));
    }

    #[test]
    fn without_words_it_is_the_default_recipe() {
        let recipe = resolve(&args("--set train.epochs=1"), None).unwrap();
        assert_eq!(
            (recipe.data.source.as_str(), recipe.train.epochs),
            ("builtin:fashion-mnist", 1)
        );
        assert_eq!(stem(&args("")), "default");
        assert_eq!(stem(&args("--pretrained w.pth")), "finetune");
        assert_eq!(stem(&args("recipes/my.toml")), "my");
    }
}
