//! The order in which named classes get their labels.
//!
//! torchvision, timm and Keras sort the names of folders as text, and so do we: a network and its
//! folders then agree, whoever trained it. Folders that are called `0` to `999` are thereby in the
//! order 0, 1, 10, 100, 101, …, which is not what is meant where the name is the label.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// How the names of classes are sorted; the index of a class is its label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassOrder {
    /// By bytes, as torchvision, timm and Keras do: 0, 1, 10, 2.
    #[default]
    Text,
    /// By the numbers in the names: 0, 1, 2, 10.
    Number,
}

impl fmt::Display for ClassOrder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "text",
            Self::Number => "number",
        })
    }
}

impl FromStr for ClassOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "number" => Ok(Self::Number),
            _ => Err(format!("`{text}` is no order; expected text or number")),
        }
    }
}

impl ClassOrder {
    /// Sorts names that differ from each other.
    pub(super) fn sort(self, names: &mut [String]) {
        match self {
            Self::Text => names.sort_unstable(),
            Self::Number => sort_by_number(names),
        }
    }
}

fn sort_by_number(names: &mut [String]) {
    if names.iter().all(|name| number(name).is_some()) {
        // Equal numbers, as in 1 and 01, are told apart by their text.
        names.sort_by(|one, other| {
            let values = number(one).zip(number(other));
            let order = values.map_or(Ordering::Equal, |(one, other)| one.total_cmp(&other));
            order.then_with(|| natural(one, other))
        });
    } else {
        names.sort_by(|one, other| natural(one, other));
    }
}

/// The value of a name that is nothing but a decimal number.
fn number(name: &str) -> Option<f64> {
    let is_digit = |c: char| c.is_ascii_digit();
    let digits = name.strip_prefix('-').unwrap_or(name);
    let plain = digits.starts_with(is_digit) && digits.chars().all(|c| is_digit(c) || c == '.');
    plain.then(|| name.parse().ok()).flatten()
}

/// Compares the digits in names by their values and all else by its bytes.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    loop {
        match (left, right) {
            ([a, ..], [b, ..]) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let ((number, rest), (other_number, other_rest)) = (digits(left), digits(right));
                // Without leading zeros, of two numbers the longer is the larger.
                let by_length = number.len().cmp(&other_number.len());
                match by_length.then_with(|| number.cmp(other_number)) {
                    Ordering::Equal => (left, right) = (rest, other_rest),
                    order => return order,
                }
            }
            ([a, rest @ ..], [b, other_rest @ ..]) if a == b => {
                (left, right) = (rest, other_rest);
            }
            ([], []) => return one.cmp(other),
            _ => return left.cmp(right),
        }
    }
}

/// The digits at the start without leading zeros, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    (&number[zeros..], rest)
}

/// How many names show what an order is.
const SHOWN: usize = 3;

/// What to say of names in the order of their text, if that of their numbers is another.
pub(super) fn remark(names: &[String]) -> Option<String> {
    let mut numbered = names.to_vec();
    sort_by_number(&mut numbered);
    let first = names.iter().zip(&numbered).position(|(text, number)| text != number)?;
    let (text, number) = (start(names, first), start(&numbered, first));
    Some(format!("classes are in the order {text}; --class-order number for {number}"))
}

/// The names at the start, up to the one at which two orders part.
fn start(names: &[String], parting: usize) -> String {
    let end = SHOWN.max(parting + 1).min(names.len());
    let mut shown: Vec<&str> = names[..end].iter().map(String::as_str).collect();
    if end > SHOWN {
        shown.splice(1..end - 2, ["…"]);
    }
    if end < names.len() {
        shown.push("…");
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn by_number(names: &[&str]) -> Vec<String> {
        let mut names = list(names);
        ClassOrder::Number.sort(&mut names);
        names
    }

    #[test]
    fn numbers_in_names_are_sorted_by_their_values() {
        assert_eq!(by_number(&["10", "9", "100", "0"]), ["0", "9", "10", "100"]);
        assert_eq!(
            by_number(&["0.5", "0.25", "10", "-2", "-10"]),
            ["-10", "-2", "0.25", "0.5", "10"]
        );
        assert_eq!(by_number(&["s10", "s9", "s09", "r1"]), ["r1", "s09", "s9", "s10"]);
        assert_eq!(by_number(&["a 2 b 10", "a 2 b 9", "a 10"]), ["a 2 b 9", "a 2 b 10", "a 10"]);
        let long = "123456789012345678901234567890";
        assert_eq!(by_number(&[long, "x", "2"]), ["2", long, "x"]);
    }

    #[test]
    fn orders_that_differ_are_shown_where_they_part() {
        let numbered = |count: u32| -> Vec<String> {
            let mut names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(
            remark(&numbered(1000)).unwrap(),
            "classes are in the order 0, 1, 10, …; --class-order number for 0, 1, 2, …"
        );
        assert_eq!(remark(&numbered(10)), None);
        assert_eq!(
            remark(&list(&["a", "b", "c", "d1", "d10", "d2"])).unwrap(),
            "classes are in the order a, …, d1, d10, …; --class-order number for a, …, d1, d2, …"
        );
        assert_eq!(
            remark(&list(&["10", "9"])).unwrap(),
            "classes are in the order 10, 9; --class-order number for 9, 10"
        );
        for same in [&["01", "02", "10"][..], &["cat", "dog"], &["n01440764", "n01443537"]] {
            assert_eq!(remark(&list(same)), None, "{same:?}");
        }
    }

    #[test]
    fn an_order_is_read_as_it_is_written() {
        for order in [ClassOrder::Text, ClassOrder::Number] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        assert!("numeric".parse::<ClassOrder>().is_err());
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]

        /// Sorting panics on an order that contradicts itself, so every order of every names is one.
        #[test]
        fn any_names_have_one_order(names in prop::collection::btree_set("[-.0-9a]{0,6}", 0..40)) {
            let sorted: Vec<String> = names.into_iter().collect();
            let (mut one, mut other) = (sorted.clone(), sorted);
            other.reverse();
            ClassOrder::Number.sort(&mut one);
            ClassOrder::Number.sort(&mut other);
            prop_assert_eq!(one, other);
        }
    }
}
