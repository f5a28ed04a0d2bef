//! From a recipe to what it describes: datasets, loaders and a network.

use crate::loaders::{eval_loader, train_loader};
use crate::{
    Error, Examiner, ExaminerSetup, Machine, Metadata, Method, MethodConfig, Methods, Recipe,
    Result, Stage, Stages, warn_of_lost_colours,
};
use burn::tensor::Device;
use ocelli_data::{
    Joined, LabelFile, Loader, MultiLabelSource, OpenOptions, Source, Split, Subset,
    check_several_classes, open, open_labelled, open_splits,
};
use ocelli_nn::Network;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::weights::{LoadOptions, LoadReport, StateDict, load};
use ocelli_random::Seed;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

/// What a recipe describes.
pub struct Setup {
    /// The network with its first values.
    pub network: Network,
    /// Training batches, stage after stage.
    pub train: Stages,
    /// The way of training.
    pub method: Box<dyn Method>,
    /// What is measured at evaluations.
    pub examiners: Vec<Box<dyn Examiner>>,
    /// Evaluation batches.
    pub eval: Arc<Loader>,
    /// What the model's file says about itself.
    pub metadata: BTreeMap<String, String>,
    /// What became of the weights that the recipe starts from, if it does.
    pub weights: Option<LoadReport>,
}

impl Setup {
    /// Opens the datasets and builds the network of a recipe for supervised training.
    ///
    /// # Errors
    /// As [`Setup::with`].
    pub fn new(recipe: &Recipe, machine: &Machine) -> Result<Self> {
        Self::with(recipe, Methods::default(), machine)
    }

    /// Opens the datasets and builds the network of a recipe that may choose one of `methods`.
    ///
    /// # Errors
    /// When there is no such method, the dataset cannot be opened, a setting is out of range, the architecture cannot be
    /// built as asked, or the weights do not fit it.
    pub fn with(recipe: &Recipe, methods: Methods, machine: &Machine) -> Result<Self> {
        let (train, eval) = sources(recipe)?;
        warn_of_lost_colours(recipe, &train);
        tell_of_smaller_batches(recipe, train.len());
        Self::on(recipe, methods, machine, &train, &eval)
    }

    /// Builds what a recipe describes on datasets that are open already, whatever its `[data]` says.
    ///
    /// # Errors
    /// As [`Setup::with`].
    pub fn on(
        recipe: &Recipe,
        methods: Methods,
        machine: &Machine,
        train: &Arc<dyn Source>,
        eval: &Arc<dyn Source>,
    ) -> Result<Self> {
        let config = &*methods.config(recipe)?;
        check_classes_of_method(recipe, config, train)?;
        let classes = train.classes().to_vec();
        let options = config.model_options(recipe.model_options(classes.len().max(1)));
        let (network, weights) = network(recipe, &options, &classes, &machine.device)?;
        let network = config.prepare(network)?;
        check_size("input.size", recipe.input.size, &network)?;
        let stages = stages(recipe, config, machine, train, &network)?;
        let metadata = Metadata {
            arch: Some(recipe.model.name.clone()),
            options: Some(options),
            input: Some(recipe.input.clone()),
            eval: Some(recipe.eval),
            classes: config.classifies().then_some(classes),
        };
        let eval = Arc::new(eval_loader(recipe, machine, Arc::clone(eval))?);
        let setup = ExaminerSetup { recipe, machine, train, eval: &eval };
        Ok(Self {
            method: config.method()?,
            examiners: config.examiners(&setup)?,
            network,
            train: stages,
            eval,
            metadata: metadata.to_map()?,
            weights,
        })
    }
}

impl Setup {
    /// What is measured at evaluations of a run with this recipe, to measure a network of it once more.
    ///
    /// # Errors
    /// When there is no such method, or a dataset cannot be opened.
    pub fn examiners(
        recipe: &Recipe,
        methods: Methods,
        machine: &Machine,
    ) -> Result<Vec<Box<dyn Examiner>>> {
        let (train, eval) = sources(recipe)?;
        let eval = Arc::new(eval_loader(recipe, machine, eval)?);
        let setup = ExaminerSetup { recipe, machine, train: &train, eval: &eval };
        methods.config(recipe)?.examiners(&setup)
    }

    /// Checks that the training set fills one step at least.
    ///
    /// # Errors
    /// [`Error::TooFewSamples`].
    pub fn check_steps(&self, recipe: &Recipe) -> Result<()> {
        if self.steps_per_epoch(recipe) > 0 {
            return Ok(());
        }
        let needed = (recipe.train.batch_size * recipe.train.accumulate) as u64;
        let samples = self.train.first().loader.source().len();
        Err(Error::TooFewSamples { samples, needed })
    }

    /// Says so if the training set is so small that it is passed over more often than in the recipe's
    /// epochs (`train.min_steps`), or at a lower rate (`optimizer.lr_images`), or does
    /// without statistics of its own (`model.keep_statistics_below`).
    pub fn tell_of_small_set(&self, recipe: &Recipe) {
        let images = self.train.first().loader.source().len();
        let lr = recipe.optimizer.lr_of(images);
        if lr < recipe.optimizer.lr {
            tracing::info!(
                "{images} training images: rate {lr:.2e} instead of {:.2e} (optimizer.lr_images)",
                recipe.optimizer.lr
            );
        }
        if recipe.model.keeps_statistics_on(images) {
            tracing::info!(
                "{images} training images: batch normalisations keep the statistics of the weights \
                 (model.keep_statistics_below)"
            );
        }
        let (steps, train) = (self.steps_per_epoch(recipe), &recipe.train);
        let epochs = train.epochs_of(steps);
        if steps > 0 && epochs > train.epochs {
            tracing::info!(
                "{steps} steps an epoch: {epochs} epochs instead of {}, for {} steps (train.min_steps)",
                train.epochs,
                steps.saturating_mul(epochs)
            );
        }
    }

    /// Updates of the weights in a pass over the training set.
    fn steps_per_epoch(&self, recipe: &Recipe) -> u64 {
        self.train.first().loader.steps_per_epoch() / recipe.train.accumulate as u64
    }
}

/// The images that a recipe trains on, and those that it evaluates, with all their classes.
///
/// # Errors
/// When a dataset or the file of labels cannot be opened, or has not the parts or classes that it
/// should: a single class among them, unless `data.one_class` says so.
pub fn sources(recipe: &Recipe) -> Result<(Arc<dyn Source>, Arc<dyn Source>)> {
    let (train, test) = parts(recipe)?;
    let train = few_labels(recipe, train)?;
    // What classes a method needs, it says itself.
    if !recipe.data.one_class && recipe.method.is_none() {
        check_several_classes(&train, &recipe.data.source)?;
    }
    let Some(extra) = &recipe.data.extra else { return Ok((train, test)) };
    let classes = Some(train.classes().to_vec());
    let limits = recipe.data.limits();
    let extra =
        open_labelled(extra, &OpenOptions { classes, limits, ..OpenOptions::new(Split::Train) })?;
    Ok((Arc::new(Joined::new(train, extra)?), test))
}

/// The training images that the recipe takes of all.
fn few_labels(recipe: &Recipe, train: Arc<dyn Source>) -> Result<Arc<dyn Source>> {
    let data = &recipe.data;
    if let Some(share) = data.share {
        return Ok(Arc::new(Subset::share(train, share, Seed(data.share_draw))?));
    }
    let Some(path) = &data.list else { return Ok(train) };
    let text = fs::read_to_string(path).map_err(Error::io(path))?;
    let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(Arc::new(Subset::named(train, &names)?))
}

/// The two parts of the recipe's dataset.
fn parts(recipe: &Recipe) -> Result<(Arc<dyn Source>, Arc<dyn Source>)> {
    let data = &recipe.data;
    let of = |split| OpenOptions { limits: data.limits(), ..OpenOptions::new(split) };
    let file = data.labels.as_deref().map(LabelFile::read).transpose()?;
    let train_part = || OpenOptions { class_order: data.class_order, ..of(Split::Train) };
    // A method says itself what classes it needs.
    let open = if recipe.method.is_some() { open } else { open_labelled };
    if let Some(share) = data.hold_out {
        let whole = open(&data.source, &train_part())?;
        let whole: Arc<dyn Source> = match &file {
            None => whole,
            Some(file) => {
                let whole = MultiLabelSource::new(whole, file)?;
                file.check_named(whole.named())?;
                Arc::new(whole)
            }
        };
        let (train, held) = Subset::hold_out_share(whole, share, Seed(recipe.seed))?;
        return Ok((Arc::new(train), Arc::new(held)));
    }
    let (train, test) = match &data.test {
        None => open_splits(&data.source, &train_part())?,
        Some(test) => {
            let train = open(&data.source, &train_part())?;
            let classes = Some(train.classes().to_vec());
            let test = open(test, &OpenOptions { classes, ..of(Split::Test) })?;
            (train, test)
        }
    };
    let Some(file) = &file else { return Ok((train, test)) };
    let [train, test] = MultiLabelSource::from_parts([train, test], file)?;
    file.check_named(train.named() + test.named())?;
    Ok((Arc::new(train), Arc::new(test)))
}

fn network(
    recipe: &Recipe,
    options: &ModelOptions,
    classes: &[String],
    device: &Device,
) -> Result<(Network, Option<LoadReport>)> {
    let model = registry::find(&recipe.model.name)?;
    let mut network = model.network(options, Seed(recipe.seed), device)?;
    let Some(path) = &recipe.model.weights else { return Ok((network, None)) };
    let dict = StateDict::open(path, &recipe.model.weights_choice().read_options())?;
    let how = LoadOptions { reset_head: recipe.model.reset_head, ..LoadOptions::default() };
    let report = load(&mut network, &dict, &how)?;
    if !how.reset_head {
        check_same_classes(&dict, classes)?;
    }
    Ok((network, Some(report)))
}

/// A classifier for other classes fits in shape if they are as many, but knows nothing of them.
fn check_same_classes(dict: &StateDict, classes: &[String]) -> Result<()> {
    let Some(known) = Metadata::from_dict(dict)?.classes else { return Ok(()) };
    match known.iter().zip(classes).find(|(theirs, ours)| theirs != ours) {
        None => Ok(()),
        Some((theirs, ours)) => Err(Error::OtherClasses {
            file: dict.file().to_string(),
            theirs: theirs.clone(),
            ours: ours.clone(),
        }),
    }
}

/// The pictures of a method that learns from classes have several.
fn check_classes_of_method(
    recipe: &Recipe,
    config: &dyn MethodConfig,
    train: &Arc<dyn Source>,
) -> Result<()> {
    if recipe.method.is_some() && config.needs_classes() && !recipe.data.one_class {
        check_several_classes(train, &recipe.data.source)?;
    }
    Ok(())
}

fn check_size(field: &str, size: u32, network: &Network) -> Result<()> {
    match network.graph().shapes(size as usize, size as usize) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Field {
            field: field.to_owned(),
            found: size.to_string(),
            expected: format!("a size that the network takes ({error})"),
        }),
    }
}

/// Images of a stage that are smaller than the stride of the network leave no pixel of its last
/// feature map that is not mostly padding.
fn check_stride(stage: &Recipe, network: &Network) -> Result<()> {
    let (size, stride) = (stage.input.size, network.graph().stride());
    if size as usize >= stride {
        return Ok(());
    }
    let name = &stage.model.name;
    Err(Error::Field {
        field: "progressive.size".to_owned(),
        found: size.to_string(),
        expected: format!("at least {stride} pixels, the stride of {name}"),
    })
}

fn stages(
    recipe: &Recipe,
    config: &dyn MethodConfig,
    machine: &Machine,
    source: &Arc<dyn Source>,
    network: &Network,
) -> Result<Stages> {
    let mut recipe = recipe.clone();
    if let Some(fitting) = fitting_batch(&recipe, source.len(), machine.world_size) {
        recipe.train.batch_size = fitting as usize;
    }
    let recipe = &recipe;
    let parts = recipe.train.accumulate;
    let feed = |feed, source: &dyn Source| config.loader(feed, parts, source);
    let stage = |recipe: Recipe| {
        check_size("progressive.size", recipe.input.size, network)?;
        check_stride(&recipe, network)?;
        let loader = train_loader(&recipe, machine, Arc::clone(source), feed)?;
        Ok(Stage { recipe, loader })
    };
    if recipe.progressive.is_some()
        && let Some(stages) =
            Stages::new(recipe.stages().into_iter().map(stage).collect::<Result<_>>()?)
    {
        return Ok(stages);
    }
    let loader = train_loader(recipe, machine, Arc::clone(source), feed)?;
    Ok(Stages::single(recipe.clone(), loader))
}

/// How many images a batch has if the training set does not fill one step of the recipe; `None` where
/// it does, or where no batch can help.
fn fitting_batch(recipe: &Recipe, samples: u64, world_size: usize) -> Option<u64> {
    let (batch, accumulate) = (recipe.train.batch_size as u64, recipe.train.accumulate as u64);
    let fitting = samples / accumulate.max(1);
    let least = if world_size > 1 { 2 * world_size as u64 } else { 1 };
    (fitting < batch && fitting >= least).then_some(fitting)
}

/// Says so if the training set does not fill one step of the recipe, so that batches are smaller.
pub fn tell_of_smaller_batches(recipe: &Recipe, samples: u64) {
    if let Some(fitting) = fitting_batch(recipe, samples, 1) {
        let needed = recipe.train.batch_size * recipe.train.accumulate;
        tracing::info!(
            "the training set has {samples} images, fewer than the {needed} of one step: batches \
             have {fitting} images"
        );
    }
}
