use super::super::index_file::{Known, read, write};
use super::*;
use std::fs;

/// A folder with `x.tar`, its index, and what a scan finds.
struct Example {
    folder: tempfile::TempDir,
    known: Known,
    index: ShardIndex,
}

impl Example {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with_layout(files, None)
    }

    fn with_layout(files: &[(&str, &str)], layout: Option<TarLayout>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.tar"), tar(files)).unwrap();
        let tar = Storage::open(&folder.path().join("x.tar")).unwrap();
        let shards = std::slice::from_ref(&tar);
        let (known, mut indexes) = layout::index(shards, layout, Limits::default()).unwrap();
        let index = indexes.remove(0);
        write(&tar, known, &index).unwrap();
        Self { folder, known, index }
    }

    fn class_folders() -> Self {
        Self::new(&[("dog/1.png", "one"), ("cat/2.png", "two")])
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("x.tar")
    }

    fn index_path(&self) -> PathBuf {
        self.folder.path().join("x.tar.ocelli-index")
    }

    fn read(&self) -> Option<ShardIndex> {
        let (layout, index) = self.read_for(Some(self.known.layout))?;
        assert_eq!(layout, self.known.layout);
        Some(index)
    }

    fn read_for(&self, layout: Option<TarLayout>) -> Option<(TarLayout, ShardIndex)> {
        read(&Storage::open(&self.path()).unwrap(), layout, Limits::default())
    }
}

#[test]
fn an_index_is_read_back_as_it_was() {
    for files in [
        &[("dog/1.png", "one"), ("cat/2.png", "two")][..],
        &[("dog/1.png", "one"), ("dog/1.txt", "a dog"), ("cat/more.pgm", "two")],
        &[("dog/1.png", "one"), ("dog/more/2.png", "two"), ("cat/3.png", "three")],
        &[("1.png", "one"), ("1.cls", "7")],
        &[("1.png", "one"), ("1.txt", "dog")],
    ] {
        let example = Example::new(files);
        assert_eq!(example.read().as_ref(), Some(&example.index));
        let layout = example.known.layout;
        assert_eq!(example.read_for(None), Some((layout, example.index.clone())));
    }
}

#[test]
fn a_dataset_opened_by_its_index_is_the_same() {
    let example = Example::class_folders();
    let open = || TarSource::open(&[example.path()], None, None, Limits::default()).unwrap();
    let by_index = open();
    fs::remove_file(example.index_path()).unwrap();
    let by_scan = open();
    assert_eq!(by_index.classes(), by_scan.classes());
    assert_eq!(samples(&by_index), samples(&by_scan));
}

#[test]
fn a_stale_index_is_passed_over() {
    let example = Example::class_folders();
    let tar = fs::File::options().write(true).open(example.path()).unwrap();
    tar.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(example.read(), None);

    let longer = Example::class_folders();
    let bytes = fs::read(longer.path()).unwrap();
    let before = fs::metadata(longer.path()).unwrap().modified().unwrap();
    fs::write(longer.path(), [bytes.as_slice(), &[0; 512]].concat()).unwrap();
    let tar = fs::File::options().write(true).open(longer.path()).unwrap();
    tar.set_modified(before).unwrap();
    assert_eq!(longer.read(), None);
}

#[test]
fn an_index_is_stale_when_its_tar_has_other_members_of_the_same_length_and_time() {
    let example = Example::class_folders();
    let before = fs::metadata(example.path()).unwrap().modified().unwrap();
    let mut bytes = fs::read(example.path()).unwrap();
    // Another letter in the name of the first file; the header's sum with it.
    let file = |at: usize| bytes[at + 156] == b'0';
    let header = (0..bytes.len()).step_by(512).find(|at| file(*at)).unwrap();
    bytes[header] += 1;
    let sum: u32 = (header..header + 512)
        .map(|at| if (148..156).contains(&(at - header)) { 32 } else { bytes[at].into() })
        .sum();
    bytes[header + 148..header + 154].copy_from_slice(format!("{sum:06o}").as_bytes());
    assert!(example.read().is_some());
    fs::write(example.path(), &bytes).unwrap();
    let tar = fs::File::options().write(true).open(example.path()).unwrap();
    tar.set_modified(before).unwrap();
    assert_eq!(example.read(), None);
}

#[test]
fn a_file_that_is_no_index_is_not_replaced() {
    let example = Example::class_folders();
    let write = || TarSource::write_indexes(&[example.path()], None, Limits::default());
    assert!(write().is_ok(), "an index is");
    fs::write(example.index_path(), "mine").unwrap();
    let message = write().unwrap_err().to_string();
    assert!(message.contains("it stands where the index would be"), "{message}");
    assert_eq!(fs::read(example.index_path()).unwrap(), b"mine");
}

#[test]
fn a_tar_of_endless_padding_is_refused() {
    let example = Example::class_folders();
    let tar = fs::File::options().write(true).open(example.path()).unwrap();
    tar.set_len(10 << 30).unwrap();
    let error = TarSource::open(&[example.path()], None, None, Limits::default()).unwrap_err();
    assert!(error.to_string().contains("bytes after the end mark"), "{error}");
}

#[test]
fn a_damaged_index_is_passed_over() {
    let example = Example::class_folders();
    let bytes = fs::read(example.index_path()).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(example.index_path(), damaged).unwrap();
        assert_eq!(example.read(), None, "byte {at}");
        fs::write(example.index_path(), &bytes[..at]).unwrap();
        assert_eq!(example.read(), None, "cut after {at} bytes");
    }
}

#[test]
fn an_index_for_another_layout_is_passed_over() {
    let example = Example::new(&[("a/1.png", "one"), ("a/1.cls", "7")]);
    assert_eq!(example.read_for(Some(TarLayout::ClassFolders)), None);
}

#[test]
fn an_index_for_a_layout_that_was_asked_for_tells_nothing_of_the_members() {
    let files = [("a/1.png", "one"), ("a/1.cls", "7")];
    let example = Example::with_layout(&files, Some(TarLayout::ClassFolders));
    assert_eq!(example.read_for(None), None);
    assert!(example.read_for(Some(TarLayout::ClassFolders)).is_some());
    let source = TarSource::open(&[example.path()], None, None, Limits::default()).unwrap();
    assert_eq!(source.label(0).unwrap(), Some(7));
}

#[test]
fn an_index_of_the_version_that_looked_at_the_first_members_is_passed_over() {
    let example = Example::class_folders();
    let bytes = fs::read(example.index_path()).unwrap();
    let mut content = bytes[..bytes.len() - 32].to_vec();
    content[7] = 1;
    let seal = blake3::hash(&content);
    content.extend_from_slice(seal.as_bytes());
    fs::write(example.index_path(), content).unwrap();
    assert_eq!(example.read(), None);
}

#[test]
fn an_index_that_is_sealed_but_senseless_is_passed_over() {
    let example = Example::class_folders();
    let bytes = fs::read(example.index_path()).unwrap();
    let content = &bytes[..bytes.len() - 32];
    let header = 29;
    for at in header..content.len() {
        let mut changed = content.to_vec();
        changed[at] = 0xff;
        changed.extend_from_slice(blake3::hash(&changed).as_bytes());
        fs::write(example.index_path(), changed).unwrap();
        // A name may change; then the samples are still inside of the tar.
        if let Some(index) = example.read() {
            let end = fs::metadata(example.path()).unwrap().len();
            assert!(index.entries.iter().all(|entry| entry.data() <= end), "byte {at}");
        }
    }
}

#[test]
fn an_index_that_cannot_be_written_leaves_nothing_behind() {
    let example = Example::class_folders();
    fs::remove_file(example.index_path()).unwrap();
    fs::create_dir(example.index_path()).unwrap();
    let error = TarSource::write_indexes(&[example.path()], None, Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(example.folder.path()).unwrap().count(), 2);
}
