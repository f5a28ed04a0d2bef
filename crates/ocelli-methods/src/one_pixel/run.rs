//! The work list: image after image, from where it was left.

use super::image_attack::{ImageAttack, ImageAttackState};
use super::{AttackPlan, Attacked, Classifier, Journal};
use crate::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The image under way is saved this often. What a crash loses is computed again, with the same result.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Why an attack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All images are attacked.
    Finished,
    /// It was stopped from outside, with everything saved.
    Interrupted,
}

/// Something that happened in an attack.
#[derive(Debug)]
pub enum Event<'a> {
    /// Goes on with an image that was under way.
    Resumed {
        /// Its position in the dataset.
        image: u64,
    },
    /// Candidates were evaluated.
    Evaluated {
        /// How many.
        candidates: u64,
        /// Attempts on this image that have ended.
        ended: u64,
        /// Those of them that have succeeded.
        succeeded: u64,
    },
    /// All attempts on an image have ended.
    Attacked {
        /// What became of it.
        image: &'a Attacked,
    },
}

/// Attacks the images that the journal lacks, one after another, until `stop` is set.
///
/// # Errors
/// When an image cannot be read, the model fails, or the journal cannot be written.
pub fn run(
    plan: &AttackPlan,
    journal: &mut Journal,
    classifier: &mut dyn Classifier,
    stop: &AtomicBool,
    notice: &mut dyn FnMut(&Event<'_>),
) -> Result<End> {
    let block = block_size(plan.shape());
    let mut saved = journal.saved()?;
    while let Some(&subject) = plan.subjects().get(journal.attacked().len()) {
        let picture = plan.pictures().read(subject.index)?;
        let saved: Option<ImageAttackState> = saved.take();
        let before = saved.as_ref().map_or(0.0, |state| state.seconds);
        if saved.is_some() {
            notice(&Event::Resumed { image: subject.index });
        }
        let mut attack = ImageAttack::resume(plan, subject, &picture, saved)?;
        let mut session = classifier.begin(&picture.image)?;
        let start = Instant::now();
        let seconds = || before + start.elapsed().as_secs_f64();
        let mut last_saved = Instant::now();
        loop {
            let is_stopped = stop.load(Ordering::Relaxed);
            if is_stopped || last_saved.elapsed() >= SAVE_EVERY {
                journal.save(&attack.state(journal.attacked().len() as u64, seconds()))?;
                last_saved = Instant::now();
            }
            if is_stopped {
                return Ok(End::Interrupted);
            }
            let candidates = attack.step(&mut *session, block)?;
            if candidates == 0 {
                break;
            }
            let (ended, succeeded) = attack.ended();
            notice(&Event::Evaluated { candidates, ended, succeeded });
        }
        drop(session);
        journal.add(&attack.finish(seconds()))?;
        if let Some(image) = journal.attacked().last() {
            notice(&Event::Attacked { image });
        }
    }
    Ok(End::Finished)
}

/// Attacks all images of a plan and remembers nothing on disk; `None` if it was stopped.
///
/// # Errors
/// When an image cannot be read or the model fails.
pub fn attack(
    plan: &AttackPlan,
    classifier: &mut dyn Classifier,
    stop: &AtomicBool,
) -> Result<Option<Vec<Attacked>>> {
    let block = block_size(plan.shape());
    let mut attacked = Vec::new();
    for &subject in plan.subjects() {
        let picture = plan.pictures().read(subject.index)?;
        let start = Instant::now();
        let mut attack = ImageAttack::resume(plan, subject, &picture, None)?;
        let mut session = classifier.begin(&picture.image)?;
        while attack.step(&mut *session, block)? > 0 {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        attacked.push(attack.finish(start.elapsed().as_secs_f64()));
    }
    Ok(Some(attacked))
}

/// How many candidates are evaluated at once: enough for all threads, few enough that signals are heard
/// within a second or so. Results do not depend on it.
fn block_size([channels, height, width]: [usize; 3]) -> usize {
    const ELEMENTS: usize = 2 * 1024 * 1024;
    (ELEMENTS / (channels * height * width).max(1)).clamp(32, 1024)
}
