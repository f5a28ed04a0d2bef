use super::*;
use std::fs;

/// A crate of these files in a folder of its own.
fn crate_of(name: &str, files: &[(&str, &str)]) -> Imports {
    let folder = std::env::temp_dir().join(format!("ocelli-imports-{}-{name}", std::process::id()));
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let imports = Imports::read(&folder.join(files[0].0));
    fs::remove_dir_all(folder).unwrap();
    imports
}

fn circles_of(name: &str, files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let imports = crate_of(name, files);
    let circles = imports.circles();
    circles.iter().map(|circle| circle.iter().map(|file| (*file).to_owned()).collect()).collect()
}

const PAIR: [[&str; 2]; 1] = [["a.rs", "b.rs"]];

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let root = ("lib.rs", "mod a; mod b;");
    let ways = [
        ("use", "use crate::b::{self as other, B};"),
        ("path", "fn a() -> crate::b::B { todo() }"),
        ("module", "use super::b; fn a() { b::make(); }"),
        ("tree", "use crate::{b::B, c};"),
        ("glob", "use super::b::*;"),
        ("macro", "macro_rules! a { () => { $crate::b::B } }"),
        ("inline", "mod inner { use super::super::b::B; }"),
    ];
    for (name, text) in ways {
        let files = [root, ("a.rs", text), ("b.rs", "pub struct B; use crate::a::A;")];
        assert_eq!(circles_of(name, &files), PAIR, "{name}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    let root = ("lib.rs", "mod a; mod b;");
    let none = [
        ("comment", "// use crate::b::B;\n/* /* */ crate::b::B */"),
        ("string", r##"const A: &str = "crate::b::B"; const R: &str = r#"use "crate::b::B;"#;"##),
        ("quote", "fn a<'a>(x: &'a str) -> char { '\"' } // \" crate::b::B"),
        ("test", "#[cfg(test)] #[allow(x)] mod tests { use crate::b::B; }"),
        ("test use", "#[cfg(test)]\nuse crate::b::{B, C};\npub struct A;"),
        ("other crate", "use ocelli_b::b::B; fn a() { b::make(); }"),
        ("the module alone", "use crate::b;"),
        ("itself", "mod inner { use super::A; } use self::inner::X; pub struct A;"),
    ];
    for (name, text) in none {
        let files = [root, ("a.rs", text), ("b.rs", "pub struct B; use crate::a::A;")];
        assert_eq!(circles_of(name, &files), Vec::<Vec<String>>::new(), "{name}");
    }
}

#[test]
fn a_parent_that_names_and_reexports_its_children_imports_nothing() {
    let files = [
        ("lib.rs", "pub mod a;"),
        ("a.rs", "mod child; pub(crate) use child::Child; pub struct A;"),
        ("a/child.rs", "use super::A; pub struct Child;"),
    ];
    assert_eq!(circles_of("parent", &files), Vec::<Vec<String>>::new());
    let files = [
        ("lib.rs", "pub mod a;"),
        ("a.rs", "mod child; pub use child::Child; pub struct A(Child); use child::Child;"),
        ("a/child.rs", "use super::A; pub struct Child;"),
    ];
    assert_eq!(circles_of("parent that uses", &files), [["a.rs", "a/child.rs"]]);
}

#[test]
fn what_is_reexported_counts_as_its_file() {
    let files = [
        ("main.rs", "mod a; mod b; pub use a::deep::Deep as Renamed;"),
        ("a.rs", "pub mod deep; pub use crate::b::B;"),
        ("a/deep.rs", "use super::B; pub struct Deep;"),
        ("b.rs", "use crate::Renamed; pub struct B;"),
    ];
    assert_eq!(circles_of("reexport", &files), [["a/deep.rs", "b.rs"]]);
    let imports = crate_of("reexport lines", &files);
    assert_eq!(imports.len(), 4);
    let lines = imports.within(&imports.circles()[0]);
    assert_eq!(lines, "    a/deep.rs <- b.rs\n    b.rs <- a/deep.rs\n");
}

#[test]
fn a_long_way_round_is_one_circle() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::X;"),
        ("b.rs", "use crate::c::X;"),
        ("c.rs", "use crate::a::X; use crate::d::X;"),
        ("d.rs", "use crate::e::X;"),
        ("e.rs", "pub struct X;"),
    ];
    assert_eq!(circles_of("long", &files), [["a.rs", "b.rs", "c.rs"]]);
}
