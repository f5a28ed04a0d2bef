//! Files with the names of classes.
//!
//! The same list is passed around in many shapes: one name a line, or a table with the label
//! before the name, by tabs, commas or a space, with or without a heading, from Windows or not.

use super::MAX_CLASSES;
use crate::{Error, Result};
use std::path::Path;

/// Reads a list of class names, one a line, in the order of their labels.
///
/// A line may have more fields, separated by tabs; then the first is the name. Where the first
/// fields (separated by tabs, commas or a space) are the labels themselves, counted from 0 or from
/// 1, the name is the second field, and further ones are ignored: `0⇥n01440764⇥tench` is the class
/// `n01440764`. A heading above such labels, a byte order mark and the line ends of Windows do not
/// matter.
///
/// Names may repeat, as `crane` does in ImageNet: where the place decides, nothing is ambiguous.
/// Where names are matched with those of a dataset, that is an error.
///
/// # Errors
/// When the file cannot be read, has no line, has an empty name, or is no UTF-8.
pub fn read_classes(path: &Path) -> Result<Vec<String>> {
    let bad = |reason| Error::BadClassList { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("not UTF-8".to_owned()))?;
    parse_classes(&text).map_err(bad)
}

fn parse_classes(text: &str) -> Result<Vec<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.is_empty() {
        return Err("no class name".to_owned());
    }
    if lines.len() > MAX_CLASSES {
        return Err(format!("{} lines, at most {MAX_CLASSES} are accepted", lines.len()));
    }
    let table = ['\t', ',', ' '].into_iter().find_map(|separator| numbered(&lines, separator));
    let plain = || {
        let field = |(at, line): (usize, &&str)| {
            (at + 1, line.split('\t').next().unwrap_or_default().trim().to_owned())
        };
        lines.iter().enumerate().map(field).collect()
    };
    let names: Vec<(usize, String)> = table.unwrap_or_else(plain);
    let name = |(line, name): (usize, String)| {
        if name.is_empty() { Err(format!("line {line}: no class name")) } else { Ok(name) }
    };
    names.into_iter().map(name).collect()
}

/// The names in the order of the labels that stand before them, each with the number of its line;
/// `None` if these are no labels.
fn numbered(lines: &[&str], separator: char) -> Option<Vec<(usize, String)>> {
    let row = |line: &'_ str| -> Option<(usize, usize)> {
        let (first, _) = line.trim_start().split_once(separator)?;
        let first = first.trim().trim_matches('"');
        let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        let label = is_number.then(|| first.parse().ok()).flatten()?;
        Some((label, line.find(separator)? + separator.len_utf8()))
    };
    // A heading has no number; a list of one line is no table with nothing but a heading.
    let heading = usize::from(lines.len() > 1 && row(lines[0]).is_none() && separator != ' ');
    let mut rows = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate().skip(heading) {
        let line = if separator == ' ' { line.trim_start() } else { line };
        let (label, rest) = row(line)?;
        rows.push((label, at + 1, &line[rest..]));
    }
    // Words behind a space are often part of a name, so there labels must come in their order.
    if separator != ' ' {
        rows.sort_by_key(|(label, ..)| *label);
    }
    let first = rows.first().map(|(label, ..)| *label).filter(|label| *label <= 1)?;
    if rows.iter().enumerate().any(|(at, (label, ..))| *label != at + first) {
        return None;
    }
    let rests: Vec<&str> = rows.iter().map(|(.., rest)| *rest).collect();
    let names = second_fields(&rests, separator);
    Some(rows.iter().map(|(_, line, _)| *line).zip(names).collect())
}

/// The fields after the labels. A comma may belong to a name, as in `tench, Tinca tinca`: it
/// separates if every line has as many.
fn second_fields(rests: &[&str], separator: char) -> Vec<String> {
    let first = |rest: &&str| rest.split(separator).next().unwrap_or_default().trim().to_owned();
    match separator {
        '\t' => rests.iter().map(first).collect(),
        ',' => {
            let rows: Vec<Vec<String>> = rests.iter().map(|rest| fields(rest)).collect();
            let same = rows.iter().all(|row| row.len() == rows[0].len());
            let name = |(row, rest): (&Vec<String>, &&str)| match row.first() {
                Some(name) if same => name.clone(),
                _ => rest.trim().to_owned(),
            };
            rows.iter().zip(rests).map(name).collect()
        }
        _ => rests.iter().map(|rest| rest.trim().to_owned()).collect(),
    }
}

/// The fields of a line of CSV. A field in quotes may have commas; two quotes in it are one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut().filter(|_| quoted || character != ',');
        match (character, field) {
            (_, None) => fields.push(String::new()),
            ('"', Some(field)) if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            ('"', Some(field)) if quoted || field.trim().is_empty() => quoted = !quoted,
            (_, Some(field)) => field.push(character),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn names(text: &str) -> Vec<String> {
        parse_classes(text).unwrap()
    }

    #[test]
    fn a_class_list_is_one_name_a_line() {
        assert_eq!(names("cat\ndog\n"), ["cat", "dog"]);
        assert_eq!(names("b\tsecond\na\tfirst\n"), ["b", "a"]);
        assert_eq!(names("tench, Tinca tinca\ngreat white shark\n")[0], "tench, Tinca tinca");
    }

    #[test]
    fn marks_and_line_ends_of_windows_do_not_matter() {
        assert_eq!(names("\u{feff}cat\r\ndog\r\n"), ["cat", "dog"]);
        assert_eq!(names("\u{feff}0\tcat\r\n1\tdog\r\n\r\n"), ["cat", "dog"]);
        assert_eq!(names("\u{feff}0,cat\r\n1,dog"), ["cat", "dog"]);
    }

    #[test]
    fn after_a_label_comes_the_name() {
        let ids = ["n01440764", "n01443537"];
        assert_eq!(names("0\tn01440764\ttench\n1\tn01443537\tgoldfish\n"), ids);
        assert_eq!(names("0,n01440764,tench\n1,n01443537,goldfish\n"), ids);
        let animals = ["cat", "dog"];
        for text in [
            "0\tcat\n1\tdog",
            "0,cat\n1,dog",
            "0, cat\n1, dog",
            "0 cat\n1 dog",
            " 0 cat\n 1 dog",
            "1 cat\n2 dog",
            "1\tcat\n2\tdog",
            "00,cat\n01,dog",
            "index,name\n0,cat\n1,dog",
            "class_id\tname\n0\tcat\n1\tdog",
            "\"0\",\"cat\"\n\"1\",\"dog\"",
            "1,dog\n0,cat",
        ] {
            assert_eq!(names(text), animals, "{text:?}");
        }
    }

    #[test]
    fn labels_that_are_sorted_as_text_still_name_their_places() {
        let mut lines: Vec<String> =
            (0..12).map(|label| format!("{label}\tname {label}")).collect();
        lines.sort_unstable();
        let expected: Vec<String> = (0..12).map(|label| format!("name {label}")).collect();
        assert_eq!(names(&lines.join("\n")), expected);
    }

    #[test]
    fn a_comma_may_belong_to_a_name() {
        assert_eq!(names("0,tench, Tinca tinca\n1,kite\n"), ["tench, Tinca tinca", "kite"],);
        assert_eq!(
            names("0,\"tench, Tinca tinca\"\n1,\"a \"\"b\"\"\"\n"),
            ["tench, Tinca tinca", "a \"b\""],
        );
    }

    #[test]
    fn digits_as_class_names_are_not_labels() {
        assert_eq!(names("0\n1\n"), ["0", "1"]);
        assert_eq!(names("7\tseven\n5\tfive\n"), ["7", "5"]);
        assert_eq!(names("3 wheels\n4 wheels\n"), ["3 wheels", "4 wheels"]);
        assert_eq!(names("1 wheel\n0 wheels\n"), ["1 wheel", "0 wheels"]);
    }

    #[test]
    fn names_may_repeat() {
        assert_eq!(names("crane\nheron\ncrane"), ["crane", "heron", "crane"]);
        assert_eq!(names("0\tmaillot\n1\tmaillot"), ["maillot", "maillot"]);
    }

    #[test]
    fn a_bad_list_names_the_line() {
        assert_eq!(parse_classes("").unwrap_err(), "no class name");
        assert_eq!(parse_classes("\u{feff}\r\n").unwrap_err(), "no class name");
        assert_eq!(parse_classes("cat\n\ndog").unwrap_err(), "line 2: no class name");
        assert_eq!(parse_classes("1,dog\n0, ").unwrap_err(), "line 2: no class name");
    }

    #[test]
    fn another_encoding_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        std::fs::write(&path, b"\xff\xfec\0a\0t\0\n\0").unwrap();
        let error = read_classes(&path).unwrap_err();
        assert!(error.to_string().ends_with("names.txt: not UTF-8"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// However a list is laid out, its names are the same.
        #[test]
        fn every_layout_of_a_list_is_the_same_list(
            classes in prop::collection::vec("[a-z]{1,8}( [a-z]{1,5})?", 1..30),
            separator in prop::sample::select(vec!["\t", ",", " "]),
            first in 0..2_usize,
            (mark, line_end) in (any::<bool>(), prop::sample::select(vec!["\n", "\r\n"])),
        ) {
            let lines = classes.iter().enumerate();
            let lines = lines.map(|(at, name)| format!("{}{separator}{name}", at + first));
            let text = lines.collect::<Vec<_>>().join(line_end);
            let text = format!("{}{text}{line_end}", if mark { "\u{feff}" } else { "" });
            prop_assert_eq!(names(&text), classes);
        }

        #[test]
        fn text_of_any_kind_is_names_or_an_error(text in "[-0-9a,\"\t\r\n \u{feff}]{0,60}") {
            let _ = parse_classes(&text);
        }
    }
}
