//! What an attack found: rates on stdout, every attempt as CSV, the whole summary as JSON.

use anyhow::Context;
use ocelli::methods::one_pixel::{
    Aim, AttackOutcome, AttackPlan, Attacked, Classifier, End, Group, Rival, Summary, examples,
};
use ocelli::nn::weights::WeightsLocation;
use ocelli::results::write_csv;
use ocelli::train::{ChosenCheckpoint, Trained};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};

use super::page::Sheet;
use super::tables::{self, Rows};
use crate::output::{Output, grouped, percent};
use crate::talk::rate;
use crate::whole_file::write_whole;

const INTERRUPTED: &str = "interrupted";
const RESULTS: &str = "results.csv";
const RIVALS: &str = "rivals.csv";
const SUMMARY: &str = "summary.json";
const REPORT: &str = "report.html";
/// Examples on the page for each number of pixels.
const MOST_EXAMPLES: usize = 24;

/// What an attack found so far.
pub(super) struct Results<'a> {
    pub(super) plan: &'a AttackPlan,
    pub(super) weights: &'a WeightsLocation,
    pub(super) checkpoint: Option<&'a ChosenCheckpoint>,
    pub(super) attacked: &'a [Attacked],
    pub(super) summary: Summary,
    pub(super) end: End,
    pub(super) folder: &'a Path,
}

/// A line of the CSV.
#[derive(Serialize)]
struct Line<'a> {
    image: u64,
    name: &'a str,
    true_class: &'a str,
    clean_class: &'a str,
    clean_probability: f64,
    pixels: usize,
    aim: &'static str,
    target: &'a str,
    success: bool,
    class: &'a str,
    confidence: f64,
    true_probability: f64,
    evaluations: u64,
    generations: u64,
    ending: &'static str,
    distortion: f64,
    changes: String,
    random_success: Option<bool>,
    random_confidence: Option<f64>,
}

/// A line of the CSV of other attacks.
#[derive(Serialize)]
struct RivalLine<'a> {
    image: u64,
    name: &'a str,
    true_class: &'a str,
    clean_class: &'a str,
    attack: Rival,
    success: bool,
    class: &'a str,
    confidence: f64,
    true_probability: f64,
    evaluations: u64,
    gradients: u64,
    changed_pixels: u64,
    distortion: f64,
}

/// The one JSON object.
#[derive(Serialize)]
pub(super) struct AttackJson<'a> {
    attack: PathBuf,
    outcome: &'static str,
    model: &'a str,
    #[serde(flatten)]
    weights: &'a WeightsLocation,
    checkpoint: Option<&'a ChosenCheckpoint>,
    /// What `success_rate` and `mean_confidence` are of: the first of `groups`.
    of: String,
    success_rate: f64,
    mean_confidence: Option<f64>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// The one JSON object of an attack that was interrupted before it had its images.
pub(super) fn interrupted(folder: &Path, trained: &Trained) -> serde_json::Value {
    let Trained { arch, location, checkpoint, .. } = trained;
    let (section, prefix) = (&location.section, &location.prefix);
    json!({
        "attack": folder, "outcome": INTERRUPTED, "model": arch, "section": section,
        "prefix": prefix, "checkpoint": checkpoint, "images": 0,
    })
}

impl Results<'_> {
    /// Writes the files, each whole or not at all.
    ///
    /// # Errors
    /// When a file cannot be written, or the model fails on what shall be shown.
    pub(super) fn write(&self, classifier: &mut dyn Classifier) -> anyhow::Result<()> {
        write_csv(&self.folder.join(RESULTS), |file| self.csv(file))?;
        if !self.summary.rivals.is_empty() {
            write_csv(&self.folder.join(RIVALS), |file| self.rivals_csv(file))?;
        }
        let mut json = serde_json::to_vec_pretty(&self.json()).context(SUMMARY)?;
        json.push(b'\n');
        write_whole(&self.folder.join(SUMMARY), &json)?;
        let examples = examples(self.plan, self.attacked, classifier, MOST_EXAMPLES)?;
        let sheet = Sheet {
            plan: self.plan,
            summary: &self.summary,
            examples: &examples,
            rates: tables::rates(&self.summary).page(),
            fewest: tables::fewest_pixels(&self.summary).map(|fewest| fewest.page()),
            random: self.against_random().map(|random| random.page()),
            rivals: self.against_rivals().map(|rivals| rivals.page()),
            settings: toml::to_string(self.plan.config()).context(REPORT)?,
        };
        Ok(sheet.page()?.write(&self.folder.join(REPORT))?)
    }

    fn against_random(&self) -> Option<Rows> {
        tables::against_random(&self.summary, self.plan.config().random_tries)
    }

    fn against_rivals(&self) -> Option<Rows> {
        let [_, height, width] = self.plan.shape();
        tables::against_rivals(&self.summary, height * width)
    }

    fn rivals_csv(&self, file: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        for image in self.attacked {
            for outcome in &image.rivals {
                file.serialize(RivalLine {
                    image: image.image,
                    name: &image.name,
                    true_class: self.class(image.label),
                    clean_class: self.class(image.predicted),
                    attack: outcome.attack,
                    success: outcome.success,
                    class: self.class(outcome.predicted),
                    confidence: outcome.confidence,
                    true_probability: outcome.true_probability,
                    evaluations: outcome.evaluations,
                    gradients: outcome.gradients,
                    changed_pixels: outcome.changed_pixels,
                    distortion: outcome.distortion,
                })?;
            }
        }
        Ok(())
    }

    fn csv(&self, file: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        for image in self.attacked {
            for outcome in &image.outcomes {
                file.serialize(self.line(image, outcome))?;
            }
        }
        Ok(())
    }

    fn line<'a>(&'a self, image: &'a Attacked, outcome: &'a AttackOutcome) -> Line<'a> {
        let random = outcome.random.as_ref();
        let changes: Vec<String> = outcome.changes.iter().map(ToString::to_string).collect();
        Line {
            image: image.image,
            name: &image.name,
            true_class: self.class(image.label),
            clean_class: self.class(image.predicted),
            clean_probability: image.clean_probability,
            pixels: outcome.pixels,
            aim: if outcome.aim == Aim::Untargeted { "untargeted" } else { "targeted" },
            target: outcome.aim.target().map_or("", |target| self.class(target)),
            success: outcome.success,
            class: self.class(outcome.predicted),
            confidence: outcome.confidence,
            true_probability: outcome.true_probability,
            evaluations: outcome.evaluations,
            generations: outcome.generations,
            ending: outcome.ending.name(),
            distortion: outcome.distortion,
            changes: changes.join(";"),
            random_success: random.map(|random| random.success),
            random_confidence: random.filter(|random| random.success).map(|found| found.confidence),
        }
    }

    fn class(&self, class: u32) -> &str {
        let classes = self.plan.pictures().source().classes();
        classes.get(class as usize).map_or("", String::as_str)
    }

    /// Shows rates and costs.
    pub(super) fn show(&self, output: &mut Output) -> anyhow::Result<()> {
        let summary = &self.summary;
        output.text(tables::rates(summary).text())?;
        output.text("")?;
        if self.plan.config().fewest
            && let Some(fewest) = tables::fewest_pixels(summary)
        {
            output.text(fewest.text())?;
            output.text("")?;
        }
        if let Some(random) = self.against_random() {
            output.text(random.text())?;
            output.text("")?;
        }
        if let Some(rivals) = self.against_rivals() {
            output.text(rivals.text())?;
            output.text("")?;
        }
        for group in &summary.groups {
            let Some(oracle) = &group.oracle else { continue };
            output.text(format_args!(
                "oracle       {}: {} of {} that can be found ({}), {} that cannot",
                group.kind,
                oracle.found,
                oracle.attackable,
                percent(oracle.share_found),
                oracle.false_claims
            ))?;
        }
        output.text(format_args!("images       {}", grouped(summary.images)))?;
        output.text(format_args!(
            "accuracy     {} of {} looked at, {} misclassified",
            percent(summary.clean_accuracy),
            grouped(summary.examined),
            grouped(summary.misclassified)
        ))?;
        let speed = rate(summary.evaluations_per_second, "evaluations");
        let evaluations = grouped(summary.evaluations + summary.baseline_evaluations);
        let separator = if speed.is_empty() { "" } else { ", " };
        output.text(format_args!("evaluations  {evaluations}{separator}{speed}"))?;
        output.text(format_args!("results      {}", self.folder.join(RESULTS).display()))
    }

    /// The one JSON object.
    pub(super) fn json(&self) -> AttackJson<'_> {
        let first = self.summary.groups.first();
        let of = |group: &Group| format!("{}, {}", group.kind, tables::in_words(group.pixels));
        AttackJson {
            attack: self.folder.to_owned(),
            outcome: match self.end {
                End::Finished => "finished",
                End::Interrupted => INTERRUPTED,
            },
            model: &self.plan.victim().model,
            weights: self.weights,
            checkpoint: self.checkpoint,
            of: first.map(of).unwrap_or_default(),
            success_rate: first.map_or(0.0, |group| group.success_rate),
            mean_confidence: first.and_then(|group| group.mean_confidence),
            summary: &self.summary,
        }
    }
}
