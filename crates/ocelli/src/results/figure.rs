//! Whether a row exists that rounds to a quoted figure.

use super::marker::{End, Marker, Summary};
use super::table::Table;

/// The column that says of how many cases a rate is.
const COUNT: &str = "images";

/// Compares a figure with the rows that it names.
pub(super) fn check(marker: &Marker, table: &Table) -> Result<(), String> {
    let Marker { file, chosen, column, figure, factor, .. } = marker;
    let index_of = |column: &String| {
        table.column(column).ok_or_else(|| format!("{file} has no column `{column}`"))
    };
    let mut rows: Vec<&[String]> = table.rows.iter().map(|(_, row)| row.as_slice()).collect();
    for (column, pattern) in chosen {
        let at = index_of(column)?;
        rows.retain(|row| pattern.split('|').any(|pattern| fits(&row[at], pattern)));
    }
    let at = index_of(column)?;
    let cells = values(&rows, at, column)?;
    let value = match (marker.of_several, cells.len()) {
        (_, 0) => return Err(format!("no row of {file} is {}", shown(chosen))),
        (None, 1) => cells[0],
        (None, count) => {
            return Err(format!("{count} rows of {file} are {}, expected one", shown(chosen)));
        }
        (Some(Summary::Pooled(end)), _) => {
            pooled(&cells, &values(&rows, index_of(&COUNT.to_owned())?, COUNT)?, end)
        }
        (Some(summary), _) => summary.apply(cells),
    };
    let decimals = figure.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    // Halves are rounded either way: they are not exact in binary.
    let tolerance = 0.5 * 10_f64.powi(-(decimals as i32)) * (1.0 + 1e-9);
    let found = value * factor;
    let quoted = figure.parse::<f64>().unwrap_or(f64::NAN);
    if (found - quoted).abs() <= tolerance {
        return Ok(());
    }
    let digits = decimals + 3;
    Err(format!("`{column}` is {found:.digits$}, which does not round to {figure}"))
}

/// The cells of a column.
fn values(rows: &[&[String]], at: usize, column: &str) -> Result<Vec<f64>, String> {
    let number = |row: &&[String]| {
        let cell = &row[at];
        cell.parse().map_err(|_| format!("`{column}` is `{cell}`, expected a number"))
    };
    rows.iter().map(number).collect()
}

/// The rate of all cases together, or an end of its interval with a confidence of 95 %, by Wilson (1927).
fn pooled(rates: &[f64], counts: &[f64], end: End) -> f64 {
    const Z: f64 = 1.959_963_984_540_054;
    let count: f64 = counts.iter().sum();
    let successes: f64 = rates.iter().zip(counts).map(|(rate, count)| rate * count).sum();
    let rate = successes / count;
    let centre = (rate + Z * Z / (2.0 * count)) / (1.0 + Z * Z / count);
    let spread = (rate * (1.0 - rate) / count + (Z / (2.0 * count)).powi(2)).sqrt();
    let half = Z * spread / (1.0 + Z * Z / count);
    match end {
        End::Middle => rate,
        End::Low => centre - half,
        End::High => centre + half,
    }
}

fn shown(chosen: &[(String, String)]) -> String {
    let pairs = chosen.iter().map(|(column, value)| format!("{column}={value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

/// Whether a cell is what a pattern says, in which `*` stands for anything.
fn fits(cell: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return cell == pattern };
    let Some(mut left) = cell.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    true
}

impl Summary {
    /// Of at least one value.
    fn apply(self, mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let (count, sum) = (values.len(), values.iter().sum::<f64>());
        match self {
            Self::Mean | Self::Pooled(_) => sum / count as f64,
            Self::Median => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
            Self::Min => values[0],
            Self::Max => values[count - 1],
            Self::Sum => sum,
        }
    }
}

/// Whether a number stands in a text, by itself: not in a name, and not as a part of a longer number.
pub(super) fn stands_in(figure: &str, text: &str) -> bool {
    let signs: Vec<char> = text.chars().collect();
    let is_digit = |at: usize| signs.get(at).is_some_and(char::is_ascii_digit);
    let is_word =
        |sign: Option<&char>| sign.is_some_and(|it| it.is_ascii_alphanumeric() || *it == '_');
    let mut at = 0;
    while at < signs.len() {
        if !is_digit(at) {
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).map(|before| &signs[before]);
        let is_part = is_word(before) || before == Some(&'.');
        let mut number = String::new();
        loop {
            let groups = (at + 1..=at + 3).all(is_digit) && !is_digit(at + 4);
            match signs.get(at) {
                Some(sign) if sign.is_ascii_digit() => number.push(*sign),
                Some('.') if is_digit(at + 1) => number.push('.'),
                Some(',') if groups && !number.contains('.') => {}
                _ => break,
            }
            at += 1;
        }
        if !is_part && !is_word(signs.get(at)) && number == figure {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::marker::parse;
    use super::*;

    fn table() -> Table {
        let row = |line, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
        let heads = ["model", "seed", "rate"].map(str::to_owned).to_vec();
        let rows = vec![
            row(2, ["lenet", "0", "0.524"]),
            row(3, ["lenet", "1", "0.6"]),
            row(4, ["resnet", "0", ""]),
        ];
        Table { heads, rows }
    }

    fn checked(comment: &str) -> Result<(), String> {
        check(&parse(&format!("a.csv {comment}")).unwrap()[0], &table())
    }

    #[test]
    fn figures_are_values_of_rows_that_were_rounded() {
        for comment in [
            "model=lenet seed=0 rate~52.4%",
            "model=lenet seed=0 rate~52%",
            "model=l*t seed=1 rate~0.600",
            "model=lenet mean(rate)~56.2%",
            "model=lenet median(rate)~56.2%",
            "model=lenet|resnet seed=1 rate~0.6",
            "model=* seed=1 max(rate)*500~300",
            "model=lenet sum(rate)~1.1",
        ] {
            assert_eq!(checked(comment), Ok(()), "{comment}");
        }
        for (comment, message) in [
            ("model=lenet seed=0 rate~52.5%", "does not round to 52.5"),
            ("model=lenet rate~52.4%", "2 rows of a.csv are model=lenet, expected one"),
            ("model=vgg rate~52.4%", "no row of a.csv is model=vgg"),
            ("model=resnet rate~52.4%", "`rate` is ``, expected a number"),
            ("network=lenet rate~52.4%", "no column `network`"),
            ("model=lenet seed=0 success~1", "no column `success`"),
        ] {
            assert!(checked(comment).unwrap_err().contains(message), "{comment}");
        }
    }

    #[test]
    fn rates_are_pooled_with_an_interval() {
        // Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3.
        for (successes, count, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            // In two rows.
            let (rates, counts) = ([0.0, successes / (count - 10.0)], [10.0, count - 10.0]);
            let found = [End::Low, End::High].map(|end| pooled(&rates, &counts, end));
            assert!((found[0] - low).abs() < 5e-5, "{found:?}");
            assert!((found[1] - high).abs() < 5e-5, "{found:?}");
            assert!((pooled(&rates, &counts, End::Middle) - successes / count).abs() < 1e-12);
        }
    }

    #[test]
    fn numbers_stand_by_themselves() {
        let text = "52.4, 86.8 and 1,234 % of ghostnet_100 in v1.5; 1,3,5 pixels, 7×.";
        for figure in ["52.4", "86.8", "1234", "1", "3", "5", "7"] {
            assert!(stands_in(figure, text), "{figure}");
        }
        for figure in ["52", "4", "6.8", "100", "234", "1.5", "135"] {
            assert!(!stands_in(figure, text), "{figure}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        for (cell, pattern) in
            [("abc", "*"), ("abc", "a*"), ("abc", "*c"), ("a-b-c", "a*b*c"), ("", "*")]
        {
            assert!(fits(cell, pattern), "{cell} {pattern}");
        }
        for (cell, pattern) in [("abc", "b*"), ("abc", "ab"), ("abc", "*b"), ("ac", "a*b*c")] {
            assert!(!fits(cell, pattern), "{cell} {pattern}");
        }
    }
}
