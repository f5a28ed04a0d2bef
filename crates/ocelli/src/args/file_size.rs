//! Sizes of files, as they are typed.

use std::str::FromStr;

/// A size of a file in bytes; a kB is 1,000 of them, as disks and papers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileSize(pub(crate) u64);

/// The units, the longer endings first.
const UNITS: [(&str, f64); 5] = [("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("k", 1e3), ("m", 1e6)];

impl FromStr for FileSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let unit = UNITS.iter().find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, *bytes)));
        let (digits, unit) =
            unit.unwrap_or((lower.strip_suffix('b').unwrap_or(lower.as_str()), 1.0));
        match digits.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number * unit >= 1.0 => {
                Ok(Self((number * unit).round() as u64))
            }
            _ => Err("expected a size of a file, as in 80kB or 1.5MB".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilobyte_is_a_thousand_bytes() {
        let read = |text: &str| text.parse::<FileSize>().map(|FileSize(bytes)| bytes);
        assert_eq!(read("80kB"), Ok(80_000));
        assert_eq!(read("1.5 MB"), Ok(1_500_000));
        assert_eq!(["120000", "120000B", "120k", "0.12m"].map(read), [const { Ok(120_000) }; 4]);
        for bad in ["", "kB", "-1kB", "0", "12KiB", "inf", "NaN"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
