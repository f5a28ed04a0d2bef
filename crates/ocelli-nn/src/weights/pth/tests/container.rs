//! Zips of every shape that PyTorch writes, and of some that nobody should.

use super::torch_zip::{Width, torch_zip};
use super::{CHECKPOINT, archive, dict_of, parse, refusal};
use crate::weights::{Limits, ReadOptions, StateDict, WeightsError, pickle::tape::Tape};
use proptest::prelude::*;

/// The entries of a file with one tensor, as PyTorch 2 writes them.
fn entries<'a>(pickle: &'a [u8], storage: &'a [u8]) -> [(&'a str, &'a [u8]); 7] {
    [
        ("data.pkl", pickle),
        (".format_version", b"1"),
        (".storage_alignment", b"64"),
        ("byteorder", b"little"),
        ("data/0", storage),
        ("version", b"3\n"),
        (".data/serialization_id", b"1234567890123456789012345678901234567890"),
    ]
}

fn one_tensor() -> (Vec<u8>, Vec<u8>) {
    let pickle = dict_of("a", |tape| tape.tensor(("0", 2), 0, &[2], &[1]));
    (pickle, [1.0_f32, 2.0].into_iter().flat_map(f32::to_le_bytes).collect())
}

/// At a stem of 21 characters the first entry of the directory is as long as what PyTorch puts
/// between the directory and the end.
#[test]
fn a_file_is_read_whatever_the_length_of_its_stem() {
    let (pickle, storage) = one_tensor();
    for length in 1..=120 {
        for width in [Width::Narrow, Width::Wide] {
            let bytes = torch_zip(&"n".repeat(length), &entries(&pickle, &storage), width);
            let dict = parse(&bytes).unwrap_or_else(|error| panic!("{length} {width:?}: {error}"));
            let values = dict.get("a").unwrap().values().unwrap();
            assert_eq!(values, [1.0, 2.0], "{length} {width:?}");
        }
    }
}

#[test]
fn a_comment_and_bytes_behind_the_end_do_no_harm() {
    let (pickle, storage) = one_tensor();
    let mut bytes = torch_zip("model", &entries(&pickle, &storage), Width::Narrow);
    bytes.extend([0; 700]);
    assert_eq!(parse(&bytes).unwrap().len(), 1);
}

/// Entries that PyTorch does not need may be compressed, as those for debuggers are.
#[test]
fn only_entries_that_are_needed_have_to_be_stored() {
    let (pickle, storage) = one_tensor();
    let mut all = entries(&pickle, &storage).to_vec();
    all.push(("notes.txt", b"aaaa"));
    let mut bytes = torch_zip("net", &all, Width::Narrow);
    let last = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[last + 10] = 8;
    assert_eq!(parse(&bytes).unwrap().len(), 1);
}

#[test]
fn torch_script_is_named_with_the_way_out() {
    let (pickle, storage) = one_tensor();
    for program in ["constants.pkl", "code/__torch__.py", "bytecode.pkl"] {
        let mut all = entries(&pickle, &storage).to_vec();
        all.push((program, b"program"));
        let error = parse(&torch_zip("net", &all, Width::Narrow)).unwrap_err();
        assert!(matches!(error, WeightsError::TorchScript { .. }), "{error}");
        let text = error.to_string();
        assert_eq!(
            text,
            "w.pth: it is TorchScript, a compiled program; expected the weights alone"
        );
    }
}

#[test]
fn zips_of_others_are_named() {
    for (entry, found) in [
        ("model.weights.h5", "a model of Keras"),
        ("archive_format", "a program of torch.export"),
        ("a.npy", "an .npz of NumPy"),
        ("photo.txt", "a zip without `data.pkl`"),
    ] {
        let text = refusal(&torch_zip("x", &[(entry, b"1")], Width::Narrow));
        assert!(text.contains(found), "{text}");
    }
}

#[test]
fn a_directory_that_contradicts_the_file_is_refused() {
    let (pickle, storage) = one_tensor();
    let good = torch_zip("m", &entries(&pickle, &storage), Width::Narrow);
    let end = good.len() - 22;
    let changed = |at: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        refusal(&bytes)
    };
    // Length and offset of the directory.
    for at in [end + 12, end + 16] {
        for value in [good.len() as u32, u32::MAX - 1] {
            assert!(changed(at, value).starts_with("w.pth: broken zip: "), "{at} {value}");
        }
    }
    // Size and offset of the first entry.
    let start = u32::from_le_bytes(good[end + 16..end + 20].try_into().unwrap()) as usize;
    assert!(changed(start + 20, 7).contains("is compressed"));
    for value in [1, u32::MAX] {
        assert!(changed(start + 42, value).starts_with("w.pth: "), "{value}");
    }
    // Another name in the header than in the directory.
    let mut bytes = good.clone();
    bytes[32] = b'x';
    assert!(refusal(&bytes).contains("has another name in its header"));
    let twice = torch_zip("m", &[("data.pkl", &pickle), ("data.pkl", &pickle)], Width::Narrow);
    assert_eq!(refusal(&twice), "w.pth: broken zip: two entries called `m/data.pkl`");
}

#[test]
fn a_directory_over_the_limits_is_refused_before_it_is_read() {
    let (pickle, storage) = one_tensor();
    let bytes = torch_zip("m", &entries(&pickle, &storage), Width::Narrow);
    let refused = |limits| {
        let options = ReadOptions { limits, ..ReadOptions::default() };
        StateDict::from_bytes("w.pth", bytes.clone(), &options).unwrap_err().to_string()
    };
    let limits = Limits { header_bytes: 10, ..Limits::default() };
    assert!(refused(limits).contains("bytes of the directory of the zip: "));
    let mut bytes = bytes.clone();
    let count = bytes.len() - 12;
    bytes[count..count + 2].copy_from_slice(&[0xff, 0x7f]);
    assert_eq!(refusal(&bytes), "w.pth: broken zip: a bad directory");
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]

    /// What is read is what was written, however the sizes fall around the alignment.
    #[test]
    fn what_is_written_is_read(
        stem in "[a-z_0-9]{1,60}",
        values in prop::collection::vec(any::<f32>().prop_filter("number", |v| !v.is_nan()), 0..80),
        wide in any::<bool>(),
    ) {
        let count = values.len() as i32;
        let pickle = dict_of("a", |tape| tape.tensor(("0", count), 0, &[count], &[1]));
        let storage: Vec<u8> = values.iter().copied().flat_map(f32::to_le_bytes).collect();
        let width = if wide { Width::Wide } else { Width::Narrow };
        let bytes = torch_zip(&stem, &entries(&pickle, &storage), width);
        prop_assert_eq!(parse(&bytes).unwrap().get("a").unwrap().values().unwrap(), values);
    }

    #[test]
    fn damaged_directories_never_panic(
        wide in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (pickle, storage) = one_tensor();
        let width = if wide { Width::Wide } else { Width::Narrow };
        let mut bytes = torch_zip("net", &entries(&pickle, &storage), width);
        let tail = bytes.len() - 700;
        for (offset, value) in edits {
            let offset = tail + offset.index(700);
            bytes[offset] = value;
        }
        if let Ok(dict) = parse(&bytes) {
            for entry in dict.iter() {
                prop_assert_eq!(
                    entry.values().unwrap().len(),
                    entry.shape().iter().product::<usize>()
                );
            }
        }
    }
}

#[test]
fn a_folder_beside_the_pickle_does_not_matter() {
    // As a zip that was unpacked and packed again has them, with the files of another system.
    let (pickle, storage) = one_tensor();
    let bytes =
        torch_zip("net", &[("", b""), ("data.pkl", &pickle), ("data/0", &storage)], Width::Narrow);
    assert_eq!(parse(&bytes).unwrap().len(), 1);
    assert!(parse(CHECKPOINT).is_ok());
    assert!(parse(&archive(&Tape::new().raw(b"}").stop(), &[])).is_err());
}
