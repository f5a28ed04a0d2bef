use super::*;
use crate::weights::ReadOptions;
use proptest::prelude::*;

fn sample() -> StateDict {
    let mut dict = StateDict::new();
    let entries = [
        TensorEntry::new("conv.weight", DType::F32, &[2, 1, 1, 2], vec![1.0, -2.0, 3.5, 0.25]),
        TensorEntry::new("bn.weight", DType::F16, &[2], vec![0.5, -1.5]),
        TensorEntry::new("bn.num_batches_tracked", DType::I64, &[], vec![17.0]),
    ];
    for entry in entries {
        dict.push(entry.unwrap()).unwrap();
    }
    dict.metadata.insert("arch".into(), "net".into());
    dict.metadata.insert("num_classes".into(), "10".into());
    dict
}

fn parse(bytes: &[u8]) -> Result<StateDict> {
    StateDict::from_bytes("w", bytes.to_vec(), &ReadOptions::default())
}

fn error_of(header: &str, data: usize) -> String {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; data]);
    parse(&bytes).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read_back_with_types_and_metadata() {
    let dict = sample();
    let read = parse(&to_bytes(&dict).unwrap()).unwrap();
    assert_eq!(read.len(), dict.len());
    assert_eq!(read.metadata, dict.metadata);
    for entry in dict.iter() {
        let other = read.get(entry.name()).unwrap();
        assert_eq!((other.dtype(), other.shape()), (entry.dtype(), entry.shape()));
        assert_eq!(other.values().unwrap(), entry.values().unwrap());
    }
}

#[test]
fn equal_weights_are_equal_files() {
    let bytes = to_bytes(&sample()).unwrap();
    for _ in 0..20 {
        assert_eq!(to_bytes(&sample()).unwrap(), bytes);
    }
}

#[test]
fn a_file_is_replaced_whole_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, "old").unwrap();
    write(&sample(), &path).unwrap();
    assert_eq!(StateDict::open(&path, &ReadOptions::default()).unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let error = write(&sample(), Path::new("no/such/folder/model.safetensors")).unwrap_err();
    assert!(error.to_string().starts_with("no/such/folder/model.safetensors: "), "{error}");
}

#[test]
fn metadata_of_other_writers_is_kept() {
    let header = r#"{"__metadata__":{"format":"pt","ocelli":"not JSON"}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    let read = parse(&bytes).unwrap();
    assert_eq!(read.metadata["format"], "pt");
    assert_eq!(read.metadata["ocelli"], "not JSON");
}

#[test]
fn a_header_over_the_limit_is_refused_before_it_is_read() {
    let mut bytes = u64::MAX.to_le_bytes().to_vec();
    bytes.push(b'{');
    let error = parse(&bytes).unwrap_err().to_string();
    assert_eq!(error, "w: bytes of the header: 18446744073709551615 is over the limit of 16777216");
}

#[test]
fn a_file_cut_in_the_header_or_in_the_data_says_where() {
    let bytes = to_bytes(&sample()).unwrap();
    let error = parse(&bytes[..40]).unwrap_err().to_string();
    assert!(error.contains("cut short: the header ends at byte"), "{error}");
    let error = parse(&bytes[..bytes.len() - 1]).unwrap_err().to_string();
    assert!(error.contains("cut short: the last tensor ends at byte"), "{error}");
}

#[test]
fn bytes_that_belong_to_no_tensor_are_refused() {
    let mut bytes = to_bytes(&sample()).unwrap();
    bytes.push(0);
    assert!(parse(&bytes).unwrap_err().to_string().contains("1 bytes belong to no tensor"));
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let overlap = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
        "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    assert!(error_of(overlap, 4).contains("bad safetensors header"));
    let hole = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    assert!(error_of(hole, 8).contains("invalid offset for tensor `a`"));
    let size = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#;
    assert!(error_of(size, 4).contains("bad safetensors header"));
    let overflow =
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,0]}}"#;
    assert!(error_of(overflow, 0).contains("bad safetensors header"));
    assert!(error_of("{\"a\":", 0).contains("bad safetensors header"));
}

#[test]
fn element_types_that_no_classifier_has_are_refused_by_name() {
    let complex = r#"{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#;
    assert_eq!(error_of(complex, 8), "w: tensor `a`: elements of type C64 are not read");
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn damaged_files_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = to_bytes(&sample()).unwrap();
        for (offset, value) in edits {
            let offset = offset.index(bytes.len());
            bytes[offset] = value;
        }
        for length in [bytes.len(), keep.index(bytes.len())] {
            if let Ok(dict) = parse(&bytes[..length]) {
                for entry in dict.iter() {
                    let values = entry.values().unwrap();
                    prop_assert_eq!(values.len(), entry.shape().iter().product::<usize>());
                }
            }
        }
    }
}
