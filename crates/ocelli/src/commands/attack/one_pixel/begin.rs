//! What is attacked, and where: a new attack, or one that was begun before.

use anyhow::Context;
use burn::tensor::Device;
use ocelli::data::Source;
use ocelli::methods::one_pixel::{
    AttackPlan, Compiled, Config, Journal, Pictures, Preset, Rounding, Victim,
};
use ocelli::methods::{Error, WorkKind};
use ocelli::train::recipe::{self, LARGEST_FILE};
use ocelli::train::{ClaimedFolder, DataRecord, RunFolder, Trained, WorkFolder, read_text};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use toml::Table;

use super::subject::AttackSource;
use super::{Args, Baseline, NamedRival, Way};
use crate::failure::{BadInput, BadUsage};
use crate::own_files::new_folder;
use crate::run_data::{self, Opened};
use crate::talk::Progress;
use crate::whole_file::write_whole;

const STEM: &str = "attack";
const SETTINGS: &str = "attack.toml";
const SUBJECT: &str = "subject";
/// The only part of an attack's dataset, in its record.
const IMAGES: &str = "attacked";

/// An attack that can begin or go on.
pub(super) struct BegunAttack {
    pub(super) config: Config,
    pub(super) subject: AttackSource,
    pub(super) trained: Trained,
    pub(super) source: Arc<dyn Source>,
    /// What tells its images from others.
    pub(super) record: DataRecord,
    pub(super) folder: WorkFolder,
}

/// Finds out what was asked for.
pub(super) fn begin(
    args: &Args,
    seed: Option<u64>,
    device: &Device,
) -> anyhow::Result<BegunAttack> {
    let (origin, text, begun, folder) = if let Some(folder) = &args.resume {
        let path = folder.join(SETTINGS);
        let (text, subject) = read(&path)?;
        (path.display().to_string(), text, Some(subject), WorkFolder::Begun(folder.clone()))
    } else {
        if let Some(folder) = &args.out {
            check_is_free(folder)?;
        }
        let folder = new_folder(args.out.as_deref(), STEM.to_owned(), &[SETTINGS], args.force)?;
        let preset = Config::preset(args.preset.map_or(Preset::Paper, Preset::from));
        let text = toml::to_string(&preset).context("the preset")?;
        (SETTINGS.to_owned(), text, None, folder)
    };
    let config: Config = recipe::settings(&origin, &text, &args.overrides(seed)?)?;
    config.check()?;
    let (subject, trained, opened) = AttackSource::open(args, begun.as_ref(), device)?;
    if subject.save_adversaries && config.rounding == Rounding::Real {
        let message = "--save-adversaries: `rounding` is real, and pictures hold whole colours";
        return Err(BadInput::new(message.to_owned()).into());
    }
    let Opened { source, fingerprint, .. } = opened;
    let record = DataRecord::from_fingerprint(IMAGES, fingerprint);
    if let WorkFolder::Begun(folder) = &folder {
        run_data::check_same(folder, &record, &[(IMAGES, &*source)])?;
    }
    Ok(BegunAttack { config, subject, trained, source, record, folder })
}

/// Refuses a folder that holds an attack or a run already.
fn check_is_free(folder: &Path) -> anyhow::Result<()> {
    let path = Journal::path_in(folder);
    if path.exists() {
        return Err(Error::LedgerExists { path, what: WorkKind::Attack }.into());
    }
    if RunFolder::holds_run(folder) {
        let message = format!("{} holds a training run", folder.display());
        return Err(BadInput::new(message).hint("an attack needs a folder of its own").into());
    }
    Ok(())
}

/// The attack with its images chosen, unless `stop` is set before.
pub(super) fn plan(
    config: Config,
    trained: &Trained,
    source: Arc<dyn Source>,
    classifier: &mut Compiled,
    stop: &AtomicBool,
) -> anyhow::Result<Option<AttackPlan>> {
    let pictures = Pictures::new(source, &trained.input, trained.eval)?;
    let pictures = pictures.with_limits(trained.limits);
    let victim = Victim::from_trained(trained, classifier.inference())?;
    let progress = Progress::start("choosing images", config.images, "images");
    Ok(AttackPlan::new(config, victim, pictures, classifier, stop, &mut |done| progress.set(done))?)
}

/// The settings of an attack that was begun before, and whom it attacks.
fn read(path: &Path) -> anyhow::Result<(String, AttackSource)> {
    let shown = || path.display().to_string();
    let text = read_text(path, LARGEST_FILE)?;
    let mut table: Table = recipe::settings(&shown(), &text, &[] as &[&str])?;
    let Some(subject) = table.remove(SUBJECT) else {
        let message = format!("{}: `[subject]` is missing, which says who is attacked", shown());
        return Err(BadInput::new(message).into());
    };
    let subject = toml::to_string(&subject).with_context(shown)?;
    let subject = recipe::settings(&shown(), &subject, &[] as &[&str])?;
    Ok((toml::to_string(&table).with_context(shown)?, subject))
}

/// Writes the settings of an attack that has no journal yet, so that it can go on.
pub(super) fn settle_new(
    folder: &ClaimedFolder,
    config: &Config,
    subject: &AttackSource,
    record: &DataRecord,
) -> anyhow::Result<()> {
    // Those of an attack that was begun before stay what its journal says.
    if Journal::path_in(folder.path()).exists() {
        return Ok(());
    }
    settle(folder, config, subject, record)
}

fn settle(
    claimed: &ClaimedFolder,
    config: &Config,
    subject: &AttackSource,
    record: &DataRecord,
) -> anyhow::Result<()> {
    let folder = claimed.path();
    let settings = toml::to_string(config).context(SETTINGS)?;
    let subject = toml::to_string(&BTreeMap::from([(SUBJECT, subject)])).context(SETTINGS)?;
    claimed.make()?;
    record.save(folder)?;
    write_whole(&folder.join(SETTINGS), format!("{settings}\n{subject}"))
}

/// The journal, made if it is new.
pub(super) fn open(
    claimed: &ClaimedFolder,
    plan: &AttackPlan,
    subject: &AttackSource,
    record: &DataRecord,
) -> anyhow::Result<Journal> {
    let folder = claimed.path();
    let write = || settle(claimed, plan.config(), subject, record);
    // The settings come first: a journal without them could not be gone on with.
    if !claimed.is_begun() || !Journal::path_in(folder).exists() {
        if claimed.is_begun() {
            let path = Journal::path_in(folder);
            tracing::warn!("{}: there is none; the attack begins anew", path.display());
        }
        write()?;
        return Ok(Journal::create(folder, plan)?);
    }
    let (journal, was_cut) = Journal::open(folder, plan)?;
    if was_cut {
        let path = Journal::path_in(folder);
        tracing::warn!(
            "{}: the last line was cut and is dropped; {} images are whole",
            path.display(),
            journal.attacked().len()
        );
    }
    write()?;
    Ok(journal)
}

impl Args {
    /// The options that stand for a setting, and the settings that were set.
    fn overrides(&self, seed: Option<u64>) -> anyhow::Result<Vec<String>> {
        if self.set.iter().any(|set| set.trim_start().starts_with("preset")) {
            return Err(BadUsage("a preset is chosen with --preset".to_owned()).into());
        }
        let mut overrides = Vec::new();
        let mut set = |key: &str, value: Option<String>| {
            overrides.extend(value.map(|value| format!("{key}={value}")));
        };
        set("images", self.images.map(|images| images.to_string()));
        let up_to_five = || (self.fewest && self.resume.is_none()).then(|| vec![1, 2, 3, 4, 5]);
        let pixels = self.pixels.clone().or_else(up_to_five);
        set("pixels", pixels.map(|pixels| format!("{pixels:?}")));
        set("fewest", self.fewest.then(|| "true".to_owned()));
        let aims = (self.targeted || self.untargeted).then_some(());
        set("targeted", aims.map(|()| self.targeted.to_string()));
        set("untargeted", aims.map(|()| self.untargeted.to_string()));
        set("evolution.population", self.population.map(|number| number.to_string()));
        set("evolution.generations", self.generations.map(|number| number.to_string()));
        set("evolution.budget", self.budget.map(|number| number.to_string()));
        set("random", self.baseline.map(|name| (name == Baseline::Random).to_string()));
        let way = self.inference.map(|way| match way {
            Way::Auto => "auto",
            Way::Dense => "dense",
            Way::Delta => "delta",
        });
        set("inference", way.map(str::to_owned));
        let rivals = self.compare.as_ref().map(|rivals| {
            let name = |rival: &NamedRival| match rival {
                NamedRival::Fgsm => "fgsm",
                NamedRival::LocalSearch => "local_search",
            };
            format!("{:?}", rivals.iter().map(name).collect::<Vec<_>>())
        });
        set("compare.attacks", rivals);
        set("oracle", self.oracle.then(|| "true".to_owned()));
        set("seed", seed.map(|seed| seed.to_string()));
        overrides.extend(self.set.iter().cloned());
        Ok(overrides)
    }
}
