//! How far an attack is, and how it does.

use ocelli::methods::one_pixel::{AttackPlan, Attacked, Event};
use std::time::Instant;

use crate::output::{grouped, percent};
use crate::talk::{Progress, rate};

/// Tells the progress of an attack: attempts that have ended, and how many of them succeeded.
pub(super) struct Watch {
    progress: Progress,
    start: Instant,
    /// Attempts on each image.
    each: u64,
    /// Attempts on images that are finished, and those that succeeded.
    ended: u64,
    succeeded: u64,
    /// Candidates that were evaluated since the start.
    candidates: u64,
}

impl Watch {
    pub(super) fn start(plan: &AttackPlan, attacked: &[Attacked]) -> Self {
        let (each, images) = (plan.attempts_per_image() as u64, plan.subjects().len() as u64);
        let total = images * each;
        let sample = plan.sample();
        tracing::info!(
            "{images} images, {}{} attempts; {} of {} images that were looked at are classified rightly",
            if plan.config().fewest { "up to " } else { "" },
            grouped(total),
            grouped(sample.correct),
            grouped(sample.examined)
        );
        if images < plan.config().images {
            tracing::warn!("the dataset has no more images to attack than these {images}");
        }
        if !attacked.is_empty() {
            tracing::info!("{} images are attacked already", attacked.len());
        }
        let before = attacked.len() as u64 * each;
        let progress = Progress::resume("attack", before, total, "attempts");
        let mut watch =
            Self { progress, start: Instant::now(), each, ended: 0, succeeded: 0, candidates: 0 };
        for image in attacked {
            watch.count(image);
        }
        watch.tell(0, 0);
        watch
    }

    pub(super) fn notice(&mut self, event: &Event<'_>) {
        match event {
            Event::Resumed { image } => tracing::info!("going on with image {image}"),
            Event::Evaluated { candidates, ended, succeeded } => {
                self.candidates += candidates;
                self.tell(*ended, *succeeded);
            }
            Event::Attacked { image } => {
                self.count(image);
                self.tell(0, 0);
                let won = image.outcomes.iter().filter(|outcome| outcome.success).count();
                tracing::debug!("{}: {won} of {} attempts", image.name, image.outcomes.len());
            }
        }
    }

    fn count(&mut self, image: &Attacked) {
        // What is spared would have succeeded.
        let spared = self.each - image.outcomes.len() as u64;
        let won = image.outcomes.iter().filter(|outcome| outcome.success).count() as u64;
        self.ended += self.each;
        self.succeeded += won + spared;
    }

    fn tell(&self, ended: u64, succeeded: u64) {
        let (ended, succeeded) = (self.ended + ended, self.succeeded + succeeded);
        let speed = self.candidates as f64 / self.start.elapsed().as_secs_f64().max(1e-9);
        let share = match ended {
            0 => String::new(),
            _ => format!(" ({})", percent(succeeded as f64 / ended as f64)),
        };
        let speed = rate(speed, "evaluations");
        let separator = if speed.is_empty() { "" } else { ", " };
        let note = format!("{} succeeded{share}{separator}{speed}", grouped(succeeded));
        self.progress.set(ended);
        self.progress.note(&note);
    }
}
