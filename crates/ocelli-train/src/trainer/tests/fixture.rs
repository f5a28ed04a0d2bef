//! A dataset of patterns, a network of one convolution, and a run in a temporary folder.

use crate::{
    Classification, Error, Event, Examined, Examiner, Local, Method, Observer, Occasion,
    ProcessGroup, Recipe, Result, RunFolder, Stages, Summary, Supervised, TrainOutcome, Trainer,
    TrainerParts,
};
use burn::tensor::Device;
use ocelli_data::{Image, Loader, LoaderConfig, Payload, Record, Scratch, Source, Transform};
use ocelli_nn::Network;
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings, Padding};
use ocelli_nn::init::InitScheme;
use ocelli_random::{ChaCha8Rng, Purpose, Seed};
use rand::RngExt;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(super) const CLASSES: u32 = 3;
const SIDE: usize = 6;

/// Grey images: one bright row per class, with noise that differs from image to image.
pub(super) struct Patterns {
    pub(super) len: u64,
    classes: Vec<String>,
}

impl Patterns {
    pub(super) fn new(len: u64) -> Self {
        Self { len, classes: (0..CLASSES).map(|class| format!("row {class}")).collect() }
    }
}

impl Source for Patterns {
    fn len(&self) -> u64 {
        self.len
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: u64) -> ocelli_data::Result<Record> {
        let label = (index % u64::from(CLASSES)) as u32;
        let mut random = Seed(7).stream(Purpose("pattern"), 0, index);
        let bright = 2 * label as usize;
        let pixel = |at: usize| {
            let noise: u8 = random.random_range(0..90);
            if at / SIDE == bright { 160 + noise } else { noise }
        };
        let pixels = (0..SIDE * SIDE).map(pixel).collect();
        let image = Image { width: SIDE as u32, height: SIDE as u32, channels: 1, pixels };
        Ok(Record {
            name: format!("pattern {index}"),
            label: Some(label),
            others: Vec::new(),
            payload: Payload::Pixels(image),
        })
    }
}

/// Scales to −1…1, and in training adds noise.
struct Noisy(f32);

impl Transform for Noisy {
    fn shape(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn decode(&self, picture: Payload) -> ocelli_data::Result<Payload> {
        Ok(picture)
    }

    fn apply(
        &self,
        picture: &Payload,
        random: &mut ChaCha8Rng,
        _scratch: &mut Scratch,
        output: &mut [f32],
    ) -> ocelli_data::Result<()> {
        let Payload::Pixels(image) = picture else { return Ok(()) };
        for (number, pixel) in output.iter_mut().zip(&image.pixels) {
            let noise: f32 = random.random_range(-1.0..1.0);
            *number = f32::from(*pixel) / 127.5 - 1.0 + self.0 * noise;
        }
        Ok(())
    }
}

/// With everything that draws random numbers or keeps statistics.
pub(super) fn noisy_graph() -> Graph {
    let (mut b, image) = Builder::new(1, InitScheme::FanOutNormal, NormSettings::default());
    let x = b.conv("conv", image, ConvSettings::new(6, 3));
    let x = b.batch_norm("bn", x);
    let x = b.activation(x, Activation::Relu);
    let y = b.conv("branch", x, ConvSettings::new(6, 3));
    let features = b.drop_path("path", y, 0.2);
    finish(b, features, 0.1)
}

/// Without batch statistics, so that a batch is the sum of its parts.
pub(super) fn plain_graph() -> Graph {
    let (mut b, image) = Builder::new(1, InitScheme::FanOutNormal, NormSettings::default());
    let x = b.conv("conv", image, ConvSettings::new(6, 3));
    let features = b.activation(x, Activation::Relu);
    finish(b, features, 0.0)
}

fn finish(mut b: Builder, features: NodeId, dropout: f64) -> Graph {
    // Rows must stay apart, so the image is flattened rather than pooled.
    let padding = Some(Padding::Symmetric([0, 0]));
    let whole = ConvSettings { bias: true, padding, ..ConvSettings::new(8, SIDE) };
    let flat = b.conv("flatten", features, whole);
    let flat = b.activation(flat, Activation::Relu);
    let flat = b.dropout("dropout", flat, dropout);
    let logits = b.linear("fc", flat, CLASSES as usize);
    b.finish(features, flat, logits)
}

pub(super) fn recipe(overrides: &[&str]) -> Recipe {
    let text = "
        seed = 5
        [optimizer]
        lr = 0.02
        [schedule]
        kind = 'cosine'
        warmup = '3 steps'
        [train]
        epochs = 3
        batch_size = 4
        log_every = 3
        [checkpoint]
        every = '4 steps'";
    Recipe::resolve("test", text, overrides).unwrap()
}

/// A training to be run.
pub(super) struct Scene<'a> {
    pub(super) recipe: Recipe,
    pub(super) graph: Graph,
    pub(super) samples: u64,
    pub(super) threads: usize,
    pub(super) group: &'a dyn ProcessGroup,
    pub(super) stop: AtomicBool,
    /// What another examiner says after each epoch, if there is one.
    pub(super) probe: Option<fn(u64) -> Measured>,
    pub(super) method: fn() -> Box<dyn Method>,
}

/// What that one finds.
pub(super) type Measured = Result<Vec<(String, f64)>, String>;

/// What is said, and the epoch that it is asked after.
struct Scripted(fn(u64) -> Measured, Cell<u64>);

impl Examiner for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn is_due(&self, occasion: Occasion) -> bool {
        occasion.between_epochs().inspect(|epoch| self.1.set(*epoch)).is_some()
    }

    fn is_vital(&self) -> bool {
        false
    }

    fn examine(
        &mut self,
        _: &Network,
        _: &dyn ProcessGroup,
        _: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined> {
        let values = (self.0)(self.1.get()).map_err(|error| Error::Method(error.into()))?;
        Ok(Examined { values, ..Examined::default() })
    }
}

impl Scene<'_> {
    pub(super) fn new(overrides: &[&str]) -> Self {
        Self {
            recipe: recipe(overrides),
            graph: noisy_graph(),
            samples: 30,
            threads: 1,
            group: &Local,
            stop: AtomicBool::new(false),
            probe: None,
            method: || Box::new(Supervised::default()),
        }
    }

    pub(super) fn network(&self) -> Network {
        Network::new(self.graph.clone(), Seed(self.recipe.seed), &Device::flex())
    }

    pub(super) fn train_loader(&self) -> Loader {
        let config = LoaderConfig {
            threads: self.threads,
            rank: self.group.rank(),
            world_size: self.group.world_size(),
            ..LoaderConfig::train(self.recipe.train.batch_size, Seed(self.recipe.seed))
        };
        Loader::new(Arc::new(Patterns::new(self.samples)), Arc::new(Noisy(0.1)), config).unwrap()
    }

    pub(super) fn eval_loader(&self, samples: u64) -> Loader {
        let config = LoaderConfig {
            rank: self.group.rank(),
            world_size: self.group.world_size(),
            ..LoaderConfig::eval(8)
        };
        Loader::new(Arc::new(Patterns::new(samples)), Arc::new(Noisy(0.0)), config).unwrap()
    }

    /// Begins a run in `folder`, or goes on with the one that is there.
    pub(super) fn run(&self, folder: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        let mut run = match RunFolder::open(folder) {
            Ok((run, _)) => run,
            Err(_) => RunFolder::create(folder, &self.recipe)?,
        };
        let train = Stages::single(self.recipe.clone(), self.train_loader());
        let eval = Arc::new(self.eval_loader(self.samples));
        let mut examiners: Vec<Box<dyn Examiner>> = vec![Box::new(Classification::new(eval))];
        examiners.extend(
            self.probe.map(|probe| Box::new(Scripted(probe, Cell::new(0))) as Box<dyn Examiner>),
        );
        let parts = TrainerParts {
            recipe: &self.recipe,
            network: self.network(),
            method: &mut *(self.method)(),
            train: &train,
            examiners,
            run: &mut run,
            metadata: BTreeMap::from([("arch".to_owned(), "test".to_owned())]),
            group: self.group,
            observer,
            stop: &self.stop,
        };
        Trainer::new(parts)?.run()
    }
}

/// Calls a function for every event.
pub(super) struct Call<F>(pub(super) F);

impl<F: FnMut(&Event<'_>)> Observer for Call<F> {
    fn notice(&mut self, event: &Event<'_>) {
        (self.0)(event);
    }
}

/// The model of the last checkpoint, byte for byte.
pub(super) fn final_model(summary: &Summary) -> Vec<u8> {
    assert_eq!(summary.outcome, TrainOutcome::Finished);
    std::fs::read(summary.checkpoint.as_ref().unwrap().file(crate::MODEL)).unwrap()
}
