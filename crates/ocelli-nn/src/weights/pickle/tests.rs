use super::{tape::Tape, *};
use crate::weights::Limits;
use proptest::prelude::*;

fn parse(bytes: &[u8]) -> Result<Pickle, PickleError> {
    read(&mut &bytes[..], &Limits::default()).map(|(pickle, _)| pickle)
}

fn fault(bytes: &[u8]) -> PickleFault {
    parse(bytes).unwrap_err().fault
}

#[test]
fn values_of_every_kind_are_read() {
    let tape = Tape::new()
        .raw(b"}(")
        .text("list")
        .raw(b"](K\x01M\x00\x01J\xff\xff\xff\xff\x8a\x02\x00\x80e")
        .text("pair")
        .raw(b"K\x07N\x86");
    let pickle = parse(&tape.raw(b"u").stop()).unwrap();
    let Value::Dict(pairs) = pickle.root() else { panic!("a dictionary") };
    assert_eq!(pickle.text(pairs[0].0), Some("list"));
    let Value::List(items) = pickle.get(pairs[0].1) else { panic!("a list") };
    let ints: Vec<i64> = items
        .iter()
        .map(|id| match pickle.get(*id) {
            Value::Int(value) => *value,
            other => panic!("{}", other.kind()),
        })
        .collect();
    assert_eq!(ints, [1, 256, -1, -32768]);
    assert_eq!(pickle.tuple(pairs[1].1).map(<[_]>::len), Some(2));
}

#[test]
fn memorised_values_are_shared_and_updated_in_place() {
    // A dictionary is memorised when empty and filled later, as PyTorch writes it.
    let tape = Tape::new().raw(b"}q\x00h\x00").text("a").raw(b"K\x05s0");
    let pickle = parse(&tape.stop()).unwrap();
    let Value::Dict(pairs) = pickle.root() else { panic!("a dictionary") };
    assert_eq!(pickle.size(pairs[0].1), Some(5));
}

#[test]
fn an_ordered_dict_of_python_2_brings_its_pairs_along() {
    let tape = Tape::new().global("collections", "OrderedDict").raw(b"(](](U\x01aK\x01eetR");
    let pickle = parse(&tape.stop()).unwrap();
    let Value::Dict(pairs) = pickle.root() else { panic!("a dictionary") };
    assert_eq!((pickle.text(pairs[0].0), pickle.size(pairs[0].1)), (Some("a"), Some(1)));
}

#[test]
fn reading_stops_at_the_stop_opcode() {
    let bytes = Tape::new().raw(b"K\x01.K\x02").stop();
    let (_, length) = read(&mut &bytes[..], &Limits::default()).unwrap();
    assert_eq!(length, 5);
}

#[test]
fn os_system_is_refused_by_name() {
    let bytes = Tape::new().global("os", "system").text("echo owned").raw(b"\x85R").stop();
    let error = parse(&bytes).unwrap_err();
    assert_eq!(error.fault, PickleFault::Import("os.system".into()));
    let text = error.to_string();
    assert!(text.starts_with("pickle refused at byte 13: it imports `os.system`"), "{text}");
    assert!(text.contains("nothing was executed"), "{text}");
}

#[test]
fn names_built_on_the_stack_are_refused_too() {
    let bytes = Tape::new().text("builtins").text("eval").raw(b"\x93").stop();
    assert_eq!(fault(&bytes), PickleFault::Import("builtins.eval".into()));
}

#[test]
fn attributes_of_allowed_modules_are_not_allowed_with_them() {
    for (module, name) in [
        ("torch", "load"),
        ("torch", "EvilStorage"),
        ("torch.hub", "load"),
        ("collections", "OrderedDict.fromkeys"),
        ("torch._utils", "_import_dotted_name"),
        ("torch.storage", "_load_from_bytes"),
        ("builtins", "getattr"),
        ("builtins", "exec"),
        ("builtins", "open"),
        ("pathlib", "Path.home"),
        ("pathlib", "os"),
        ("pathlib._local.os", "system"),
        ("datetime", "sys"),
        ("numpy.core.multiarray", "fromfile"),
        ("", ""),
    ] {
        let bytes = Tape::new().global(module, name).stop();
        assert_eq!(fault(&bytes), PickleFault::Import(format!("{module}.{name}")));
    }
}

#[test]
fn opcodes_that_pytorch_does_not_write_are_refused() {
    // INST and OBJ call, EXT1 imports, PERSID and the text opcodes belong to protocol 0, buffers
    // outside the pickle to protocol 5.
    for opcode in [b'i', b'o', b'P', b'I', b'F', b'S', b'p'] {
        assert_eq!(fault(&Tape::new().raw(&[opcode]).stop()), PickleFault::OldProtocol(opcode));
    }
    for opcode in [0x82, 0x97, 0x98, 0x00, 0xff] {
        assert_eq!(fault(&Tape::new().raw(&[opcode]).stop()), PickleFault::Opcode(opcode));
    }
}

/// As Python 3.13 pickles `argparse.Namespace(resume=pathlib.Path('a'))`, and relatives.
#[test]
fn plain_data_is_dropped_and_nothing_is_done_with_it() {
    for (module, name) in [
        ("pathlib._local", "PosixPath"),
        ("pathlib", "WindowsPath"),
        ("pathlib", "PurePosixPath"),
        ("pathlib._local", "PureWindowsPath"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("builtins", "complex"),
        ("__builtin__", "complex"),
        ("builtins", "bytearray"),
        ("__builtin__", "frozenset"),
        ("collections", "deque"),
        ("numpy.core.multiarray", "scalar"),
        ("torch", "device"),
    ] {
        let arguments = Tape::new().raw(b"}").text("args").global(module, name).text("a");
        let pickle = parse(&arguments.raw(b"\x85Rs").stop()).unwrap();
        let Value::Dict(pairs) = pickle.root() else { panic!("a dictionary") };
        assert!(matches!(pickle.get(pairs[0].1), Value::Opaque), "{module}.{name}");
    }
    // With attributes, and with named arguments.
    let tape = Tape::new().global("argparse", "Namespace").raw(b")\x81}").text("resume");
    let tape = tape.global("pathlib._local", "PosixPath").text("a").raw(b"\x85Rsb");
    assert!(matches!(parse(&tape.stop()).unwrap().root(), Value::Opaque));
    let tape = Tape::new().global("types", "SimpleNamespace").raw(b")}\x92").stop();
    assert!(matches!(parse(&tape).unwrap().root(), Value::Opaque));
}

#[test]
fn element_types_are_values_too() {
    for name in ["bfloat16", "float16", "float32", "float64", "int64", "uint8", "bool"] {
        let pickle = parse(&Tape::new().global("torch", name).stop()).unwrap();
        assert!(matches!(pickle.root(), Value::Global(Global::Opaque)), "{name}");
    }
}

#[test]
fn dictionaries_with_defaults_and_copies_are_dictionaries() {
    let tape = Tape::new().global("collections", "defaultdict").global("builtins", "dict");
    let pickle = parse(&tape.raw(b"\x85R").text("a").raw(b"K\x05s").stop()).unwrap();
    let Value::Dict(pairs) = pickle.root() else { panic!("a dictionary") };
    assert_eq!((pickle.text(pairs[0].0), pickle.size(pairs[0].1)), (Some("a"), Some(5)));
    let tape = Tape::new().global("collections", "OrderedDict").raw(b"}").text("a");
    let pickle = parse(&tape.raw(b"K\x05s\x85R").stop()).unwrap();
    assert!(matches!(pickle.root(), Value::Dict(pairs) if pairs.len() == 1));
}

#[test]
fn bytes_and_sets_of_protocol_5_are_read() {
    let tape = Tape::new().raw(b"\x96\x02\0\0\0\0\0\0\0ab").stop();
    assert!(matches!(parse(&tape).unwrap().root(), Value::Bytes));
    let tape = Tape::new().raw(b"(K\x01K\x02\x91").stop();
    assert!(matches!(parse(&tape).unwrap().root(), Value::List(items) if items.len() == 2));
}

#[test]
fn only_imported_names_can_be_called() {
    assert_eq!(
        fault(&Tape::new().text("os.system").raw(b")R").stop()),
        PickleFault::Call("a string")
    );
    let storage = Tape::new().global("torch", "FloatStorage").raw(b")R").stop();
    assert_eq!(fault(&storage), PickleFault::Call("a storage type"));
    let arguments = Tape::new().global("collections", "OrderedDict").raw(b"NR").stop();
    assert_eq!(fault(&arguments), PickleFault::Kind { expected: "a tuple", found: "None" });
}

#[test]
fn a_giant_integer_is_refused_before_it_is_read() {
    let bytes = Tape::new().raw(b"\x8b\xff\xff\xff\x7f").stop();
    assert_eq!(fault(&bytes), PickleFault::WideInteger(0x7fff_ffff));
}

#[test]
fn a_giant_string_is_refused_before_memory_is_reserved() {
    let bytes = Tape::new().raw(b"X\xff\xff\xff\xff").stop();
    assert_eq!(fault(&bytes), PickleFault::TooLong(Limits::default().pickle_bytes));
    let bytes = Tape::new().raw(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff").stop();
    assert_eq!(fault(&bytes), PickleFault::TooLong(Limits::default().pickle_bytes));
    // Within the limit, memory grows with the bytes that are there.
    assert_eq!(fault(&Tape::new().raw(b"X\x00\x00\x10\x00abc").0), PickleFault::Truncated);
}

#[test]
fn a_memo_bomb_costs_no_more_than_its_bytes() {
    // Each level holds the one before it twice: 2^200 leaves when copied, 200 tuples here.
    let mut tape = Tape::new().raw(b"Nq\x00");
    for _ in 0..200 {
        tape = tape.raw(b"h\x00h\x00\x86q\x00");
    }
    assert!(parse(&tape.stop()).unwrap().values().len() < 300);
}

#[test]
fn deep_nesting_does_not_exhaust_the_call_stack() {
    let depth = 200_000;
    let tape = Tape::new().raw(&vec![b']'; depth]).raw(&vec![b'a'; depth - 1]);
    assert!(matches!(parse(&tape.stop()).unwrap().root(), Value::List(_)));
}

#[test]
fn a_dictionary_that_contains_itself_is_harmless() {
    let tape = Tape::new().raw(b"}q\x00").text("self").raw(b"h\x00s");
    assert!(matches!(parse(&tape.stop()).unwrap().root(), Value::Dict(_)));
}

#[test]
fn more_values_than_the_limit_are_refused() {
    let limits = Limits { pickle_values: 10, ..Limits::default() };
    let bytes = Tape::new().raw(&[b']'; 11]).stop();
    let error = read(&mut &bytes[..], &limits).unwrap_err();
    assert_eq!(error.fault, PickleFault::TooManyValues(10));
}

#[test]
fn what_is_copied_again_and_again_counts_each_time() {
    // A list of 10,000 pairs, of which `OrderedDict` makes a dictionary: five bytes for a copy.
    let tape = Tape::new().raw(b"](").raw(&b"NN\x86".repeat(10_000)).raw(b"e\x85q\x00");
    let tape = tape.global("collections", "OrderedDict").raw(b"q\x01");
    let copies = |count: usize| tape.clone().raw(&b"h\x01h\x00R".repeat(count)).stop();
    assert!(parse(&copies(10)).is_ok());
    let limit = Limits::default().pickle_memory;
    assert_eq!(fault(&copies(10_000)), PickleFault::TooMuchMemory(limit));
}

#[test]
fn a_history_of_many_numbers_is_no_burden() {
    let tape = Tape::new().raw(b"](").raw(&b"G\0\0\0\0\0\0\0\0".repeat(1_000_000)).raw(b"e");
    assert!(parse(&tape.stop()).is_ok(), "losses of a million steps");
}

#[test]
fn stack_and_memo_count_too() {
    let limits = Limits { pickle_memory: 10_000, ..Limits::default() };
    for repeated in [&b"N"[..], b"2", b"(", b"h\x00"] {
        let bytes = Tape::new().raw(b"]q\x00").raw(&repeated.repeat(10_000)).stop();
        let error = read(&mut &bytes[..], &limits).unwrap_err();
        assert_eq!(error.fault, PickleFault::TooMuchMemory(10_000));
    }
}

#[test]
fn a_pickle_longer_than_the_limit_is_refused() {
    let limits = Limits { pickle_bytes: 8, ..Limits::default() };
    let bytes = Tape::new().raw(&[b'N'; 100]).stop();
    let error = read(&mut &bytes[..], &limits).unwrap_err();
    assert_eq!(error, PickleError { offset: 8, fault: PickleFault::TooLong(8) });
}

#[test]
fn a_broken_stack_is_an_error() {
    for program in [
        &b"0"[..],
        b"\x86",
        b"N\x86",
        b"a",
        b"]a",
        b"s",
        b"}Ns",
        b"u",
        b"t",
        b"R",
        b"NR",
        b"b",
        b"2",
        b"Q",
        b"q\x00",
        b"\x94",
        b"",
        // Values below an open MARK are out of reach.
        b"N(0",
        b"NN(\x86",
        b"](NNa",
    ] {
        let fault = fault(&Tape::new().raw(program).stop());
        let expected =
            [PickleFault::StackUnderflow, PickleFault::Kind { expected: "a list", found: "None" }];
        assert!(expected.contains(&fault), "{program:?}: {fault}");
    }
    assert_eq!(fault(&Tape::new().raw(b"}(NNNu").stop()), PickleFault::OddItems);
    assert_eq!(fault(&Tape::new().raw(b"h\x05").stop()), PickleFault::Memo(5));
    assert_eq!(fault(&Tape::new().raw(b"U\x01\xffX\x01\0\0\0\xff").stop()), PickleFault::Text);
    assert_eq!(fault(&[0x80, 6, b'N', b'.']), PickleFault::Protocol(6));
    assert_eq!(fault(b""), PickleFault::Truncated);
}

/// An opcode with what follows it, or any byte.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let alone = prop::sample::select(
        b"().012NQR]abdelstu}\x81\x85\x86\x87\x88\x89\x8f\x90\x93\x94".to_vec(),
    );
    let names = prop::sample::select(vec![
        &b"ccollections\nOrderedDict\n"[..],
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch\nFloatStorage\n",
        b"cargparse\nNamespace\n",
    ]);
    prop_oneof![
        4 => alone.prop_map(|opcode| vec![opcode]),
        2 => any::<u8>().prop_map(|value| vec![b'K', value]),
        2 => (0..4_u8).prop_map(|key| vec![b'q', key]),
        2 => (0..4_u8).prop_map(|key| vec![b'h', key]),
        1 => names.prop_map(<[u8]>::to_vec),
        1 => Just(b"U\x07storage".to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn random_programs_never_panic_and_stay_within_their_length(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let bytes = Tape::new().raw(&steps.concat()).stop();
        if let Ok(pickle) = parse(&bytes) {
            prop_assert!(pickle.values().len() <= bytes.len());
        }
    }
}
