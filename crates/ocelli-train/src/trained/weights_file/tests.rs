use super::*;
use std::fs;
use tempfile::TempDir;

/// A run whose checkpoints know of these best evaluations, each as its step and right predictions of 30.
fn run(checkpoints: &[(u64, Option<(u64, u64)>)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (step, best) in checkpoints {
        let best = best.map_or("null".to_owned(), |(step, correct)| {
            format!(r#"{{"step":{step},"correct":{correct},"samples":30}}"#)
        });
        let state = format!(
            r#"{{"format":1,"step":{step},"steps_per_epoch":5,"seed":1,"ema_updates":0,"best":{best},
               "evaluated_at":null,"seconds":1.0,
               "window":{{"steps":0,"images":0,"seconds":0.0,"sums":{{}}}}}}"#
        );
        let files = [(MODEL, step.to_string().into_bytes()), ("state.json", state.into_bytes())];
        RunFolder::checkpoints_of(folder.path()).save(*step, &files).unwrap();
    }
    folder
}

fn chosen(run: &TempDir, choice: Option<CheckpointChoice>) -> ChosenCheckpoint {
    let WeightsFile { path, checkpoint } = WeightsFile::find(run.path(), choice).unwrap();
    let checkpoint = checkpoint.unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), checkpoint.step.to_string(), "its own file");
    checkpoint
}

#[test]
fn the_best_is_taken_unless_another_is_asked_for() {
    let run = run(&[(5, Some((5, 20))), (10, Some((10, 27))), (15, Some((10, 27)))]);
    let best = chosen(&run, None);
    assert_eq!(best.to_string(), "step 10, the best (top-1 90.00 %, 27 of 30)");
    assert_eq!(best.top1, Some(0.9));
    assert_eq!(chosen(&run, Some(CheckpointChoice::Best)), best);
    let last = chosen(&run, Some(CheckpointChoice::Last));
    let expected = "step 15, the last (asked for; the best is step 10, top-1 90.00 %, 27 of 30)";
    assert_eq!((last.to_string().as_str(), last.top1), (expected, None));
    let step = chosen(&run, Some(CheckpointChoice::Step(5)));
    assert_eq!((step.step, step.top1), (5, None), "what was the best then is not any more");
    let step = chosen(&run, Some(CheckpointChoice::Step(10)));
    assert_eq!((step.which, step.top1), (CheckpointChoice::Step(10), Some(0.9)));

    let json = serde_json::to_value(&best).unwrap();
    let expected = serde_json::json!({
        "step": 10, "which": "best", "why": "top-1 90.00 %, 27 of 30", "top1": 0.9,
    });
    assert_eq!(json, expected);
}

#[test]
fn without_the_best_it_is_the_last_and_says_why() {
    let why = |run: &TempDir| {
        let chosen = chosen(run, None);
        assert_eq!((chosen.which, chosen.top1), (CheckpointChoice::Last, None));
        (chosen.step, chosen.why)
    };
    let never = run(&[(5, None), (10, None)]);
    assert_eq!(why(&never), (10, "the run was not evaluated yet".to_owned()));
    // An older version pruned it, or nobody saved it.
    let gone = run(&[(10, Some((7, 27))), (15, Some((7, 27)))]);
    let expected = "the best has no checkpoint: step 7, top-1 90.00 %, 27 of 30";
    assert_eq!(why(&gone), (15, expected.to_owned()));

    let damaged = run(&[(5, Some((5, 27))), (10, Some((5, 27)))]);
    let best = RunFolder::checkpoints_of(damaged.path()).folder_of(5);
    fs::write(best.join(MODEL), "6").unwrap();
    let expected = "the best is damaged: step 5, top-1 90.00 %, 27 of 30";
    assert_eq!(why(&damaged), (10, expected.to_owned()));

    let silent = TempDir::new().unwrap();
    RunFolder::checkpoints_of(silent.path()).save(3, &[(MODEL, b"3".to_vec())]).unwrap();
    let (step, why) = why(&silent);
    assert!(step == 3 && why.contains("state.json"), "{why}");
}

#[test]
fn a_damaged_last_leaves_the_best_that_the_one_before_knows() {
    let run = run(&[(5, Some((5, 20))), (10, Some((5, 20))), (15, Some((15, 28)))]);
    let last = RunFolder::checkpoints_of(run.path()).folder_of(15);
    fs::write(last.join("state.json"), "{}").unwrap();
    assert_eq!(chosen(&run, None).to_string(), "step 5, the best (top-1 66.67 %, 20 of 30)");
    assert_eq!(chosen(&run, Some(CheckpointChoice::Last)).step, 10);
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let run = run(&[(5, None), (10, None)]);
    let refuse =
        |path: &Path, choice| WeightsFile::find(path, Some(choice)).unwrap_err().to_string();
    let message = refuse(run.path(), CheckpointChoice::Step(7));
    assert!(message.ends_with("no checkpoint of step 7; there are 5, 10"), "{message}");
    let damaged = RunFolder::checkpoints_of(run.path()).folder_of(5);
    fs::write(damaged.join(MODEL), "x").unwrap();
    let message = refuse(run.path(), CheckpointChoice::Step(5));
    assert!(message.contains("step-5"), "what is asked for is not replaced: {message}");
    let checkpoint = RunFolder::checkpoints_of(run.path()).folder_of(10);
    for path in [checkpoint.clone(), checkpoint.join(MODEL)] {
        let message = refuse(&path, CheckpointChoice::Last);
        assert!(message.contains("no run's folder"), "{message}");
    }
    let named = WeightsFile::find(&checkpoint, None).unwrap().checkpoint.unwrap();
    assert_eq!(named.to_string(), "step 10 (its folder was named)");
}

#[test]
fn choices_are_written_as_they_are_read() {
    for text in ["best", "last", "step-0", "step-1200"] {
        assert_eq!(text.parse::<CheckpointChoice>().unwrap().to_string(), text);
    }
    for text in ["", "Best", "step-", "step--1", "1200", "step-1.5", "step-99999999999999999999"] {
        assert!(text.parse::<CheckpointChoice>().is_err(), "{text}");
    }
}
