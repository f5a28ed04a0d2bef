use super::*;
use std::io;
use tempfile::TempDir;

fn checkpoints() -> (TempDir, Checkpoints) {
    let root = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(root.path().join("checkpoints"));
    (root, checkpoints)
}

fn save(checkpoints: &Checkpoints, step: u64) -> Checkpoint {
    let files = [("model.bin", vec![step as u8; 1000]), ("state.json", b"{}".to_vec())];
    checkpoints.save(step, &files).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn the_newest_is_found_by_number() {
    let (_root, checkpoints) = checkpoints();
    assert_eq!(checkpoints.newest().unwrap(), Newest::default());
    for step in [9, 10, 100] {
        save(&checkpoints, step);
    }
    let newest = checkpoints.newest().unwrap();
    let checkpoint = newest.checkpoint.unwrap();
    assert_eq!((checkpoint.step, newest.rejected.len()), (100, 0));
    assert_eq!(fs::read(checkpoint.file("model.bin")).unwrap(), [100; 1000]);
    assert_eq!(names(&checkpoint.path), ["manifest.json", "model.bin", "state.json"]);
    assert_eq!(names(checkpoints.folder()), ["step-10", "step-100", "step-9"]);
}

#[test]
fn whatever_is_damaged_is_passed_over() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 7] = [
        ("contents have changed", |folder| {
            let mut bytes = fs::read(folder.join("model.bin")).unwrap();
            bytes[500] ^= 1;
            fs::write(folder.join("model.bin"), bytes).unwrap();
        }),
        ("999 bytes long, expected 1000", |folder| {
            fs::write(folder.join("model.bin"), vec![2; 999]).unwrap();
        }),
        ("model.bin: No such file", |folder| fs::remove_file(folder.join("model.bin")).unwrap()),
        ("manifest.json: No such file", |folder| fs::remove_file(folder.join(MANIFEST)).unwrap()),
        ("EOF while parsing", |folder| fs::write(folder.join(MANIFEST), "{").unwrap()),
        ("format 2, expected 1", |folder| {
            fs::write(folder.join(MANIFEST), r#"{"format":2,"files":{}}"#).unwrap();
        }),
        ("outside its folder", |folder| {
            let text = r#"{"format":1,"files":{"../x":{"length":0,"blake3":""}}}"#;
            fs::write(folder.join(MANIFEST), text).unwrap();
        }),
    ];
    for (reason, damage) in cases {
        let (_root, checkpoints) = checkpoints();
        save(&checkpoints, 1);
        damage(&save(&checkpoints, 2).path);
        let newest = checkpoints.newest().unwrap();
        assert_eq!(newest.checkpoint.unwrap().step, 1, "{reason}");
        let rejected = &newest.rejected[0];
        assert!(rejected.path.ends_with("step-2"));
        assert!(rejected.reason.contains(reason), "{} lacks {reason}", rejected.reason);
        assert!(checkpoints.at(2).is_err() && checkpoints.at(1).is_ok());
    }
}

#[test]
fn old_ones_go_and_the_best_stays() {
    let (_root, checkpoints) = checkpoints();
    for step in 1..=6 {
        save(&checkpoints, step);
        checkpoints.prune(2, Some(2)).unwrap();
    }
    assert_eq!(checkpoints.steps().unwrap(), [2, 5, 6]);
    assert_eq!(names(checkpoints.folder()).len(), 3);
}

#[test]
fn saving_the_same_step_again_replaces_it() {
    let (_root, checkpoints) = checkpoints();
    save(&checkpoints, 3);
    checkpoints.save(3, &[("other", vec![7])]).unwrap();
    assert_eq!(names(&checkpoints.at(3).unwrap().path), ["manifest.json", "other"]);
}

#[test]
fn what_a_crash_left_unfinished_is_no_checkpoint() {
    let (_root, checkpoints) = checkpoints();
    save(&checkpoints, 1);
    let partial = checkpoints.folder().join(".step-2.partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("model.bin"), "half").unwrap();
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step, 1);
    save(&checkpoints, 2);
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step, 2);
    assert_eq!(names(checkpoints.folder()), ["step-1", "step-2"]);
}

/// A name that is too long for a file stands for any write that fails in the middle.
#[test]
fn a_failed_write_leaves_the_one_before_untouched() {
    let (_root, checkpoints) = checkpoints();
    let before = save(&checkpoints, 1);
    let too_long = "x".repeat(300);
    let files = [("model.bin", vec![0; 10]), (too_long.as_str(), vec![])];
    let error = checkpoints.save(2, &files).unwrap_err();
    assert!(error.to_string().contains("File name too long"), "{error}");
    assert_eq!(checkpoints.newest().unwrap().checkpoint, Some(before));
    assert_eq!(names(checkpoints.folder()), ["step-1"]);
}

/// `/dev/full` answers every write as a full disk does; root can write anywhere else.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_folder_that_cannot_be_made_say_so() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("full");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let error = write::write_file(&path, b"x").unwrap_err().to_string();
    assert!(error.contains("full: No space left on device"), "{error}");

    fs::write(root.path().join("file"), "").unwrap();
    let checkpoints = Checkpoints::new(root.path().join("file/checkpoints"));
    let error = checkpoints.save(1, &[]).unwrap_err().to_string();
    assert!(error.contains("file/checkpoints: Not a directory"), "{error}");
}

#[test]
fn a_file_that_has_the_name_of_a_checkpoint_is_passed_over_and_survives() {
    let (_root, checkpoints) = checkpoints();
    save(&checkpoints, 1);
    for step in [2, 9] {
        fs::write(checkpoints.folder().join(format!("step-{step}")), "mine").unwrap();
    }
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step, 1);
    save(&checkpoints, 2);
    checkpoints.prune(1, None).unwrap();
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step, 2);
    let kept = names(checkpoints.folder());
    assert_eq!(kept, ["step-2", "step-2.no-checkpoint", "step-9"]);
}
