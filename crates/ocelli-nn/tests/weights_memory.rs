//! What reading a hostile file of weights takes of memory, counted by the allocator.
//!
//! Each file here is small, or holds next to nothing on disk, and asks for gigabytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use ocelli_nn::weights::{ReadOptions, StateDict};
use peak_alloc::PeakAlloc;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most that reading any file may take beyond its tensors.
const BOUND: usize = 100_000_000;

/// The longest pickle that is read.
const PICKLE: usize = 16 << 20;

/// What opens a legacy file: the magic number, the protocol and the facts about the machine.
const HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\
    \x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";

/// A pickle that repeats some opcodes as often as fits.
fn repeated(start: &[u8], opcodes: &[u8]) -> Vec<u8> {
    let room = PICKLE - HEAD.len() - start.len() - 1000;
    let mut pickle = [b"\x80\x02", start].concat();
    pickle.extend(opcodes.repeat(room / opcodes.len()));
    pickle
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A tensor of a storage of one float; `shape` is what puts the shape on the stack.
fn tensor(shape: &[u8]) -> Vec<u8> {
    let mut opcodes =
        b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\n".to_vec();
    opcodes.extend(b"U\x010U\x03cpuK\x01tQK\x00");
    opcodes.extend(shape);
    opcodes.extend(shape);
    opcodes.extend(b"\x89NtR");
    opcodes
}

/// A dictionary of as many tensors as fit, each with its own key.
fn many_tensors(start: &[u8], shape: &[u8]) -> Vec<u8> {
    let mut pickle = [b"\x80\x02", start, b"}("].concat();
    let tensor = tensor(shape);
    let mut key = 0;
    while pickle.len() + tensor.len() < PICKLE - 2000 {
        pickle.extend(text(&key.to_string()));
        pickle.extend(&tensor);
        key += 1;
    }
    pickle.extend(b"u");
    pickle
}

/// Dictionaries of one tensor each, all under one memorised name of 1,000 bytes.
fn long_names() -> Vec<u8> {
    let name = [text(&"n".repeat(1000)), b"q\x00".to_vec()].concat();
    let start = [&name[..], b"K\x01\x85q\x01", &tensor(b"h\x01"), b"q\x02"].concat();
    let mut pickle = repeated(&[&start[..], b"]("].concat(), b"}h\x00h\x02s");
    pickle.extend(b"e");
    pickle
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let many = |count: usize, item: &[u8]| [b"](", &item.repeat(count)[..], b"e"].concat();
    let ordered = b"ccollections\nOrderedDict\nq\x00".to_vec();
    let pairs = [&ordered[..], &many(100_000, b"NN\x86"), b"\x85q\x01"].concat();
    let axes = [b"(", &b"K\x01".repeat(2_000_000)[..], b"tq\x09"].concat();
    vec![
        ("copies of a dictionary", repeated(&pairs, b"h\x00h\x01R")),
        ("shapes of two million axes", many_tensors(&axes, b"h\x09")),
        ("tensors without end", many_tensors(b"K\x01\x85q\x09", b"h\x09")),
        ("long names", long_names()),
        ("constants", repeated(b"", b"N")),
        ("numbers", repeated(b"", b"K\x07")),
        ("texts", repeated(b"", b"U\x01a")),
        ("long texts", repeated(b"", &text(&"t".repeat(1 << 20)))),
        ("empty lists", repeated(b"", b"]")),
        ("lists of one", repeated(b"", b"]Na")),
        ("dictionaries of one", repeated(b"", b"}NNs")),
        ("empty tuples from a full stack", repeated(&b"N".repeat(1 << 20), b"(t")),
        ("marks", repeated(b"", b"(")),
        ("copies of the top", repeated(b"N", b"2")),
        ("a list that grows", repeated(b"]", b"Na")),
        ("a text of all there is", text(&"t".repeat(PICKLE - 1000))),
    ]
}

fn write(folder: &Path, pickle: &[u8]) -> PathBuf {
    let path = folder.join("hostile.pth");
    let keys = b"\x80\x02](U\x010e.".to_vec();
    let storage = [&1_u64.to_le_bytes()[..], &1_f32.to_le_bytes()].concat();
    std::fs::write(&path, [HEAD, pickle, b".", &keys, &storage].concat()).unwrap();
    path
}

/// The peak of memory while `work` runs, beyond what was in use before.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let result = work();
    (result, ALLOCATOR.peak_usage().saturating_sub(before))
}

/// One test, as there is one allocator.
#[test]
fn no_file_of_weights_takes_more_than_100_megabytes_beyond_its_tensors() {
    let folder = tempfile::tempdir().unwrap();
    for (what, pickle) in hostile() {
        let path = write(folder.path(), &pickle);
        drop(pickle);
        let (read, peak) = peak_of(|| StateDict::open(&path, &ReadOptions::default()).map(drop));
        let said = read.map_or_else(|error| error.to_string(), |()| "read".to_owned());
        assert!(said.len() < 1000, "{what}: {} bytes of message", said.len());
        ocelli_testkit::figure(&format!("{what}: bytes ({said})"), peak as f64);
        assert!(peak < BOUND, "{what}: {peak} bytes, {said}");
    }

    // Two elements eight gigabytes apart, in a file of which hardly anything is on disk.
    let stored = i32::MAX as u32;
    let mut ends = b"}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    ends.extend(b"U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ");
    ends.extend(stored.to_le_bytes());
    ends.extend(b"tQK\x00K\x02\x85J");
    ends.extend((stored - 1).to_le_bytes());
    ends.extend(b"\x85\x89NtRs.");
    let path = folder.path().join("sparse.pth");
    let mut file = File::create(&path).unwrap();
    file.write_all(&[HEAD, b"\x80\x02", &ends, b"\x80\x02](U\x010e."].concat()).unwrap();
    file.write_all(&u64::from(stored).to_le_bytes()).unwrap();
    file.write_all(&1_f32.to_le_bytes()).unwrap();
    file.seek(SeekFrom::Current(4 * (i64::from(stored) - 2))).unwrap();
    file.write_all(&2_f32.to_le_bytes()).unwrap();
    drop(file);
    let (values, peak) = peak_of(|| {
        let dict = StateDict::open(&path, &ReadOptions::default()).unwrap();
        dict.get("a").unwrap().values().unwrap()
    });
    ocelli_testkit::figure("a view of two ends: bytes", peak as f64);
    assert_eq!(values, [1.0, 2.0]);
    assert!(peak < 1_000_000, "{peak} bytes for two numbers");
}
