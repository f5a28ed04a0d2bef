//! The one-pixel attack: how many candidates a second its ways evaluate, beside its peers.
//!
//! A pass attacks one image with a population of 400, by delta inference and with whole images; a peer
//! calls its own attack with the same weights and as many evaluations. What counts are the images that
//! the network was really asked about, and the time of the whole attack.

mod image;
mod sheet;
mod victim;
mod weights;

use anyhow::{Context, bail};
use clap::value_parser;
use ocelli::data::EvalConfig;
use ocelli::methods::Error::NoDelta;
use ocelli::methods::one_pixel::{
    AttackPlan, Classifier, Compiled, Config, EvolutionSection, Inference, Misclassified, Pictures,
    Preset, Stop, attack,
};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

use super::ContestArgs;
use super::contest::{Case, Contest, Measured, Ours};
use super::model_at_size::{ModelAtSize, SizedModel};
use super::report::Report;
use crate::args::WeightsKeyArgs;
use crate::failure::Done;
use crate::settings::Settings;
use image::Certain;
use victim::Victim;
use weights::WeightsFolder;

/// What is attacked without a choice: name, image size.
const STANDARD: [(&str, usize); 4] = [
    ("resnet20_cifar", 32),
    ("lenet_keras_cifar", 32),
    ("vgg16_cifar", 224),
    ("bvlc_alexnet", 227),
];

const PEERS: &[&str] = &["torchattacks", "art"];

/// NP, which is also the only one that one of the peers has.
const POPULATION: usize = 400;

/// What can be typed after `ocelli bench attack`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The networks, as `ocelli models` lists them, each with an image size if it is not to be the
    /// network's own [default: four that are often attacked, VGG-16 and AlexNet with large images]
    #[arg(value_name = "MODEL[@SIZE]")]
    models: Vec<ModelAtSize>,
    /// A folder of weights; each file is told by its tensors, and a network without a file has random
    /// weights
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    keys: WeightsKeyArgs,
    /// Generations of an attack after its first population of 400 [default: 20 for images of up to 64
    /// pixels, 1 for larger ones]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1000))]
    generations: Option<u32>,
}

/// Times attacks on one network after the other.
pub(super) fn run(
    args: &Args,
    rules: &ContestArgs,
    contest: &mut Contest,
    mut settings: Settings,
) -> anyhow::Result<Done> {
    let subjects = SizedModel::chosen(&args.models, &STANDARD)?;
    let read = |path| WeightsFolder::read(path, &args.keys);
    let folder = args.weights.as_deref().map(read).transpose()?;
    let mut sheet = Report::new(&settings, rules.rounds, Vec::new());
    for subject in subjects {
        let victim = Victim::load(subject, folder.as_ref(), &settings)?;
        let generations = args.generations.unwrap_or(if subject.size <= 64 { 20 } else { 1 });
        sheet.push(&victim, contest_of(&victim, generations, contest, &settings)?);
        // What is measured stays when a long list is given up.
        if let Some(path) = &rules.out {
            sheet.write_csv(path)?;
        }
    }
    settings.output.text(&sheet)?;
    settings.output.finish(&sheet)?;
    Ok(Done::Complete)
}

/// The attacks on one network.
fn contest_of(
    victim: &Victim,
    generations: u32,
    contest: &mut Contest,
    settings: &Settings,
) -> anyhow::Result<Vec<Measured>> {
    let mut ways = Vec::new();
    for (name, inference) in
        [("ocelli delta", Inference::Delta), ("ocelli dense", Inference::Dense)]
    {
        match Compiled::new(&victim.network, &victim.input, inference) {
            Err(NoDelta) => {}
            classifier => ways.push((name, classifier?)),
        }
    }
    let Some((_, classifier)) = ways.last_mut() else { bail!("{}: no attack", victim.subject) };
    let seed = settings.seed.unwrap_or_default();
    let certain = Certain::among_noise(classifier, seed)?;
    let evaluations = POPULATION * (1 + generations as usize);
    let files = TempDir::with_prefix("ocelli-attack-")?;
    let mut request = json!({
        "model": victim.subject.model.arch,
        "size": victim.subject.size,
        "classes": victim.network.graph().num_classes(),
        "label": certain.label,
        "log_probabilities": certain.probabilities.iter().map(|it| it.ln()).collect::<Vec<_>>(),
        "scale": victim.input.scale_and_offset().map(|(scale, _)| scale),
        "offset": victim.input.scale_and_offset().map(|(_, offset)| offset),
        "population": POPULATION,
        "generations": generations,
    });
    if contest.has_peers() {
        let [weights, image] =
            ["network.safetensors", "image.rgb"].map(|file| files.path().join(file));
        victim.save(&weights)?;
        certain.save(&image)?;
        (request["weights"], request["image"]) = (json!(weights), json!(image));
    }
    let case = Case {
        subject: victim.subject.to_string(),
        task: "one-pixel attack",
        images: evaluations,
        peers: PEERS,
        request,
    };
    let certain = Arc::new(certain);
    let ours = ways.into_iter().map(|(name, mut classifier)| {
        certain.warm_up(&mut classifier)?;
        let plan = plan(victim, &certain, generations, seed, &mut classifier)?;
        Ok(Ours::new(name, pass(plan, classifier, evaluations as u64)))
    });
    let ours = ours.collect::<anyhow::Result<_>>()?;
    contest.measure(&case, ours)
}

/// The attack of `ocelli attack one-pixel --preset scipy-peer`, as the peers have it, but to its last
/// generation, so that it always has as many evaluations.
fn plan(
    victim: &Victim,
    certain: &Arc<Certain>,
    generations: u32,
    seed: u64,
    classifier: &mut Compiled,
) -> anyhow::Result<AttackPlan> {
    let preset = Config::preset(Preset::ScipyPeer);
    let config = Config {
        seed,
        images: 1,
        misclassified: Misclassified::Attack,
        targeted: false,
        untargeted: true,
        stop: Stop::Never,
        evolution: EvolutionSection {
            population: POPULATION,
            generations: generations.into(),
            ..preset.evolution
        },
        ..preset
    };
    let eval = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    let pictures = Pictures::new(Arc::clone(certain) as _, &victim.input, eval)?;
    let attacked = victim.described(classifier.inference(), eval);
    let never = AtomicBool::new(false);
    let plan = AttackPlan::new(config, attacked, pictures, classifier, &never, &mut |_| ())?;
    plan.context("images were not chosen to the end")
}

/// One attack from its beginning to its end.
fn pass(
    plan: AttackPlan,
    mut classifier: impl Classifier,
    evaluations: u64,
) -> impl FnMut() -> anyhow::Result<()> {
    let stop = AtomicBool::new(false);
    move || {
        let attacked = attack(&plan, &mut classifier, &stop)?.unwrap_or_default();
        let made: u64 = attacked
            .iter()
            .flat_map(|image| &image.outcomes)
            .map(|outcome| outcome.evaluations)
            .sum();
        if made != evaluations {
            bail!("the attack made {made} evaluations, expected {evaluations}");
        }
        Ok(())
    }
}
