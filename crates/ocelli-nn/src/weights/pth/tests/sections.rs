//! Checkpoints that hold more than one dictionary of tensors, and other things beside them.

use super::{archive, parse};
use crate::weights::{ReadOptions, StateDict, pickle::tape::Tape};

/// The sections of a file with one storage of four floats.
fn sections(tape: Tape) -> Vec<(Option<String>, Vec<String>)> {
    let dict = parse(&archive(&tape.stop(), &[("data/0", &[0; 16])])).unwrap();
    let of = |dict: &StateDict| {
        let names = dict.iter().map(|entry| entry.name().to_owned()).collect();
        (dict.section().map(str::to_owned), names)
    };
    dict.sections().map(of).collect()
}

fn tensor(tape: Tape, name: &str) -> Tape {
    tape.text(name).tensor(("0", 4), 0, &[4], &[1])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_tensor_beside_the_state_dict_does_not_hide_it() {
    // {"best_acc1": …, "state_dict": {"a": …, "b": …, "c": …}}
    let tape = tensor(Tape::new().raw(b"}("), "best_acc1").text("state_dict").raw(b"}(");
    let tape = ["a", "b", "c"].into_iter().fold(tape, tensor).raw(b"uu");
    assert_eq!(
        sections(tape),
        [(Some("state_dict".into()), names(&["a", "b", "c"])), (None, names(&["best_acc1"]))]
    );
}

#[test]
fn sections_are_found_at_any_depth_and_in_lists() {
    // {"callbacks": {"EMACallback": {"weights": {"a": …}}}, "nets": [{"b": …}], 7: {"c": …}}
    let tape = Tape::new().raw(b"}(").text("callbacks").raw(b"}").text("EMACallback").raw(b"}");
    let tape = tensor(tape.text("weights").raw(b"}"), "a").raw(b"sss").text("nets").raw(b"]");
    let tape = tensor(tape.raw(b"}"), "b").raw(b"sa");
    let tape = tensor(tape.raw(b"K\x07}"), "c").raw(b"su");
    assert_eq!(
        sections(tape),
        [
            (Some("callbacks.EMACallback.weights".into()), names(&["a"])),
            (Some("nets.0".into()), names(&["b"])),
        ],
        "numbers are the keys of an optimizer's memory"
    );
}

#[test]
fn a_section_that_is_asked_for_by_its_keys_is_the_only_one() {
    let tape = tensor(Tape::new().raw(b"}("), "a").text("deep").raw(b"}").text("net").raw(b"}");
    let bytes = archive(&tensor(tape, "b").raw(b"ssu").stop(), &[("data/0", &[0; 16])]);
    let read = |section: &str| {
        let options = ReadOptions { section: Some(section.into()), ..ReadOptions::default() };
        StateDict::from_bytes("w.pth", bytes.clone(), &options)
    };
    let dict = read("deep.net").unwrap();
    assert_eq!((dict.sections().count(), dict.section()), (1, Some("deep.net")));
    assert!(dict.contains("b"));
    assert!(read("").unwrap().contains("a"), "that of the file itself");
    assert_eq!(
        read("net").unwrap_err().to_string(),
        "w.pth: no dictionary of tensors at `net`; the file has some at its top, at `deep.net`"
    );
}

#[test]
fn a_dictionary_that_contains_itself_is_one_section() {
    let tape = tensor(Tape::new().raw(b"}q\x09("), "a").text("self").raw(b"h\x09u");
    assert_eq!(sections(tape), [(None, names(&["a"]))]);
}

#[test]
fn a_damaged_section_is_passed_over_unless_it_is_the_likeliest() {
    let bad = |tape: Tape| tape.text("a").tensor(("0", 4), 0, &[9], &[1]);
    let tape = Tape::new().raw(b"}(").text("state_dict").raw(b"}(");
    let tape = bad(tensor(tape, "b")).raw(b"u");
    let bytes = archive(&tape.raw(b"u").stop(), &[("data/0", &[0; 16])]);
    let text = parse(&bytes).unwrap_err().to_string();
    assert!(text.contains("tensor `a`: 9 elements in a storage of 4"), "{text}");

    let tape = tensor(tensor(Tape::new().raw(b"}(").text("state_dict").raw(b"}("), "b"), "c");
    let tape = bad(tape.raw(b"u").text("other").raw(b"}")).raw(b"su");
    assert_eq!(sections(tape), [(Some("state_dict".into()), names(&["b", "c"]))]);
}

/// An optimizer that names its parameters has a dictionary for each.
#[test]
fn no_more_sections_are_kept_than_a_few() {
    let tape = Tape::new().raw(b"}(").text("state").raw(b"}(");
    let tape = (0..500).fold(tape, |tape, index| {
        tensor(tape.text(&format!("layer{index}.weight")).raw(b"}"), "exp_avg").raw(b"s")
    });
    let tape = tape.raw(b"u").text("state_dict").raw(b"}(");
    let tape = ["a", "b"].into_iter().fold(tape, tensor).raw(b"uu");
    let found = sections(tape);
    assert_eq!(found.len(), 32);
    assert_eq!(found[0], (Some("state_dict".into()), names(&["a", "b"])));
}
