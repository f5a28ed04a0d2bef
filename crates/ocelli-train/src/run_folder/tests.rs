use super::*;
use crate::WorkFolder;
use std::collections::BTreeMap;

fn row(step: u64, name: &str, value: f64) -> Row {
    Row { step, epoch: step as f64 / 10.0, values: BTreeMap::from([(name.to_owned(), value)]) }
}

#[test]
fn a_run_is_made_once_and_opened_again() {
    let root = tempfile::tempdir().unwrap();
    let path = WorkFolder::unused_path(root.path(), "first");
    assert!(path.ends_with("first-1"));
    let recipe = Recipe::resolve("test", "seed = 3", &["train.epochs=2"]).unwrap();
    let mut run = RunFolder::create(&path, &recipe).unwrap();
    run.log("begun").unwrap();
    drop(run);

    let (mut run, again) = RunFolder::open(&path).unwrap();
    assert_eq!(again, recipe);
    run.log("resumed").unwrap();
    assert_eq!(fs::read_to_string(path.join("log.txt")).unwrap(), "begun\nresumed\n");
    assert!(matches!(RunFolder::create(&path, &recipe), Err(Error::RunExists { .. })));
    assert!(WorkFolder::unused_path(root.path(), "first").ends_with("first-2"));
}

#[test]
fn two_processes_do_not_write_to_one_run() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::create(root.path(), &Recipe::default()).unwrap();
    assert!(matches!(RunFolder::open(root.path()), Err(Error::RunBusy { .. })));
    drop(run);
    assert!(RunFolder::open(root.path()).is_ok());
}

#[test]
fn a_folder_without_a_recipe_is_no_run() {
    let root = tempfile::tempdir().unwrap();
    let error = RunFolder::open(root.path()).unwrap_err().to_string();
    assert!(error.contains("recipe.toml: No such file"), "{error}");
}

#[test]
fn measurements_after_the_checkpoint_are_taken_back() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::create(root.path(), &Recipe::default()).unwrap();
    let path = RunFolder::metrics_path(root.path());
    let mut log = run.metrics_after(0).unwrap();
    for step in 1..=5 {
        log.add(&row(step, "train/loss", 1.0 / step as f64)).unwrap();
    }
    log.add(&row(5, "eval/top1", 0.5)).unwrap();
    log.add(&row(6, "train/loss", f64::NAN)).unwrap();
    drop(log);
    assert_eq!(MetricsLog::read(&path).unwrap().len(), 7);
    let cut = fs::read_to_string(&path).unwrap() + "{\"step\":7,\"epo";
    fs::write(&path, cut).unwrap();

    let mut log = run.metrics_after(3).unwrap();
    log.add(&row(4, "train/loss", 0.2)).unwrap();
    let rows = MetricsLog::read(&path).unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[2], row(3, "train/loss", 1.0 / 3.0));
    assert_eq!(rows[3], row(4, "train/loss", 0.2));
    let first = fs::read_to_string(&path).unwrap();
    assert!(first.starts_with("{\"step\":1,\"epoch\":0.1,\"train/loss\":1.0}\n"), "{first}");
}

#[test]
fn a_line_that_is_no_measurement_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let run = RunFolder::create(root.path(), &Recipe::default()).unwrap();
    let path = RunFolder::metrics_path(root.path());
    let mut log = run.metrics_after(0).unwrap();
    (1..=4).for_each(|step| log.add(&row(step, "train/loss", 1.0)).unwrap());
    drop(log);
    let damaged = fs::read_to_string(&path).unwrap().replace("\"step\":2", "\"step\":?");
    fs::write(&path, &damaged).unwrap();
    assert_eq!(MetricsLog::read(&path).unwrap().len(), 3);
    run.metrics_after(3).unwrap();
    let kept: String = damaged.lines().take(3).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);
}

#[test]
fn a_recipe_proves_itself() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    let recipe = Recipe::resolve("test", "seed = 3", &["train.epochs=2"]).unwrap();
    drop(RunFolder::create(&path, &recipe).unwrap());
    let file = RunFolder::recipe_path(&path);
    let whole = fs::read_to_string(&file).unwrap();
    assert_eq!(RunFolder::recipe(&path).unwrap(), recipe);
    assert_eq!(Recipe::load::<&str>(&file, &[]).unwrap(), recipe, "it is a recipe for others too");

    let refuse = |text: &str| {
        fs::write(&file, text).unwrap();
        RunFolder::open(&path).unwrap_err().to_string()
    };
    assert!(refuse("").contains("not the whole recipe of a run: `seed` is missing"));
    let cut = &whole[..whole.find("[ema]").unwrap()];
    assert!(refuse(cut).contains("`checkpoint.keep` is missing"));
    assert!(refuse(&whole.replace("epochs = 2", "epochs = 3")).contains("it was edited, and no"));
    let sealed_by_an_earlier_version = whole.lines().filter(|line| !line.starts_with('#'));
    fs::write(&file, sealed_by_an_earlier_version.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(RunFolder::recipe(&path).unwrap(), recipe);
    fs::write(&file, vec![b' '; 5 << 20]).unwrap();
    let message = RunFolder::recipe(&path).unwrap_err().to_string();
    assert!(message.contains("recipe.toml"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let (path, other) = (root.path().join("run"), root.path().join("other.txt"));
    fs::create_dir(&path).unwrap();
    fs::write(&other, "mine").unwrap();
    std::os::unix::fs::symlink(&other, path.join("log.txt")).unwrap();
    let message = RunFolder::create(&path, &Recipe::default()).unwrap_err().to_string();
    assert!(message.contains("log.txt: no regular file"), "{message}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
}
