use crate::weights::{DType, Limits, ReadOptions, Result, StateDict, pickle::tape::Tape};
use proptest::prelude::*;
use torch_zip::{Width, torch_zip};

mod container;
mod sections;
mod torch_zip;

const TENSORS_ZIP: &[u8] = include_bytes!("../../../fixtures/weights/tensors_zip.pth");
const TENSORS_LEGACY: &[u8] = include_bytes!("../../../fixtures/weights/tensors_legacy.pth");
const TENSORS_PROTOCOL4: &[u8] = include_bytes!("../../../fixtures/weights/tensors_protocol4.pth");
const CHECKPOINT: &[u8] = include_bytes!("../../../fixtures/weights/checkpoint.pth");
const WHOLE_MODEL: &[u8] = include_bytes!("../../../fixtures/weights/whole_model.pth");

fn parse(bytes: &[u8]) -> Result<StateDict> {
    StateDict::from_bytes("w.pth", bytes.to_vec(), &ReadOptions::default())
}

fn refusal(bytes: &[u8]) -> String {
    parse(bytes).unwrap_err().to_string()
}

/// A zip of PyTorch with this pickle and these entries beside it.
fn archive(pickle: &[u8], entries: &[(&str, &[u8])]) -> Vec<u8> {
    let all: Vec<(&str, &[u8])> =
        [("data.pkl", pickle)].into_iter().chain(entries.iter().copied()).collect();
    torch_zip("archive", &all, Width::Narrow)
}

fn dict_of(key: &str, tensor: impl Fn(Tape) -> Tape) -> Vec<u8> {
    tensor(Tape::new().raw(b"}").text(key)).raw(b"s").stop()
}

/// A legacy file: its three opening pickles, then `object`, the keys and the storages.
fn legacy(object: &[u8], keys: &[&str], storages: &[u8]) -> Vec<u8> {
    let facts = Tape::new().raw(b"}").text("little_endian").raw(b"\x88s").stop();
    let keys = keys.iter().fold(Tape::new().raw(b"]("), |tape, key| tape.text(key)).raw(b"e");
    let head = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";
    [&head[..], &facts, object, &keys.stop(), storages].concat()
}

#[test]
fn every_element_type_and_view_that_torch_writes_is_read_in_order() {
    let expected: [(&str, DType, &[usize], &[f32]); 14] = [
        ("transposed_slice", DType::F32, &[2, 3], &[1.0, 5.0, 9.0, 2.0, 6.0, 10.0]),
        ("table", DType::F32, &[3, 4], &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.]),
        ("channels_last", DType::F32, &[2, 3, 2, 2], &COUNT_TO_24),
        ("parameter", DType::F32, &[2], &[0.5, -0.25]),
        ("double", DType::F64, &[2], &[0.1, 1e-30]),
        ("half", DType::F16, &[2], &[1.5, -65504.0]),
        ("bfloat16", DType::BF16, &[2], &[1.007_812_5, 3.004_055_3e38]),
        ("num_batches_tracked", DType::I64, &[], &[12345.0]),
        ("int", DType::I32, &[1], &[-7.0]),
        ("short", DType::I16, &[1], &[-300.0]),
        ("char", DType::I8, &[1], &[-8.0]),
        ("byte", DType::U8, &[1], &[200.0]),
        ("bool", DType::Bool, &[2], &[1.0, 0.0]),
        ("empty", DType::F32, &[0, 3], &[]),
    ];
    for file in [TENSORS_ZIP, TENSORS_LEGACY, TENSORS_PROTOCOL4] {
        let dict = parse(file).unwrap();
        let read: Vec<_> = dict
            .iter()
            .map(|entry| (entry.name(), entry.dtype(), entry.shape(), entry.values().unwrap()))
            .collect();
        assert_eq!(read.len(), expected.len());
        for (read, expected) in read.iter().zip(expected) {
            assert_eq!((read.0, read.1, read.2, &read.3[..]), expected);
        }
    }
}

const COUNT_TO_24: [f32; 24] = {
    let mut values = [0.0; 24];
    let mut index = 0;
    while index < 24 {
        values[index] = index as f32;
        index += 1;
    }
    values
};

#[test]
fn a_training_checkpoint_gives_its_averaged_weights_or_the_section_asked_for() {
    let dict = parse(CHECKPOINT).unwrap();
    assert_eq!(dict.section(), Some("model_ema"));
    let sections: Vec<_> = dict.sections().map(StateDict::section).collect();
    assert_eq!(sections, [Some("model_ema"), Some("state_dict")], "an optimizer has none");
    assert_eq!(dict.get("0.weight").unwrap().values().unwrap(), [2.0, 2.0]);
    assert_eq!(dict.len(), 7);

    let section = |name: &str| {
        let options = ReadOptions { section: Some(name.into()), ..ReadOptions::default() };
        StateDict::from_bytes("w.pth", CHECKPOINT.to_vec(), &options)
    };
    let dict = section("state_dict").unwrap();
    assert_ne!(dict.get("0.weight").unwrap().values().unwrap(), [2.0, 2.0]);
    assert_eq!(
        section("weights").unwrap_err().to_string(),
        "w.pth: no dictionary of tensors at `weights`; the file has some at `state_dict`, at `model_ema`"
    );
}

#[test]
fn a_whole_model_is_refused_with_the_way_out() {
    let text = refusal(WHOLE_MODEL);
    assert!(text.contains("it imports `torch.nn.modules.linear.Linear`"), "{text}");
    assert!(text.contains("torch.save(model.state_dict(), …)"), "{text}");
}

#[test]
fn a_file_of_the_akamaster_project_is_read() {
    let Some(path) = ocelli_testkit::reference_data("weights/resnet20_cifar10.th") else { return };
    let legacy = StateDict::open(&path, &ReadOptions::default()).unwrap();
    let path = ocelli_testkit::reference_data("weights/resnet20_cifar10.safetensors").unwrap();
    let safetensors = StateDict::open(&path, &ReadOptions::default()).unwrap();
    assert_eq!(legacy.len(), safetensors.len());
    for entry in legacy.iter() {
        let name = entry.name().strip_prefix("module.").unwrap();
        let other = safetensors.get(name).unwrap();
        assert_eq!(entry.shape(), other.shape(), "{name}");
        assert_eq!(entry.values().unwrap(), other.values().unwrap(), "{name}");
    }
}

#[test]
fn a_call_of_os_system_beside_the_tensors_is_refused() {
    let pickle = Tape::new()
        .raw(b"}(")
        .text("a")
        .tensor(("0", 1), 0, &[1], &[1])
        .text("b")
        .global("posix", "system")
        .text("echo owned")
        .raw(b"\x85Ru");
    let text = refusal(&archive(&pickle.clone().stop(), &[("data/0", &[0; 4])]));
    assert!(text.contains("it imports `posix.system`, which is not on the list"), "{text}");
    assert!(refusal(&legacy(&pickle.stop(), &["0"], &[0; 12])).contains("`posix.system`"));
}

#[test]
fn a_compressed_entry_is_refused_as_it_could_be_a_zip_bomb() {
    let pickle = dict_of("a", |tape| tape.tensor(("0", 1 << 18), 0, &[1 << 18], &[1]));
    let mut bytes = archive(&pickle, &[("data/0", &[0; 100])]);
    let last = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[last + 10] = 8;
    bytes[last + 24..last + 28].copy_from_slice(&(1_u32 << 20).to_le_bytes());
    assert!(refusal(&bytes).contains("`archive/data/0` is compressed, which PyTorch never does"));
}

#[test]
fn a_storage_of_another_size_is_refused() {
    let pickle = dict_of("a", |tape| tape.tensor(("0", 3), 0, &[3], &[1]));
    assert_eq!(
        refusal(&archive(&pickle, &[("data/0", &[0; 8])])),
        "w.pth: tensor `a`: its storage `0` should hold 3 elements of f32, but has 8 bytes"
    );
    assert_eq!(
        refusal(&archive(&pickle, &[])),
        "w.pth: tensor `a`: its storage `0` is not in the file"
    );
    let mut storage = 2_u64.to_le_bytes().to_vec();
    storage.extend([0; 8]);
    assert_eq!(
        refusal(&legacy(&pickle, &["0"], &storage)),
        "w.pth: storage `0` has 2 elements, the tensors expect 3"
    );
}

#[test]
fn a_legacy_storage_that_claims_more_than_the_file_has_is_refused() {
    let pickle = dict_of("a", |tape| tape.tensor(("0", i32::MAX), 0, &[1], &[1]));
    let text = refusal(&legacy(&pickle, &["0"], &(i32::MAX as u64).to_le_bytes()));
    assert!(text.contains("cut short: storage `0` ends at byte"), "{text}");
    assert!(refusal(&legacy(&pickle, &["0"], &[0; 7])).contains("cut short"));
    assert!(refusal(&legacy(&pickle, &[], &[])).contains("storage `0` is not in the file"));
    assert!(refusal(&legacy(&pickle, &["1"], &[])).contains("`1` belongs to no tensor"));
}

#[test]
fn a_view_that_leaves_its_storage_is_refused() {
    let storage = ("0", 4);
    let shapes: [(i32, &[i32], &[i32]); 6] = [
        (0, &[5], &[1]),
        (1, &[4], &[1]),
        (0, &[2, 2], &[3, 2]),
        (0, &[2], &[i32::MAX]),
        (0, &[2, 2], &[1]),
        (0, &[i32::MAX, i32::MAX], &[0, 0]),
    ];
    for (offset, shape, strides) in shapes {
        let pickle = dict_of("a", |tape| tape.tensor(storage, offset, shape, strides));
        let text = refusal(&archive(&pickle, &[("data/0", &[0; 16])]));
        assert!(text.starts_with("w.pth: tensor `a`: "), "{text}");
    }
    for (offset, shape) in [(-1, [1]), (0, [-1])] {
        let pickle = dict_of("a", |tape| tape.tensor(storage, offset, &shape, &[1]));
        let text = refusal(&archive(&pickle, &[("data/0", &[0; 16])]));
        assert_eq!(text, "w.pth: tensor `a`: its description is malformed");
    }
}

#[test]
fn names_and_axes_without_end_are_refused() {
    let axes = |count: usize| {
        let (shape, strides) = (vec![1; count], vec![1; count]);
        archive(
            &dict_of("a", |tape| tape.tensor(("0", 1), 0, &shape, &strides)),
            &[("data/0", &[0; 4])],
        )
    };
    assert_eq!(parse(&axes(32)).unwrap().get("a").unwrap().shape().len(), 32);
    assert_eq!(refusal(&axes(33)), "w.pth: tensor `a`: 33 axes, more than 32");
    let named = |length: usize| {
        let pickle = dict_of(&"n".repeat(length), |tape| tape.tensor(("0", 1), 0, &[1], &[1]));
        archive(&pickle, &[("data/0", &[0; 4])])
    };
    assert!(parse(&named(1024)).is_ok());
    assert_eq!(
        refusal(&named(1025)),
        "w.pth: bytes of the name of a tensor, `nnnnnnnnnnnnnnnn…`: 1025 is over the limit of 1024"
    );
}

#[test]
fn many_views_of_one_storage_count_towards_the_limit() {
    let tape = (0..100).fold(Tape::new().raw(b"}("), |tape, index| {
        tape.text(&index.to_string()).tensor(("0", 100), 0, &[100], &[1])
    });
    let bytes = archive(&tape.raw(b"u").stop(), &[("data/0", &[0; 400])]);
    let limits = Limits { total_values: 9_999, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let error = StateDict::from_bytes("w.pth", bytes, &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "w.pth: values of all tensors together: 10000 is over the limit of 9999"
    );
}

#[test]
fn a_pickle_over_the_limit_is_refused_before_it_is_read() {
    let bytes = archive(&vec![b'N'; 2000], &[]);
    let limits = Limits { pickle_bytes: 1000, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let error = StateDict::from_bytes("w.pth", bytes, &options).unwrap_err();
    assert_eq!(error.to_string(), "w.pth: bytes of data.pkl: 2000 is over the limit of 1000");
}

#[test]
fn big_endian_files_are_refused() {
    let pickle = dict_of("a", |tape| tape.tensor(("0", 1), 0, &[1], &[1]));
    let text = refusal(&archive(&pickle, &[("data/0", &[0; 4]), ("byteorder", b"big")]));
    assert_eq!(text, "w.pth: byte order `big`, only `little` is read");
    let bytes = legacy(&pickle, &["0"], &[0; 12]);
    let offset = bytes.iter().position(|&byte| byte == 0x88).unwrap();
    let mut bytes = bytes;
    bytes[offset] = 0x89;
    assert!(refusal(&bytes).contains("was not little-endian"));
}

#[test]
fn files_without_tensors_say_what_they_hold() {
    let empty = Tape::new().raw(b"}").text("epoch").raw(b"K\x01s").stop();
    let text = refusal(&archive(&empty, &[]));
    assert_eq!(text, "w.pth: no dictionary of tensors; the file has `epoch`");
    let list = Tape::new().raw(b"]").stop();
    assert_eq!(
        refusal(&archive(&list, &[])),
        "w.pth: no dictionary of tensors; the file holds a list"
    );
    let one = Tape::new().tensor(("0", 1), 0, &[1], &[1]).stop();
    let text = refusal(&archive(&one, &[("data/0", &[0; 4])]));
    assert_eq!(text, "w.pth: no dictionary of tensors; the file holds a tensor");
}

#[test]
fn a_zip_cut_in_the_middle_is_refused() {
    for length in [4, 100, TENSORS_ZIP.len() / 2, TENSORS_ZIP.len() - 1] {
        let text = refusal(&TENSORS_ZIP[..length]);
        assert!(text.starts_with("w.pth: broken zip: "), "{text}");
    }
}

#[test]
fn a_legacy_file_cut_anywhere_is_refused() {
    for length in 0..TENSORS_LEGACY.len() {
        refusal(&TENSORS_LEGACY[..length]);
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn damaged_files_never_panic(
        file in prop::sample::select(vec![TENSORS_ZIP, TENSORS_LEGACY, TENSORS_PROTOCOL4, CHECKPOINT]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = file.to_vec();
        for (offset, value) in edits {
            let offset = offset.index(bytes.len());
            bytes[offset] = value;
        }
        if let Ok(dict) = parse(&bytes) {
            for entry in dict.iter() {
                let values = entry.values().unwrap();
                prop_assert_eq!(values.len(), entry.shape().iter().product::<usize>());
            }
        }
    }
}
