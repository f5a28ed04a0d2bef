//! What every figure needs beside it: the date, the machine, the command and the commit.

use serde::Serialize;
use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use super::COMMIT;

/// Where a figure comes from, but for its seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Circumstances {
    /// The day, in UTC.
    pub date: String,
    /// The machine in one line.
    pub machine: String,
    /// The command as typed.
    pub command: String,
    /// The commit of the build.
    pub commit: String,
}

impl Circumstances {
    /// Those of what this process measures, today.
    pub fn of_this_process() -> Self {
        Self { date: today(), machine: machine(), command: command(), commit: COMMIT.to_owned() }
    }
}

/// The machine in one line: processor, cores, memory, system.
pub fn machine() -> String {
    let field = |file: &str, key: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor =
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.into());
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let mut parts = vec![processor, format!("{cores} cores")];
    let memory = field("/proc/meminfo", "MemTotal");
    let kibibytes = memory.and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok());
    parts.extend(kibibytes.map(|size| format!("{:.0} GiB", size / f64::from(1 << 20))));
    parts.push(env::consts::OS.to_owned());
    parts.join(", ")
}

/// The command that was typed, as a shell takes it. Files are named without the folders that differ from one
/// machine to the next.
pub fn command() -> String {
    let word =
        |word: std::ffi::OsString| quoted(&without_folders(&word.to_string_lossy())).into_owned();
    let words = env::args_os().skip(1).map(word);
    std::iter::once("ocelli".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// A word without the folders of an absolute path, which it may be or set a field to.
pub fn without_folders(word: &str) -> String {
    let (field, value) = match word.split_once('=') {
        Some((field, value)) => (format!("{field}="), value),
        None => (String::new(), word),
    };
    let path = Path::new(value);
    match path.file_name().filter(|_| path.is_absolute()) {
        Some(name) => field + &name.to_string_lossy(),
        None => word.to_owned(),
    }
}

/// A word in quotes, if a shell would make something else of it.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |sign: char| sign.is_alphanumeric() || "_-+=:,./%@".contains(sign);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

/// Today in UTC, as in `2026-11-24`.
pub fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(now.as_secs() / (24 * 60 * 60))
}

/// The date so many days after the first of January 1970.
fn date(days: u64) -> String {
    // Years are counted from March, so that the leap day is the last of a year, in eras of 400
    // years, which are all equally long.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", 400 * era + year)
}

#[cfg(test)]
mod tests {
    use super::{date, quoted, without_folders};

    #[test]
    fn folders_of_this_machine_are_left_out() {
        let words = ["/data/a.tar", "data.test=/data/b.tar", "data/c.tar", "lr=0.1", "/"];
        let expected = ["a.tar", "data.test=b.tar", "data/c.tar", "lr=0.1", "/"];
        assert_eq!(words.map(without_folders), expected);
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_change_them() {
        let words = ["train", "a=1,3", "{split}.tar", "ghostnet_*", "it's", ""];
        let expected = ["train", "a=1,3", "'{split}.tar'", "'ghostnet_*'", r"'it'\''s'", "''"];
        assert_eq!(words.map(quoted), expected);
    }

    #[test]
    fn days_become_dates() {
        let dates = [0, 59, 11_016, 19_782, 20_781].map(date);
        assert_eq!(dates, ["1970-01-01", "1970-03-01", "2000-02-29", "2024-02-29", "2026-11-24"]);
    }
}
