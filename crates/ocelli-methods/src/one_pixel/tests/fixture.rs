//! A linear model over small noisy images, and attacks on it.

use crate::Result;
use crate::one_pixel::*;
use ocelli_data::{EvalConfig, Image, InputConfig, Payload, Record, Source};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(super) const CLASSES: usize = 4;
pub(super) const SIDE: usize = 6;

/// Noise in which the class is a quarter of the image that is brighter.
pub(super) struct Noise {
    pub(super) channels: u8,
    pub(super) count: u64,
    pub(super) classes: Vec<String>,
}

impl Noise {
    pub(super) fn new(channels: u8, count: u64) -> Self {
        let classes = (0..CLASSES).map(|class| format!("class {class}")).collect();
        Self { channels, count, classes }
    }
}

/// Which quarter of the image a pixel is in.
fn quarter(pixel: usize) -> usize {
    let (row, column) = (pixel / SIDE, pixel % SIDE);
    2 * (2 * row / SIDE) + 2 * column / SIDE
}

impl Source for Noise {
    fn len(&self) -> u64 {
        self.count
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: u64) -> ocelli_data::Result<Record> {
        let mut random = Seed(9).stream(Purpose("noise"), 0, index);
        let label = (index % CLASSES as u64) as u32;
        let mut byte = |pixel: usize| {
            let bright = if quarter(pixel) == label as usize { 12 } else { 0 };
            bright + random.random_range(60..160_u8)
        };
        let channels = usize::from(self.channels);
        let pixels = (0..SIDE * SIDE * channels).map(|at| byte(at / channels)).collect();
        let image =
            Image { width: SIDE as u32, height: SIDE as u32, channels: self.channels, pixels };
        Ok(Record {
            name: format!("noise-{index}"),
            label: Some(label),
            others: Vec::new(),
            payload: Payload::Pixels(image),
        })
    }
}

/// The sums of the quarters, through a softmax; counts what it is asked.
pub(super) fn model(
    channels: usize,
    asked: &AtomicU64,
) -> BlackBox<impl FnMut(&[f32], usize) -> Result<Vec<f32>>> {
    let model = move |images: &[f32], count: usize| {
        asked.fetch_add(count as u64, Ordering::Relaxed);
        let mut rows = Vec::new();
        for image in images.chunks_exact(images.len() / count) {
            let mut logits = [0.0_f64; CLASSES];
            for (at, value) in image.iter().enumerate() {
                logits[quarter(at / channels)] += f64::from(*value) / (60.0 * channels as f64);
            }
            let most = logits.iter().copied().fold(f64::MIN, f64::max);
            let powers = logits.map(|logit| (logit - most).exp());
            let sum: f64 = powers.iter().sum();
            rows.extend(powers.iter().map(|power| (power / sum) as f32));
        }
        Ok(rows)
    };
    BlackBox::new(CLASSES, [channels, SIDE, SIDE], model)
}

pub(super) fn victim() -> Victim {
    Victim {
        model: "quarters".to_owned(),
        weights: String::new(),
        inference: "black box".to_owned(),
        input: InputConfig::default(),
        eval: EvalConfig::default(),
    }
}

/// A short attack.
pub(super) fn config() -> Config {
    let evolution =
        EvolutionSection { population: 40, generations: 12, ..EvolutionSection::default() };
    Config { images: 10, untargeted: true, evolution, ..Config::default() }
}

pub(super) fn pictures(source: Noise) -> Pictures {
    let channels = source.channels;
    let (mean, std) = (vec![0.45], vec![0.22]);
    let input = InputConfig { size: SIDE as u32, channels, mean, std, ..InputConfig::default() };
    let eval = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    Pictures::new(Arc::new(source), &input, eval).unwrap()
}

pub(super) fn plan(
    config: &Config,
    channels: u8,
    classifier: &mut dyn Classifier,
) -> Result<AttackPlan> {
    let pictures = pictures(Noise::new(channels, 60));
    chosen(config, victim(), pictures, classifier)
}

/// An attack with its images chosen to the end.
pub(super) fn chosen(
    config: &Config,
    victim: Victim,
    pictures: Pictures,
    classifier: &mut dyn Classifier,
) -> Result<AttackPlan> {
    let never = AtomicBool::new(false);
    let plan = AttackPlan::new(config.clone(), victim, pictures, classifier, &never, &mut |_| ());
    plan.map(Option::unwrap)
}

/// Everything about an attack that was not stopped.
pub(super) struct Whole {
    pub(super) plan: AttackPlan,
    pub(super) attacked: Vec<Attacked>,
    /// How often the model was asked by the attack itself.
    pub(super) asked: u64,
}

pub(super) fn attack(config: &Config, channels: u8) -> Whole {
    let folder = tempfile::TempDir::new().unwrap();
    let asked = AtomicU64::new(0);
    let mut classifier = model(channels.into(), &asked);
    let plan = plan(config, channels, &mut classifier).unwrap();
    asked.store(0, Ordering::Relaxed);
    let mut journal = Journal::create(folder.path(), &plan).unwrap();
    let stop = AtomicBool::new(false);
    let end = run(&plan, &mut journal, &mut classifier, &stop, &mut |_| ()).unwrap();
    assert_eq!(end, End::Finished);
    let attacked = without_time(journal.attacked());
    drop(classifier);
    Whole { plan, attacked, asked: asked.into_inner() }
}

/// What does not depend on how fast the machine is.
pub(super) fn without_time(attacked: &[Attacked]) -> Vec<Attacked> {
    attacked.iter().map(|image| Attacked { seconds: 0.0, ..image.clone() }).collect()
}

/// Goes on with the attack in `folder`, beginning it where there is none, until the model was asked for
/// about `most` candidates.
pub(super) fn resume(config: &Config, folder: &Path, most: u64) -> (End, Vec<Attacked>) {
    let asked = AtomicU64::new(0);
    let mut classifier = model(1, &asked);
    let plan = plan(config, 1, &mut classifier).unwrap();
    let mut journal = if Journal::path_in(folder).exists() {
        Journal::open(folder, &plan).unwrap().0
    } else {
        Journal::create(folder, &plan).unwrap()
    };
    let stop = AtomicBool::new(false);
    let mut sum = 0;
    let mut notice = |event: &Event<'_>| {
        if let Event::Evaluated { candidates, .. } = event {
            sum += candidates;
            stop.store(sum >= most, Ordering::Relaxed);
        }
    };
    let end = run(&plan, &mut journal, &mut classifier, &stop, &mut notice).unwrap();
    (end, without_time(journal.attacked()))
}
