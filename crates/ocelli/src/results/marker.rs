//! The comment that names the row of a quoted figure.

use std::path::Path;

/// How the comment begins, after `<!--`.
pub(super) const SIGN: &str = "result:";

/// One quoted figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marker {
    /// The name of the file of results.
    pub(super) file: String,
    /// Columns and what they hold in the rows that are meant.
    pub(super) chosen: Vec<(String, String)>,
    /// How many rows become one value; `None` where there is one.
    pub(super) of_several: Option<Summary>,
    pub(super) column: String,
    pub(super) factor: f64,
    /// The number as it stands in the text, without the commas of thousands.
    pub(super) figure: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Summary {
    Mean,
    Median,
    Min,
    Max,
    Sum,
    /// The rate of all cases together, of which each row says how many it had.
    Pooled(End),
}

/// What of a rate is quoted: itself, or an end of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Middle,
    Low,
    High,
}

/// The figures that a comment names; its text is what stands between `<!-- result:` and `-->`.
pub(super) fn parse(comment: &str) -> Result<Vec<Marker>, String> {
    let mut words = words(comment)?.into_iter();
    let file =
        words.next().filter(|file| is_name(file)).ok_or("expected a file of results first")?;
    let (mut shared, mut chosen, mut markers) = (Vec::new(), Vec::new(), Vec::new());
    for word in words {
        if word == ";" {
            if markers.is_empty() {
                shared.append(&mut chosen);
            }
            chosen.clear();
        } else if let Some((quoted, figure)) = split_at(&word, '~') {
            let (column, factor, of_several) = column(quoted)?;
            let (figure, unit) = number(figure)?;
            let chosen = shared.iter().chain(&chosen).cloned().collect();
            let (file, factor) = (file.clone(), factor * unit);
            markers.push(Marker { file, chosen, of_several, column, factor, figure });
        } else if let Some((column, value)) = split_at(&word, '=') {
            chosen.push((column.to_owned(), value.to_owned()));
        } else {
            return Err(format!("`{word}`: expected COLUMN=VALUE or COLUMN~FIGURE"));
        }
    }
    if markers.is_empty() {
        return Err("no COLUMN~FIGURE".to_owned());
    }
    Ok(markers)
}

fn is_name(file: &str) -> bool {
    let is_table = Path::new(file).extension().is_some_and(|extension| extension == "csv");
    is_table && !file.contains(['/', '\\'])
}

/// Splits at the first sign, if it is `sign`.
fn split_at(word: &str, sign: char) -> Option<(&str, &str)> {
    let at = word.find(['~', '='])?;
    let (before, after) = (&word[..at], &word[at..]);
    Some((before, after.strip_prefix(sign)?))
}

/// Words between spaces; quotes hold words together.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for sign in text.chars() {
        match sign {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted || !sign.is_whitespace() => word.push(sign),
            _ if word.is_empty() => {}
            _ => words.push(std::mem::take(&mut word)),
        }
    }
    if is_quoted {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    Ok(words)
}

/// The column of `mean(COLUMN)*90`, with the factor and how several rows become one.
fn column(text: &str) -> Result<(String, f64, Option<Summary>), String> {
    let (text, factor) = match text.split_once('*') {
        None => (text, 1.0),
        Some((text, factor)) => {
            let number = factor.parse::<f64>().ok().filter(|factor| factor.is_finite());
            (text, number.ok_or_else(|| format!("`{factor}`: expected a factor"))?)
        }
    };
    let Some((summary, rest)) = text.split_once('(') else {
        return Ok((text.to_owned(), factor, None));
    };
    let summary = match summary {
        "mean" => Summary::Mean,
        "median" => Summary::Median,
        "min" => Summary::Min,
        "max" => Summary::Max,
        "sum" => Summary::Sum,
        "rate" => Summary::Pooled(End::Middle),
        "low" => Summary::Pooled(End::Low),
        "high" => Summary::Pooled(End::High),
        other => {
            return Err(format!(
                "`{other}`: expected mean, median, min, max, sum, rate, low or high"
            ));
        }
    };
    let column = rest.strip_suffix(')').ok_or_else(|| format!("`{text}`: expected `)`"))?;
    Ok((column.to_owned(), factor, Some(summary)))
}

/// A number without commas, and the factor of its unit.
fn number(text: &str) -> Result<(String, f64), String> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text.strip_suffix('×').unwrap_or(text), 1.0),
    };
    let digits = digits.replace(',', "");
    let is_number = digits.starts_with(|sign: char| sign.is_ascii_digit())
        && digits.chars().all(|sign| sign.is_ascii_digit() || sign == '.')
        && digits.parse::<f64>().is_ok();
    is_number.then_some((digits, unit)).ok_or_else(|| format!("`{text}`: expected a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_file_rows_and_figures() {
        let comment =
            "a.csv seed=0 ; model=\"the small one\" mean(rate)*90~1,234% ms~5.0× ; k=a~b n~7";
        let markers = parse(comment).unwrap();
        let pair = |column: &str, value: &str| (column.to_owned(), value.to_owned());
        let first = Marker {
            file: "a.csv".to_owned(),
            chosen: vec![pair("seed", "0"), pair("model", "the small one")],
            of_several: Some(Summary::Mean),
            column: "rate".to_owned(),
            factor: 9000.0,
            figure: "1234".to_owned(),
        };
        assert_eq!(markers[0], first);
        assert_eq!((markers[1].figure.as_str(), markers[1].factor), ("5.0", 1.0));
        assert_eq!(markers[2].chosen, [pair("seed", "0"), pair("k", "a~b")]);
    }

    #[test]
    fn what_is_no_marker_is_said() {
        for (comment, message) in [
            ("", "file of results"),
            ("../a.csv n~1", "file of results"),
            ("a.csv seed=0", "no COLUMN~FIGURE"),
            ("a.csv seed", "`seed`: expected COLUMN=VALUE"),
            ("a.csv n~many", "`many`: expected a number"),
            ("a.csv n*x~1", "`x`: expected a factor"),
            ("a.csv most(n)~1", "`most`: expected mean"),
            ("a.csv model=\"a n~1", "quote"),
        ] {
            let error = parse(comment).unwrap_err();
            assert!(error.contains(message), "{comment}: {error}");
        }
    }
}
