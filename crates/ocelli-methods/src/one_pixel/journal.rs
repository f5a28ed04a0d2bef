//! What an attack has done so far, on disk: finished images line by line, the one under way beside them.

use super::image_attack::ImageAttackState;
use super::{AttackPlan, Attacked, PixelChange};
use crate::error::{WorkKind, out_of_range};
use crate::ledger::{Lines, Opened};
use crate::{Error, Result};
use ocelli_common::write_whole;
use ocelli_train::read_text;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Finished images.
const ATTACKED: &str = "attacked.jsonl";
/// The image under way.
const UNDER_WAY: &str = "under_way.json";

/// All populations of an image: the genes of a plan are bounded, and each takes some twenty characters.
const LARGEST_STATE: u64 = 16 << 30;

/// The folder of an attack, to which this process alone writes.
///
/// A line of `attacked.jsonl` is added and synced when all attempts on an image have ended; the image
/// under way is saved now and then in `under_way.json`, whole or not at all. An attack that goes on sees
/// the same values as one that was not stopped.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: Lines,
    attacked: Vec<Attacked>,
}

impl Journal {
    /// The file that says that a folder holds an attack.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join(ATTACKED)
    }

    /// Begins a new attack in `folder`, which exists.
    ///
    /// # Errors
    /// [`Error::LedgerExists`] when there is one already; or when it cannot be written.
    pub fn create(folder: &Path, plan: &AttackPlan) -> Result<Self> {
        let file = Lines::create(&Self::path_in(folder), WorkKind::Attack, &plan.header()?)?;
        let journal = Self { folder: folder.to_owned(), file, attacked: Vec::new() };
        // What is left of another attack is nothing to go on with.
        journal.forget()?;
        Ok(journal)
    }

    /// Opens the folder of an attack to go on with it. Says so if its last line had been cut and was
    /// dropped.
    ///
    /// # Errors
    /// [`Error::OtherWork`] when it is another attack than `plan`'s, [`Error::Ledger`] when a line is not
    /// what it should be, or when the file cannot be read or written.
    pub fn open(folder: &Path, plan: &AttackPlan) -> Result<(Self, bool)> {
        let opened = Lines::open(&Self::path_in(folder), &plan.header()?)?;
        let Opened { file, lines, was_cut } = opened;
        let mut journal = Self { folder: folder.to_owned(), file, attacked: Vec::new() };
        for (at, line) in lines.iter().enumerate() {
            let attacked = journal.read(at, line, plan)?;
            journal.attacked.push(attacked);
        }
        Ok((journal, was_cut))
    }

    /// The images whose attempts have all ended, in the order of the plan.
    pub fn attacked(&self) -> &[Attacked] {
        &self.attacked
    }

    /// Adds an image. It is kept as it reads back, since the last digit of a number may change on the way.
    pub(super) fn add(&mut self, attacked: &Attacked) -> Result<()> {
        let line = self.file.add(attacked)?;
        let attacked = serde_json::from_str(&line).map_err(io::Error::from);
        self.attacked.push(attacked.map_err(Error::io(self.file.path()))?);
        self.forget()
    }

    /// Removes the image under way.
    fn forget(&self) -> Result<()> {
        match fs::remove_file(self.under_way()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result.map_err(Error::io(self.under_way())),
        }
    }

    /// Saves the image under way.
    pub(super) fn save(&self, state: &ImageAttackState) -> Result<()> {
        let path = self.under_way();
        let write = || {
            let text = serde_json::to_string(state)?;
            let hash = blake3::hash(text.as_bytes()).to_hex();
            write_whole(&path, format!("{hash}\n{text}\n").as_bytes())
        };
        write().map_err(Error::io(&path))
    }

    /// The image under way as it was saved last, if it is the next one of the plan. A file that does not
    /// prove itself whole is passed over: its image is begun anew, with the same result.
    pub(super) fn saved(&self) -> Result<Option<ImageAttackState>> {
        let path = self.under_way();
        if !path.exists() {
            return Ok(None);
        }
        let text = read_text(&path, LARGEST_STATE)?;
        let state = text.split_once('\n').and_then(|(hash, text)| {
            let text = text.trim_end();
            let is_whole = blake3::hash(text.as_bytes()).to_hex().as_str() == hash;
            if is_whole { serde_json::from_str(text).ok() } else { None }
        });
        if state.is_none() {
            let path = path.display();
            tracing::warn!("{path} is damaged; its image is attacked from the beginning");
        }
        Ok(state.filter(|state: &ImageAttackState| state.finished == self.attacked.len() as u64))
    }

    fn under_way(&self) -> PathBuf {
        self.folder.join(UNDER_WAY)
    }

    /// The image that stands `at` so many lines after the head.
    fn read(&self, at: usize, line: &[u8], plan: &AttackPlan) -> Result<Attacked> {
        let refuse = |reason| self.file.refuse(at, reason);
        let attacked: Attacked = serde_json::from_slice(line)
            .map_err(|error| refuse(format!("not an attacked image: {error}")))?;
        let Some(subject) = plan.subjects().get(at) else {
            let expected = format!("{} or more, which are attacked already", at + 1);
            return Err(out_of_range("images", plan.subjects().len(), &expected));
        };
        if subject.index != attacked.image {
            let (found, expected) = (attacked.image, subject.index);
            return Err(refuse(format!("image {found}, expected image {expected}")));
        }
        if (subject.label, subject.predicted) != (attacked.label, attacked.predicted) {
            return Err(refuse("other classes than the image has".to_owned()));
        }
        let keys =
            plan.attempts(attacked.label).filter(|key| !attacked.spares(plan.config(), *key));
        let found = attacked.outcomes.iter().map(|outcome| (outcome.pixels, outcome.aim));
        if !found.eq(keys) {
            return Err(refuse("other attempts than the attack makes".to_owned()));
        }
        let rivals = attacked.rivals.iter().map(|outcome| outcome.attack);
        if !rivals.eq(plan.config().compare.attacks.iter().copied()) {
            return Err(refuse("other rivals than the attack has".to_owned()));
        }
        let [channels, height, width] = plan.shape();
        let fits = |change: &PixelChange| {
            (change.x as usize) < width
                && (change.y as usize) < height
                && change.value.len() == channels
        };
        if !attacked.outcomes.iter().flat_map(|outcome| &outcome.changes).all(fits) {
            return Err(refuse("a change outside of the image".to_owned()));
        }
        Ok(attacked)
    }
}
