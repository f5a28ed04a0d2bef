//! An attack that is about to begin: which images, towards what, and how.

use super::attempt::argmax;
use super::oracle::Everything;
use super::{Aim, Candidates, Classifier, Config, Encoding, Misclassified, Pictures, Rival};
use crate::error::require;
use crate::ledger::Header;
use crate::{Error, Result};
use ocelli_data::{EvalConfig, InputConfig};
use ocelli_random::{Permutation, Seed};
use ocelli_train::Trained;
use serde::Serialize;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

/// The version of the journal.
const FORMAT: u32 = 1;
/// Numbers that the populations of an image may hold, 1 GiB; they are held three times.
const MOST_GENES: u128 = 1 << 27;

/// An attack: the settings, and the images that are attacked.
pub struct AttackPlan {
    config: Config,
    victim: Victim,
    pictures: Pictures,
    shape: [usize; 3],
    classes: usize,
    subjects: Vec<AttackSubject>,
    sample: Sample,
}

/// What is attacked, as far as it decides results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Victim {
    /// The architecture, or what else the model is called.
    pub model: String,
    /// The hash of its weights, where it has some.
    pub weights: String,
    /// How it is computed: results agree to rounding, which can tip an evolution.
    pub inference: String,
    /// What it wants to see.
    pub input: InputConfig,
    /// What a picture goes through before.
    pub eval: EvalConfig,
}

/// An image that is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AttackSubject {
    /// Its position in the dataset.
    pub index: u64,
    /// Its class.
    pub label: u32,
    /// What the model takes it for.
    pub predicted: u32,
    /// The probability that the model gives to its class.
    pub probability: f64,
}

/// The images that were looked at to find those that are attacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// How many there are.
    pub examined: u64,
    /// How many of them the model classifies rightly.
    pub correct: u64,
}

/// All that decides what the lines of a journal mean.
#[derive(Serialize)]
struct Identity<'a> {
    format: u32,
    victim: &'a Victim,
    dataset_images: u64,
    dataset_classes: &'a [String],
    config: &'a Config,
}

impl Victim {
    /// A network that was loaded from a file of weights.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn from_trained(trained: &Trained, inference: &str) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let file = File::open(&trained.file).and_then(|file| hasher.update_reader(file).map(drop));
        file.map_err(Error::io(&trained.file))?;
        Ok(Self {
            model: trained.arch.clone(),
            weights: hasher.finalize().to_hex().to_string(),
            inference: inference.to_owned(),
            input: trained.input.clone(),
            eval: trained.eval,
        })
    }
}

impl AttackPlan {
    /// Checks an attack and chooses its images: those of the dataset in an order that the seed gives,
    /// until there are enough. Images of several classes have no one right class and are passed over.
    /// `None` if it was stopped before.
    ///
    /// # Errors
    /// When a setting is out of range, the model knows one class or other classes than the dataset, an
    /// image cannot be read, or none can be attacked.
    pub fn new(
        config: Config,
        victim: Victim,
        pictures: Pictures,
        classifier: &mut dyn Classifier,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<Self>> {
        config.check()?;
        let (classes, shape) = (classifier.classes(), classifier.shape());
        let data = pictures.source().classes().len();
        if classes < 2 {
            return Err(Error::OneClass { classes });
        }
        if data != classes {
            return Err(ocelli_train::Error::ClassCount { network: classes, data }.into());
        }
        let (subjects, sample) = (Vec::new(), Sample::default());
        let mut plan = Self { config, victim, pictures, shape, classes, subjects, sample };
        plan.check_cost()?;
        let is_chosen = plan.choose(classifier, stop, progress)?;
        Ok(is_chosen.then_some(plan))
    }

    /// Checks what an image's attempts hold in memory, and what they take.
    fn check_cost(&self) -> Result<()> {
        let Self { config, shape, .. } = self;
        let mut genes: u128 = 0;
        for &pixels in &config.pixels {
            let encoding = Encoding::new(pixels, *shape, config.rounding)?;
            let evolution = config.evolution_of(Aim::Untargeted, encoding.genes());
            evolution.check()?;
            let each = evolution.population as u128 * encoding.genes() as u128;
            genes += each * self.aim_count() as u128;
        }
        let expected =
            format!("less: {genes} genes in all attempts on an image, at most {MOST_GENES}");
        let population = config.evolution.population;
        require("evolution.population", population, genes <= MOST_GENES, &expected)?;
        if config.oracle {
            Everything::new(*shape, config.oracle_limit)?;
        }
        Ok(())
    }

    /// Chooses the images, and says whether it came to an end.
    fn choose(
        &mut self,
        classifier: &mut dyn Classifier,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<bool> {
        let len = self.pictures.source().len();
        let order = Permutation::new(Seed(self.config.seed), 0, len);
        let mut itself = Candidates::new(self.shape[0]);
        itself.push(&[]);
        let mut probabilities = vec![0.0; self.classes];
        for index in (0..len).filter_map(|position| order.get(position)) {
            if self.subjects.len() as u64 >= self.config.images {
                break;
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let picture = self.pictures.read(index)?;
            if !picture.others.is_empty() {
                continue;
            }
            let image = &picture.image;
            let found = [image.channels.into(), image.height as usize, image.width as usize];
            if found != self.shape {
                let (image, expected) = (picture.name, self.shape);
                return Err(Error::ImageShape { image, found, expected });
            }
            classifier.begin(image)?.probabilities(&itself, &mut probabilities)?;
            check_probabilities(&probabilities, &picture.name)?;
            let predicted = argmax(&probabilities) as u32;
            let is_correct = predicted == picture.label;
            self.sample.examined += 1;
            self.sample.correct += u64::from(is_correct);
            if is_correct || self.config.misclassified == Misclassified::Attack {
                if self.subjects.is_empty() && self.config.compare.attacks.contains(&Rival::Fgsm) {
                    // A model without gradients is refused before anything is attacked.
                    classifier.begin(image)?.gradient(picture.label)?;
                }
                let label = picture.label;
                let probability = probabilities[label as usize];
                self.subjects.push(AttackSubject { index, label, predicted, probability });
                progress(self.subjects.len() as u64);
            }
        }
        if self.subjects.is_empty() {
            return Err(Error::NothingToAttack { examined: self.sample.examined });
        }
        Ok(true)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is attacked.
    pub fn victim(&self) -> &Victim {
        &self.victim
    }

    /// The images of the dataset.
    pub fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// `[channels, height, width]` of the images.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The images that are attacked, in this order.
    pub fn subjects(&self) -> &[AttackSubject] {
        &self.subjects
    }

    /// The images that were looked at to find them.
    pub fn sample(&self) -> Sample {
        self.sample
    }

    /// How many attempts there are on each image, those among them that [`Config::fewest`] may spare.
    pub fn attempts_per_image(&self) -> usize {
        self.config.pixels.len() * self.aim_count()
    }

    /// How many aims there are for each number of pixels.
    pub(super) fn aim_count(&self) -> usize {
        let targets = if self.config.targeted { self.classes - 1 } else { 0 };
        targets + usize::from(self.config.untargeted)
    }

    /// Pixels and aim of each attempt on an image of class `truth`.
    pub(super) fn attempts(&self, truth: u32) -> impl Iterator<Item = (usize, Aim)> {
        let Config { targeted, untargeted, .. } = self.config;
        let targets = (0..self.classes as u32).filter(move |class| targeted && *class != truth);
        let direct = untargeted.then_some(Aim::Untargeted);
        let aims: Vec<Aim> = targets.map(Aim::Target).chain(direct).collect();
        let pixels = self.config.pixels.clone();
        pixels
            .into_iter()
            .flat_map(move |pixels| aims.clone().into_iter().map(move |aim| (pixels, aim)))
    }

    /// What the journal says at its head. Where the files lie and how many images are attacked is not in
    /// it: more can be attacked later.
    pub(super) fn header(&self) -> Result<Header> {
        Header::new(&Identity {
            format: FORMAT,
            victim: &self.victim,
            dataset_images: self.pictures.source().len(),
            dataset_classes: self.pictures.source().classes(),
            config: &Config { images: 0, ..self.config.clone() },
        })
    }
}

/// Checks what a model answered to `image`, or to what was made of it.
pub(super) fn check_probabilities(probabilities: &[f64], image: &str) -> Result<()> {
    match probabilities.iter().find(|probability| !probability.is_finite()) {
        None => Ok(()),
        Some(&found) => Err(Error::NoProbability { image: image.to_owned(), found }),
    }
}
