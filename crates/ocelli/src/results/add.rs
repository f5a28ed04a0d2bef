//! A row that is appended to a file of results.

use std::path::Path;

use super::table::{Table, check_build, write_csv};
use super::{COLUMNS, Circumstances, Error, rules};

/// Appends a row of `values`, pairs of column and value, to the file at `path`; a new file has the
/// [`COLUMNS`](super::COLUMNS) and then the others as they come.
///
/// Date, machine and commit are those of this process where `values` do not have them: they do for what
/// another build or machine has measured. Committed results take rows of a build with changes only if `force`
/// says so.
///
/// # Errors
/// When the file cannot be read or written, when a column is missing, unknown or twice there, when date,
/// seed or commit have another form than theirs, or when the build is no commit.
pub fn add(path: &Path, values: &[(String, String)], force: bool) -> Result<(), Error> {
    let is_given = |name: &str| values.iter().any(|(column, _)| column == name);
    if !is_given("commit") {
        check_build(path, force)?;
    }
    let here = Circumstances::of_this_process();
    let own = [("date", here.date), ("machine", here.machine), ("commit", here.commit)];
    let own = own.into_iter().filter(|(column, _)| !is_given(column));
    let values: Vec<(String, String)> =
        own.map(|(column, value)| (column.to_owned(), value)).chain(values.to_vec()).collect();

    let mut table = if path.exists() {
        Table::read(path)?
    } else {
        let others = values.iter().map(|(column, _)| column.as_str());
        let others = others.filter(|column| !COLUMNS.contains(column));
        let heads = COLUMNS.into_iter().chain(others).map(str::to_owned).collect();
        Table { heads, rows: Vec::new() }
    };
    let row = row(path, &table.heads, &values)?;
    table.rows.push((0, row));
    let last =
        Table { heads: table.heads.clone(), rows: table.rows.split_off(table.rows.len() - 1) };
    if let Some((_, message)) = rules::broken(&last).into_iter().next() {
        return Err(Error::row(path, message));
    }
    table.rows.extend(last.rows);
    write_csv(path, |csv| {
        csv.write_record(&table.heads)?;
        table.rows.iter().try_for_each(|(_, row)| csv.write_record(row))
    })
}

/// The values in the order of the heads, each of which has one.
fn row(path: &Path, heads: &[String], values: &[(String, String)]) -> Result<Vec<String>, Error> {
    for (at, (column, _)) in values.iter().enumerate() {
        if !heads.contains(column) {
            let message = format!("no column `{column}`, expected one of {}", heads.join(", "));
            return Err(Error::row(path, message));
        }
        if values[..at].iter().any(|(before, _)| before == column) {
            return Err(Error::row(path, format!("`{column}` is given twice")));
        }
    }
    let value = |head: &String| {
        let given = values.iter().find(|(column, _)| column == head);
        given
            .map(|(_, value)| value.clone())
            .ok_or_else(|| Error::row(path, format!("no value for `{head}`")))
    };
    heads.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn pairs(words: &[&str]) -> Vec<(String, String)> {
        let pair = |word: &&str| {
            let (column, value) = word.split_once('=').unwrap();
            (column.to_owned(), value.to_owned())
        };
        words.iter().map(pair).collect()
    }

    #[test]
    fn rows_are_appended_under_the_same_heads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let circumstances = ["date=2026-11-30", "machine=a, b", "commit=0123abc", "command=x"];
        let row = |more: &[&str]| pairs(&[&circumstances[..], more].concat());
        add(&path, &row(&["seed=1", "speed=2"]), false).unwrap();
        add(&path, &row(&["speed=", "seed=-"]), false).unwrap();
        let expected = "\
date,machine,command,commit,seed,speed
2026-11-30,\"a, b\",x,0123abc,1,2
2026-11-30,\"a, b\",x,0123abc,-,
";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        for (more, message) in [
            (&["seed=1"][..], "no value for `speed`"),
            (&["seed=1", "speed=1", "sped=1"], "no column `sped`"),
            (&["seed=1", "speed=1", "speed=2"], "`speed` is given twice"),
            (&["seed=one", "speed=1"], "seed `one`"),
        ] {
            let error = add(&path, &row(more), false).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn what_is_not_said_is_of_this_build() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        add(&path, &pairs(&["command=x", "seed=-"]), false).unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(table.rows[0].1[3], super::super::COMMIT);
    }
}
