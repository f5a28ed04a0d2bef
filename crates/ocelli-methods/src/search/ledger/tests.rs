use super::*;
use crate::search::{Measured, Score, SearchConfig, SpaceConfig, TrialOutcome};
use ocelli_nn::backbones::efficientnetv2::{Flavour, Variant};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn space() -> Space {
    let backbone = Variant::SMALL_CIFAR.layout(Flavour::PyTorch);
    Space::new(&SpaceConfig::default(), backbone).unwrap()
}

fn header() -> Header {
    Header::new(&json!({ "format": FORMAT, "seed": 3, "space": space(), "lr": 0.1 + 0.2 })).unwrap()
}

fn trial(number: u64, correct: u64) -> Trial {
    let measured = Measured {
        correct,
        samples: 1000,
        step_ms: 100.0 / 3.0,
        backbone_step_ms: 31.7 * std::f64::consts::PI,
        params: 400_000,
        backbone_params: 440_000,
        macs: 20_000_000,
        seconds: 1.0,
    };
    let reward = SearchConfig::default().reward.weigh(
        measured.accuracy(),
        measured.step_ratio(),
        measured.params_ratio(),
    );
    let outcome = match number {
        2 => TrialOutcome::Failed { reason: "the loss is not finite at step 7".to_owned() },
        _ => TrialOutcome::Done(Score { reward, measured }),
    };
    Trial { number, stages: space().candidate(&[number as usize % 2; 20]), outcome }
}

/// A ledger of five trials.
fn ledger(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("ledger.jsonl");
    let mut ledger = Ledger::create(&path, &header()).unwrap();
    for number in 0..5 {
        ledger.add(&trial(number, 500 + number)).unwrap();
    }
    path
}

fn open(path: &Path) -> Result<(Ledger, bool)> {
    Ledger::open(path, &header(), &space())
}

#[test]
fn a_ledger_reads_back_as_what_was_added() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 6);
    assert!(
        text.contains(r#"{"trial":2,"stages":[{"op":"mbconv","kernel":3,"expand":1,"layers":1}"#)
    );
    let (mut first, was_cut) = open(&path).unwrap();
    assert!(!was_cut);
    first.add(&trial(5, 700)).unwrap();
    let trials = first.trials().to_vec();
    drop(first);
    let (second, _) = open(&path).unwrap();
    assert_eq!(second.trials(), trials, "to the last bit");
    assert_eq!(second.trials()[2].score(), None);
}

#[test]
fn a_ledger_is_begun_once_and_written_by_one() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let message = Ledger::create(&path, &header()).unwrap_err().to_string();
    assert!(message.contains("holds a search already"), "{message}");
    let (_open, _) = open(&path).unwrap();
    let message = open(&path).unwrap_err().to_string();
    assert!(message.contains("another process is writing"), "{message}");
    assert!(matches!(open(&folder.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn cut_anywhere_in_its_last_line_a_ledger_loses_that_trial_alone() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in [last + 1, last + 17, whole.len() - 1] {
        fs::write(&path, &whole[..end]).unwrap();
        let (mut ledger, was_cut) = open(&path).unwrap();
        assert!(was_cut && ledger.trials().len() == 4, "cut at {end}");
        ledger.add(&trial(4, 504)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {end}");
    }
    fs::write(&path, &whole[..last]).unwrap();
    let (ledger, was_cut) = open(&path).unwrap();
    assert!(!was_cut && ledger.trials().len() == 4, "cut between lines");
    drop(ledger);
    fs::write(&path, &whole[..20]).unwrap();
    let (ledger, was_cut) = open(&path).unwrap();
    assert!(was_cut && ledger.trials().is_empty(), "cut in its head");
    drop(ledger);
    assert!(open(&path).is_ok(), "the head is whole again");
}

#[test]
fn the_ledger_of_another_search_is_refused_by_what_differs() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let refuse = |now: Value| {
        let header = Header::new(&now).unwrap();
        Ledger::open(&path, &header, &space()).unwrap_err().to_string()
    };
    let other = |kernels: Vec<usize>| {
        let config = SpaceConfig { kernels, ..SpaceConfig::default() };
        Space::new(&config, Variant::SMALL_CIFAR.layout(Flavour::PyTorch)).unwrap()
    };
    let now = json!({ "format": FORMAT, "seed": 4, "space": space(), "lr": 0.3 });
    assert!(refuse(now).contains("was begun with seed 3, now it is 4"));
    let now = json!({ "format": FORMAT, "seed": 3, "space": other(vec![3, 7]), "lr": 0.1 + 0.2 });
    assert!(refuse(now).contains("was begun with space.kernels.1 5, now it is 7"));
    let now = json!({ "format": FORMAT + 1, "seed": 3, "space": space(), "lr": 0.1 + 0.2 });
    assert!(refuse(now).contains("format 1, now it is 2"));
}

#[test]
fn a_line_that_was_changed_is_refused_by_its_seal() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let changed = whole.replacen("\"correct\":501", "\"correct\":511", 1);
    let missing = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    for text in [changed, missing] {
        fs::write(&path, text).unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains("line 3: it does not fit its hash"), "{message}");
    }
}

#[test]
fn a_line_that_cannot_be_is_refused_by_number() {
    let folder = TempDir::new().unwrap();
    let path = ledger(&folder);
    let whole = fs::read_to_string(&path).unwrap();
    // A ledger of the first version, without seals, is read for what it says.
    let unsealed = |line: &str| line.rsplit_once(",\"hash\":").unwrap().0.to_owned() + "}";
    let lines: Vec<String> = whole.lines().map(unsealed).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines.join("\n") + "\n"
    };
    let cases = [
        (with(0, "{}"), "was begun with format not set, now it is 1"),
        (with(0, "PK\u{3}"), "line 1: not the head of a ledger"),
        (with(3, "{\"trial\":2"), "line 4: not a trial"),
        (with(3, ""), "line 4: not a trial"),
        (with(3, lines[4]), "line 4: trial 3, expected trial 2"),
        (with(2, &lines[2].replace("\"kernel\":5", "\"kernel\":9")), "line 3: Fk9"),
        (with(2, &lines[2].replace("\"correct\":501", "\"correct\":1001")), "1001 of 1000 images"),
        (with(1, &lines[1].replace("\"step_ms\":33", "\"step_ms\":-33")), "line 2: steps of -33"),
        (with(1, &lines[1].replace("\"params\":400000", "\"params\":0")), "without parameters"),
        (with(1, &lines[1].replace("done", "won")), "line 2: not a trial: unknown variant `won`"),
        (with(1, &lines[1].replace("\"op\":\"mbconv\"", "\"op\":\"pool\"")), "line 2: not a trial"),
    ];
    for (text, expected) in cases {
        fs::write(&path, &text).unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected} in: {message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "what is refused is left alone");
    }
    fs::write(&path, [&[0xff, 0xfe, b'\n'][..], whole.as_bytes()].concat()).unwrap();
    assert!(open(&path).unwrap_err().to_string().contains("line 1"));
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    /// Whatever is in a file: a value or an error, never a panic.
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        after in 0_usize..7,
    ) {
        let folder = TempDir::new().unwrap();
        let path = ledger(&folder);
        let whole = fs::read(&path).unwrap();
        let lines = whole.split_inclusive(|byte| *byte == b'\n').take(after);
        let head: Vec<u8> = lines.flatten().copied().collect();
        fs::write(&path, [head, bytes].concat()).unwrap();
        if let Ok((ledger, _)) = open(&path) {
            prop_assert!(ledger.trials().len() <= 5);
        }
    }
}
