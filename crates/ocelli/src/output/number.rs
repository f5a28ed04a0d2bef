//! Numbers as people read them.

/// `5182508` as `5,182,508`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `5182508` as `5.18M`.
pub(crate) fn short(number: u64) -> String {
    let value = number as f64;
    [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
        .into_iter()
        .find(|(unit, _)| value >= *unit)
        .map_or_else(|| number.to_string(), |(unit, name)| format!("{:.2}{name}", value / unit))
}

/// `5182508` as `5.18M`, and `15470314496` as `15,470.31M`: for columns, in which one unit is easier to
/// compare than several.
pub(crate) fn millions(number: u64) -> String {
    // Ten thousands, rounded.
    let hundredths = (number + 5_000) / 10_000;
    format!("{}.{:02}M", grouped(hundredths / 100), hundredths % 100)
}

/// A fraction as `91.73 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1000, 5_182_508].map(grouped), ["0", "999", "1,000", "5,182,508"]);
    }

    #[test]
    fn short_numbers_keep_three_digits_or_so() {
        assert_eq!([7, 1500, 5_182_508].map(short), ["7", "1.50k", "5.18M"]);
    }

    #[test]
    fn numbers_of_a_column_have_one_unit() {
        let shown = [0, 4_999, 269_722, 5_182_508, 9_999_999, 15_470_314_496].map(millions);
        assert_eq!(shown, ["0.00M", "0.00M", "0.27M", "5.18M", "10.00M", "15,470.31M"]);
    }

    #[test]
    fn fractions_are_shown_in_percent() {
        assert_eq!(percent(0.9173), "91.73 %");
    }
}
