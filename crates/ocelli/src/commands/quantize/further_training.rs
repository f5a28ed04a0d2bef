//! Few bits by some epochs more: trained by DQA from the weights of a run, then packed.

use anyhow::Context;
use ocelli::methods::dqa::{FewBits, PerChoice};
use ocelli::train::{
    CheckpointChoice, Recipe, RunFolder, TrainOutcome, Trained, WeightsChoice, WorkFolder,
};
use std::cell::RefCell;
use std::path::Path;

use super::args::{Args, Share};
use super::subject::{QuantizeSubject, RUN};
use super::trained_levels;
use crate::commands::train::{Session, TrainPlan, check_same};
use crate::failure::{BadInput, BadUsage, Done};
use crate::own_files::check_folder;
use crate::run_data;
use crate::settings::Settings;
use crate::signals;

pub(super) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    check_order(&args.bits)?;
    let path = args.model_path.as_deref().or(args.model.weights.as_deref());
    let path = path.ok_or_else(|| BadUsage("give a run's folder to train further".to_owned()))?;
    let begun = recipe_of(path)?;
    let subject = QuantizeSubject::open(args, &settings)?;
    let recipe = recipe(args, &begun, &subject.trained, settings.seed)
        .with_context(|| path.display().to_string())?;

    let device = settings.open_device()?;
    let folder = subject.out.join(RUN);
    let folder = if RunFolder::holds_run(&folder) {
        check_same(&folder, &recipe)?;
        WorkFolder::Begun(folder)
    } else {
        check_folder(&folder, &[], args.force)?;
        WorkFolder::New(folder)
    };
    let session = Session {
        device: device.clone(),
        threads: settings.threads,
        eval_attack: None,
        stop: signals::stop_flag()?,
        memory: settings.memory,
        records: RefCell::default(),
    };
    let trained = session.train(TrainPlan::new(recipe, folder))?;
    if trained.summary.outcome == TrainOutcome::Interrupted {
        tracing::info!("interrupted and saved; the same command goes on");
        return Ok(Done::Interrupted);
    }
    // Its mixtures harden until the last step: earlier ones, which may score better, were not made for it.
    let last =
        WeightsChoice { checkpoint: Some(CheckpointChoice::Last), ..WeightsChoice::default() };
    let network = Trained::open_with(&trained.folder, &last, &device)?.network;
    trained_levels::pack(&subject, &network, Some(&trained.folder), settings)
}

/// The recipe of the run to which `path` belongs.
fn recipe_of(path: &Path) -> anyhow::Result<Recipe> {
    let Some(folder) = run_data::folder_of(path) else {
        let message =
            format!("{}: no run with a recipe, which --bits trains further", path.display());
        let hint = "--post-training needs no recipe; `ocelli train --pretrained` makes a run";
        return Err(BadInput::new(message).hint(hint).into());
    };
    let recipe = RunFolder::recipe(folder)?;
    FewBits::check_run(&recipe).with_context(|| folder.display().to_string())?;
    Ok(recipe)
}

fn recipe(
    args: &Args,
    begun: &Recipe,
    network: &Trained,
    seed: Option<u64>,
) -> anyhow::Result<Recipe> {
    let standard = FewBits::default();
    let few = FewBits {
        bits: args.bits.clone(),
        activations: args.activations,
        epochs: args.epochs.unwrap_or(standard.epochs),
        per: match args.per {
            None | Some(Share::Tensor) => PerChoice::Tensor,
            Some(Share::Channel) => PerChoice::Channel,
        },
        keep: args.keep.clone(),
        ..standard
    };
    let mut recipe = few.recipe(begun, network)?;
    if let Some(lr) = args.lr {
        recipe.optimizer.lr = lr;
    }
    if let Some(data) = &args.data {
        (recipe.data.source, recipe.data.test) = (data.clone(), None);
    }
    recipe.data.class_order = args.classes.class_order.unwrap_or(recipe.data.class_order);
    recipe.data.one_class |= args.classes.one_class;
    match seed {
        Some(seed) if recipe.data.hold_out.is_some() && seed != recipe.seed => {
            let message = format!(
                "--seed {seed} would hold out other images than the run did, with seed {}",
                recipe.seed
            );
            return Err(BadUsage(message).into());
        }
        seed => recipe.seed = seed.unwrap_or(recipe.seed),
    }
    Ok(recipe)
}

fn check_order(bits: &[u32]) -> Result<(), BadUsage> {
    if bits.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    let bits: Vec<String> = bits.iter().map(u32::to_string).collect();
    Err(BadUsage(format!(
        "--bits {}: expected each once, fewest first, as in 2,4,8",
        bits.join(",")
    )))
}
