//! What an evaluation shows.

use ocelli::nn::weights::WeightsLocation;
use ocelli::results::write_csv;
use ocelli::train::{ChosenCheckpoint, Evaluation, Trained};
use serde::Serialize;
use std::path::Path;

use crate::failure::BadInput;
use crate::output::{Align, Output, Table, grouped, percent};
use crate::run_data::Opened;
use crate::talk::rate;

/// The first cell of a confusion matrix, by which a file is known to be one.
pub(super) const CONFUSION_HEAD: &str = "true \\ predicted";

/// With more classes than this the table of classes is shown only when asked for.
const FEW_CLASSES: usize = 20;

/// An evaluation with the names that it needs.
pub(super) struct Report<'a> {
    pub(super) trained: &'a Trained,
    pub(super) evaluation: &'a Evaluation,
    pub(super) classes: &'a [String],
    pub(super) data: &'a Opened,
}

#[derive(Serialize)]
pub(super) struct EvalJson<'a> {
    model: &'a str,
    weights: &'a Path,
    checkpoint: Option<&'a ChosenCheckpoint>,
    #[serde(flatten)]
    location: &'a WeightsLocation,
    samples: u64,
    correct: u64,
    top1: f64,
    top5: Option<f64>,
    loss: f64,
    calibration_error: f64,
    skipped: u64,
    seconds: f64,
    images_per_second: f64,
    latency_ms: f64,
    data_fingerprint: &'a str,
    data_changed: Option<bool>,
    per_class: Vec<ClassScore<'a>>,
}

#[derive(Serialize)]
struct ClassScore<'a> {
    class: &'a str,
    samples: u64,
    correct: u64,
}

impl<'a> Report<'a> {
    /// The one JSON object.
    pub(super) fn json(&self) -> EvalJson<'a> {
        let Evaluation { scores, skipped, seconds, images_per_second, latency_ms } =
            self.evaluation;
        EvalJson {
            model: &self.trained.arch,
            weights: &self.trained.file,
            checkpoint: self.trained.checkpoint.as_ref(),
            location: &self.trained.location,
            samples: scores.samples,
            correct: scores.correct,
            top1: scores.top1,
            top5: scores.top5,
            loss: scores.loss,
            calibration_error: scores.calibration_error,
            skipped: *skipped,
            seconds: *seconds,
            images_per_second: *images_per_second,
            latency_ms: *latency_ms,
            data_fingerprint: self.data.fingerprint.hash(),
            data_changed: self.data.has_changed,
            per_class: self.per_class().collect(),
        }
    }

    /// The same for people.
    pub(super) fn show(&self, output: &mut Output, every_class: bool) -> anyhow::Result<()> {
        if every_class || self.classes.len() <= FEW_CLASSES {
            output.text(self.class_table())?;
            output.text("")?;
        }
        let Evaluation { scores, skipped, seconds, images_per_second, latency_ms } =
            self.evaluation;
        let top5 = scores.top5.map(|top5| ("top-5", percent(top5)));
        let checkpoint = self.trained.checkpoint.as_ref();
        let checkpoint = checkpoint.map(|chosen| ("checkpoint", chosen.to_string()));
        let names = [("model", self.trained.arch.clone()), ("weights", self.weights())];
        let head = names.into_iter().chain(checkpoint);
        let lines = [
            ("loss", format!("{:.4}", scores.loss)),
            ("calibration", format!("{:.4} expected error", scores.calibration_error)),
            ("skipped", skipped.to_string()),
            ("speed", format!("{}, {seconds:.1} s in all", rate(*images_per_second, "images"))),
            ("latency", format!("{latency_ms:.2} ms per image in the network")),
        ];
        let top1 = ("top-1", share(scores.top1, scores.correct, scores.samples));
        for (name, value) in head.chain([top1]).chain(top5).chain(lines) {
            output.text(format_args!("{name:<11}  {value}"))?;
        }
        Ok(())
    }

    /// Writes the matrix with the classes' names as heads of rows and columns.
    ///
    /// # Errors
    /// When there are too many classes for a matrix, or the file cannot be written.
    pub(super) fn write_confusion(&self, path: &Path) -> anyhow::Result<()> {
        let matrix = &self.evaluation.scores.confusion;
        if matrix.is_empty() {
            let classes = self.classes.len();
            return Err(
                BadInput::new(format!("{classes} classes are too many for a matrix")).into()
            );
        }
        write_csv(path, |file| {
            file.write_record([CONFUSION_HEAD].into_iter().chain(self.names()))?;
            for (name, row) in self.names().zip(matrix) {
                let counts = row.iter().map(u64::to_string);
                file.write_record([name.to_owned()].into_iter().chain(counts))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The file of the weights, and where they stand in it unless they are all that it has.
    fn weights(&self) -> String {
        let Trained { file, location, .. } = self.trained;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if *location == WeightsLocation::default() {
            name.into_owned()
        } else {
            format!("{name}, {location}")
        }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.classes.iter().map(String::as_str)
    }

    fn per_class(&self) -> impl Iterator<Item = ClassScore<'a>> {
        let scores = &self.evaluation.scores;
        let counts = scores.class_samples.iter().zip(&scores.class_correct);
        self.names().zip(counts).map(|(class, (&samples, &correct))| ClassScore {
            class,
            samples,
            correct,
        })
    }

    fn class_table(&self) -> Table {
        let right = |head| (head, Align::Right);
        let heads = [("class", Align::Left), right("images"), right("correct"), right("accuracy")];
        let mut table = Table::new(heads);
        for ClassScore { class, samples, correct } in self.per_class() {
            let accuracy = match samples {
                0 => "–".to_owned(),
                samples => percent(correct as f64 / samples as f64),
            };
            table.row([class.to_owned(), grouped(samples), grouped(correct), accuracy]);
        }
        table
    }
}

fn share(fraction: f64, part: u64, whole: u64) -> String {
    format!("{} ({} of {})", percent(fraction), grouped(part), grouped(whole))
}
