use super::*;
use tempfile::TempDir;

fn points(path: &Path) -> Vec<(String, u64, f32)> {
    let scalars = read_scalars(path).unwrap();
    scalars.into_iter().map(|s| (s.tag, s.step, s.value)).collect()
}

fn run_of_steps(folder: &Path, steps: std::ops::RangeInclusive<u64>) -> PathBuf {
    let mut events = EventWriter::open(folder, steps.start() - 1).unwrap();
    for step in steps {
        events.scalar("train/loss", step, 1.0 / step as f32).unwrap();
        events.scalar("train/learning_rate", step, 0.1).unwrap();
    }
    events.flush().unwrap();
    events.path().to_path_buf()
}

#[test]
fn scalars_come_back_as_written() {
    let folder = TempDir::new().unwrap();
    let mut events = EventWriter::open(folder.path(), 0).unwrap();
    events.scalar("train/loss", 1, 2.25).unwrap();
    events.scalar("eval/top1", u64::from(u32::MAX) + 7, f32::NAN).unwrap();
    events.flush().unwrap();
    let read = read_scalars(events.path()).unwrap();
    assert_eq!((read[0].tag.as_str(), read[0].step, read[0].value), ("train/loss", 1, 2.25));
    assert_eq!((read[1].tag.as_str(), read[1].step), ("eval/top1", 4_294_967_302));
    assert!(read[1].value.is_nan());
    assert!(read[0].wall_time > 1.7e9, "wall time is in seconds since 1970");
}

#[test]
fn a_resumed_run_has_the_curve_of_one_that_never_stopped() {
    let (whole, broken) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let whole = run_of_steps(whole.path(), 1..=10);
    // Killed at step 7 in the middle of a record, resumed from the checkpoint of step 4.
    let path = run_of_steps(broken.path(), 1..=7);
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 5).unwrap();
    assert_eq!(run_of_steps(broken.path(), 5..=10), path, "the same file goes on");
    assert_eq!(points(&path), points(&whole));
}

#[test]
fn a_damaged_file_is_cut_where_it_is_damaged() {
    let folder = TempDir::new().unwrap();
    let path = run_of_steps(folder.path(), 1..=3);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 0xff;
    fs::write(&path, &bytes).unwrap();
    let error = read_scalars(&path).unwrap_err();
    assert!(error.to_string().contains("checksum of the data"), "{error}");
    run_of_steps(folder.path(), 4..=4);
    assert_eq!(points(&path).len(), 7, "five whole records, then two new ones");
}

#[test]
fn an_empty_file_begins_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.out.tfevents.1.ocelli");
    fs::write(&path, b"").unwrap();
    assert_eq!(run_of_steps(folder.path(), 1..=1), path);
    assert_eq!(points(&path).len(), 2);
}

#[test]
fn a_missing_folder_is_named() {
    let error = EventWriter::open(Path::new("no/such/folder"), 0).unwrap_err();
    assert!(error.to_string().starts_with("no/such/folder: "), "{error}");
}
