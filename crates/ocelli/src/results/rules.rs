//! What every row of results has, and in which form.

use super::COLUMNS;
use super::table::Table;

/// What is wrong with the columns that every row needs, each with its line.
pub(super) fn broken(table: &Table) -> Vec<(u64, String)> {
    let mut problems = Vec::new();
    let double =
        table.heads.iter().enumerate().find(|(at, head)| table.heads[..*at].contains(head));
    if let Some((_, head)) = double {
        problems.push((1, format!("two columns are called `{head}`")));
    }
    for column in COLUMNS {
        let Some(at) = table.column(column) else {
            problems.push((1, format!("no column `{column}`")));
            continue;
        };
        for (line, row) in &table.rows {
            let (is_right, expected) = form(column, &row[at]);
            if !is_right {
                problems.push((*line, format!("{column} `{}`, expected {expected}", row[at])));
            }
        }
    }
    problems
}

/// Whether a cell of one of these columns has its form, and what that is.
fn form(column: &str, cell: &str) -> (bool, &'static str) {
    match column {
        "date" => {
            let sign = |at: usize, sign: u8| {
                if at == 4 || at == 7 { sign == b'-' } else { sign.is_ascii_digit() }
            };
            let is_date = cell.len() == 10 && cell.bytes().enumerate().all(|(at, it)| sign(at, it));
            (is_date, "a day, as 2026-11-24")
        }
        "seed" => {
            let is_seed = cell.parse::<u64>().is_ok() || ["-", "random"].contains(&cell);
            (is_seed, "a number, `-` or `random`")
        }
        "commit" => {
            let name = cell.strip_prefix("added:").unwrap_or(cell);
            let name = name.strip_suffix("-dirty").unwrap_or(name);
            // The last part of what `git describe` says where there are tags.
            let hash = name.rsplit("-g").next().unwrap_or(name);
            let is_hash = (7..=40).contains(&hash.len())
                && hash.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            (cell == "unknown" || is_hash, "the hash of a commit, with `added:`, or `unknown`")
        }
        _ => (!cell.trim().is_empty(), "some text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_forms() {
        for (column, cell) in [
            ("date", "2026-11-30"),
            ("seed", "18446744073709551615"),
            ("seed", "-"),
            ("seed", "random"),
            ("commit", "9b917cc"),
            ("commit", "9b917cc0a1-dirty"),
            ("commit", "v1.0-3-g9b917cc"),
            ("commit", "added:9b917cc"),
            ("commit", "unknown"),
            ("machine", "two cores"),
        ] {
            assert!(form(column, cell).0, "{column} {cell}");
        }
        for (column, cell) in [
            ("date", "30.11.2026"),
            ("date", "2026-11-3"),
            ("seed", ""),
            ("seed", "0 to 2"),
            ("commit", ""),
            ("commit", "main"),
            ("commit", "9B917CC"),
            ("machine", " "),
        ] {
            assert!(!form(column, cell).0, "{column} {cell}");
        }
    }

    #[test]
    fn columns_are_there_once() {
        let heads = "date machine command commit commit".split(' ').map(str::to_owned).collect();
        let found = broken(&Table { heads, rows: Vec::new() });
        let messages: Vec<&str> = found.iter().map(|(_, message)| message.as_str()).collect();
        assert_eq!(messages, ["two columns are called `commit`", "no column `seed`"]);
    }
}
