//! Attacks that were stopped anywhere end like those that were not.

use super::fixture::{Noise, attack, config, model, pictures, plan, resume, victim, without_time};
use crate::one_pixel::*;
use crate::{Error, Result};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tempfile::TempDir;

#[test]
fn stopped_anywhere_and_resumed_the_result_is_the_same() {
    let with_oracle = Config { images: 4, random: true, oracle: true, ..config() };
    let pixels = vec![1, 2, 3];
    let few = Config { images: 4, random: true, fewest: true, pixels, ..config() };
    for config in [with_oracle, few] {
        stop_anywhere(&config);
    }
}

fn stop_anywhere(config: &Config) {
    let whole = attack(config, 1).attacked;
    for most in [1, 700, 2500, 6000] {
        let folder = TempDir::new().unwrap();
        let mut stops = 0;
        let attacked = loop {
            let (end, attacked) = resume(config, folder.path(), most);
            if end == End::Finished {
                break attacked;
            }
            stops += 1;
            assert!(stops < 1000, "nothing gets done");
        };
        assert!(stops > 0, "it was never stopped");
        assert_eq!(attacked, whole, "stopped {stops} times");
        assert!(!folder.path().join("under_way.json").exists());
    }
}

#[test]
fn more_images_continue_an_attack() {
    let folder = TempDir::new().unwrap();
    let few = Config { images: 2, ..config() };
    resume(&few, folder.path(), u64::MAX);
    let more = Config { images: 5, ..config() };
    let (_, attacked) = resume(&more, folder.path(), u64::MAX);
    assert_eq!(attacked, attack(&more, 1).attacked);
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let once = attack(&config(), 1).attacked;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(pool.install(|| attack(&config(), 1).attacked), once);
    let other = attack(&Config { seed: 1, ..config() }, 1).attacked;
    assert_ne!(
        other.iter().map(|a| a.image).collect::<Vec<_>>(),
        once.iter().map(|a| a.image).collect::<Vec<_>>()
    );
}

fn open(folder: &Path, config: &Config) -> Result<(Vec<Attacked>, bool)> {
    let asked = AtomicU64::new(0);
    let mut classifier = model(1, &asked);
    let plan = plan(config, 1, &mut classifier)?;
    Journal::open(folder, &plan).map(|(journal, cut)| (without_time(journal.attacked()), cut))
}

#[test]
fn a_journal_that_is_not_this_attack_s_is_refused_by_what_differs() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let config = Config { images: 3, ..config() };
    let (_, whole) = resume(&config, folder, u64::MAX);
    let other = Config { rounding: Rounding::Nearest, ..config.clone() };
    let message = open(folder, &other).unwrap_err().to_string();
    assert!(message.contains("config.rounding \"truncate\", now it is \"nearest\""), "{message}");

    let file = Journal::path_in(folder);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() - 9]).unwrap();
    assert_eq!(open(folder, &config).unwrap(), (whole[..2].to_vec(), true), "a line that was cut");
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&file, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    assert!(matches!(open(folder, &config), Err(Error::Ledger { line: 2, .. })));
    fs::write(&file, "junk\n").unwrap();
    assert!(matches!(open(folder, &config), Err(Error::Ledger { line: 1, .. })));
}

#[test]
fn a_journal_without_a_whole_head_is_begun_anew() {
    let config = Config { images: 2, ..config() };
    let whole = attack(&config, 1).attacked;
    let written = TempDir::new().unwrap();
    resume(&config, written.path(), u64::MAX);
    let text = fs::read_to_string(Journal::path_in(written.path())).unwrap();
    for head in ["", &text[..40]] {
        let folder = TempDir::new().unwrap();
        fs::write(Journal::path_in(folder.path()), head).unwrap();
        let (_, attacked) = resume(&config, folder.path(), u64::MAX);
        assert_eq!(attacked, whole, "{head:?}");
        assert_eq!(open(folder.path(), &config).unwrap(), (whole.clone(), false), "{head:?}");
    }
    let other = Journal::path_in(written.path());
    fs::write(&other, "something else").unwrap();
    assert!(matches!(open(written.path(), &config), Err(Error::Ledger { line: 1, .. })));
    assert_eq!(fs::read(&other).unwrap(), b"something else", "it is left alone");
}

#[test]
fn choosing_images_can_be_stopped() {
    let asked = AtomicU64::new(0);
    let mut classifier = model(1, &asked);
    let stop = AtomicBool::new(false);
    let mut progress = |chosen| stop.store(chosen == 3, Ordering::Relaxed);
    let pictures = pictures(Noise::new(1, 60));
    let plan = AttackPlan::new(config(), victim(), pictures, &mut classifier, &stop, &mut progress);
    assert!(plan.unwrap().is_none());
    drop(classifier);
    assert!(asked.into_inner() < 60, "it goes on choosing");
}

#[test]
fn an_image_under_way_that_was_damaged_is_attacked_anew() {
    let config = Config { images: 2, ..config() };
    let folder = TempDir::new().unwrap();
    resume(&config, folder.path(), 700);
    let file = folder.path().join("under_way.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"place\":0", "\"place\":1", 1)).unwrap();
    let (_, attacked) = resume(&config, folder.path(), u64::MAX);
    assert_eq!(attacked, attack(&config, 1).attacked);
}
