//! Files with the names of classes.
//!
//! The same list is passed around in many shapes: one name a line, or a table with the label
//! before the name, by tabs, commas or a space, with or without a heading, from Windows or not.

use super::MAX_CLASSES;
use crate::{Error, Limits, Result};
use std::path::Path;

/// A kilobyte for each of a hundred thousand classes.
const LARGEST_FILE: u64 = 100 << 20;

/// What may stand between a label and a name. A space is often part of a name.
const SEPARATORS: [char; 6] = ['\t', ',', ';', '|', ':', '='];

/// Reads a list of class names, one a line, in the order of their labels.
///
/// A line may have more fields, separated by tabs; then the first is the name. Where the first
/// fields (separated by tabs, commas or a space) are the labels themselves, counted from 0 or from
/// 1, the name is the second field, and further ones are ignored: `0⇥n01440764⇥tench` is the class
/// `n01440764`. Labels may also be the last fields, behind a tab or a comma. A heading above such labels,
/// a byte order mark and the line ends of Windows do not matter. Where most lines have a label and they are
/// not 0 or 1 and so on, each once, the list is refused: taking their positions instead would shift the names.
///
/// Names may repeat, as `crane` does in ImageNet: where the position decides, nothing is ambiguous.
/// Where names are matched with those of a dataset, that is an error.
///
/// # Errors
/// When the file cannot be read, has no line, has an empty name, or is no UTF-8.
pub fn read_classes(path: &Path) -> Result<Vec<String>> {
    let bad = |reason| Error::BadClassList { path: path.to_owned(), reason };
    let limits = Limits { file_bytes: LARGEST_FILE, ..Limits::default() };
    let bytes = limits.read_file(path)?;
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
    let before = || SEPARATORS.into_iter().chain([' ']).find_map(|sep| numbered(&lines, sep));
    let behind = || ['\t', ','].into_iter().find_map(|separator| labelled(&lines, separator));
    let table = before().or_else(behind);
    if table.is_none() {
        check_no_labels(&lines)?;
    }
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
        Some((label_of(first)?, line.find(separator)? + separator.len_utf8()))
    };
    // A heading has no number; a list of one line is no table with nothing but a heading.
    let heading = usize::from(lines.len() > 1 && row(lines[0]).is_none() && separator != ' ');
    let mut rows = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate().skip(heading) {
        let line = if separator == ' ' { line.trim_start() } else { line };
        let (label, rest) = row(line)?;
        rows.push((label, at + 1, &line[rest..]));
    }
    // Words behind a space are often part of a name, so there labels must come in their order, or be
    // more than chance brings together.
    if separator != ' ' || rows.len() > 2 {
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

/// The names in the order of the labels that stand last in their lines; `None` if these are none.
fn labelled(lines: &[&str], separator: char) -> Option<Vec<(usize, String)>> {
    let row = |(at, line): (usize, &&str)| {
        let (rest, last) = line.rsplit_once(separator)?;
        let name = rest.split(separator).next().unwrap_or(rest).trim().to_owned();
        Some((label_of(last)?, at + 1, name))
    };
    let heading = usize::from(lines.len() > 1 && row((0, &lines[0])).is_none());
    let mut rows: Vec<_> =
        lines.iter().enumerate().skip(heading).map(row).collect::<Option<_>>()?;
    rows.sort_by_key(|(label, ..)| *label);
    let first = rows.first().map(|(label, ..)| *label).filter(|label| *label <= 1)?;
    let are_all = rows.iter().enumerate().all(|(at, (label, ..))| *label == at + first);
    are_all.then(|| rows.into_iter().map(|(_, line, name)| (line, name)).collect())
}

/// A whole number, in quotes or not.
fn label_of(field: &str) -> Option<usize> {
    let field = field.trim().trim_matches('"');
    let field = field.strip_suffix(".0").unwrap_or(field);
    let is_number = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| field.parse().ok()).flatten()
}

/// Refuses lines most of which have a label before or behind the name: labels that cannot be used must not
/// become names in another order.
fn check_no_labels(lines: &[&str]) -> Result<(), String> {
    for separator in SEPARATORS {
        let before = |line: &&str| label_of(line.split_once(separator)?.0);
        let behind = |line: &&str| label_of(line.rsplit_once(separator)?.1);
        for label in [&before as &dyn Fn(&&str) -> Option<usize>, &behind] {
            let labels: Vec<Option<usize>> = lines.iter().map(label).collect();
            if lines.len() > 1 && 2 * labels.iter().flatten().count() > lines.len() {
                return Err(bad_label(&labels));
            }
        }
    }
    Ok(())
}

/// What is wrong with the first label that is not as it should be.
fn bad_label(labels: &[Option<usize>]) -> String {
    let most = labels.len();
    let mut seen = vec![false; most + 1];
    for (at, label) in labels.iter().enumerate() {
        let line = at + 1;
        match label {
            // A heading may have none.
            None if at == 0 => {}
            None => return format!("line {line}: no label, as other lines have"),
            Some(label) if *label > most => {
                return format!("line {line}: label {label}, expected 0 to {}", most - 1);
            }
            Some(label) if std::mem::replace(&mut seen[*label], true) => {
                return format!("line {line}: label {label} again");
            }
            Some(_) => {}
        }
    }
    let missing = seen.iter().skip(1).position(|seen| !seen).map_or(0, |at| at + 1);
    format!("no line has label {missing}; expected each of 0 to {} once", most - 1)
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
    fn labels_that_are_sorted_as_text_still_name_their_positions() {
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
        assert_eq!(names("3 wheels\n4 wheels\n"), ["3 wheels", "4 wheels"]);
        assert_eq!(names("1 wheel\n0 wheels\n"), ["1 wheel", "0 wheels"]);
    }

    #[test]
    fn labels_may_stand_anywhere_and_in_any_order() {
        for text in [
            "dog\t1\ncat\t0",
            "dog,1\ncat,0",
            "name,label\ndog,1\ncat,0",
            "dog,n000,1\ncat,n001,0",
            "1: dog\n0: cat",
            "1|dog\n0|cat",
            "1=dog\n0=cat",
            "1.0,dog\n0.0,cat",
        ] {
            assert_eq!(names(text), ["cat", "dog"], "{text:?}");
        }
        assert_eq!(names("2 ape\n1 dog\n0 cat"), ["cat", "dog", "ape"]);
    }

    #[test]
    fn labels_that_cannot_be_used_are_no_names() {
        let refuse = |text: &str| parse_classes(text).unwrap_err();
        assert_eq!(refuse("7\tseven\n5\tfive"), "line 1: label 7, expected 0 to 1");
        assert_eq!(refuse("0,cat\n1,dog\n1,ape"), "line 3: label 1 again");
        assert_eq!(refuse("2,cat\n1,dog\nape\n0,bee"), "line 3: no label, as other lines have");
        assert_eq!(
            refuse("cat\t0\ndog\t3\nape\t1"),
            "no line has label 2; expected each of 0 to 2 once"
        );
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
        #![proptest_config(ocelli_testkit::cases(256))]

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
