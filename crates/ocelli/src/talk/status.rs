//! What is told of a task under way, laid out for a terminal of any width.

use crate::output::grouped;

/// The widest bar and the narrowest, in columns, its brackets included.
const WIDEST_BAR: usize = 32;
const NARROWEST_BAR: usize = 6;

/// Where a task of known size stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Status {
    /// What is done, as in `train`.
    pub(crate) what: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// What is counted, as in `images`.
    pub(crate) unit: &'static str,
    /// How fast it goes, as [`rate`] says it; empty where that is not known yet.
    pub(crate) rate: String,
    /// How many seconds it will take yet, where that is known.
    pub(crate) left: Option<f64>,
    /// What else is told, as in `37 succeeded`.
    pub(crate) note: String,
}

impl Status {
    /// One line of at most `width` columns. When columns are few, the bar shrinks first, then the note;
    /// how fast it goes and the time that is left stay longest.
    pub(super) fn line(&self, width: usize) -> String {
        let core = self.core(true);
        let head = format!("{} ", self.what);
        let note = if self.note.is_empty() { String::new() } else { format!("; {}", self.note) };
        let fixed = columns(&head) + columns(&core);
        let for_bar = width.saturating_sub(fixed + columns(&note));
        if for_bar > NARROWEST_BAR {
            let bar = self.bar((for_bar - 1).min(WIDEST_BAR));
            return format!("{head}{bar} {core}{note}");
        }
        if fixed <= width {
            return format!("{head}{core}{}", shortened(&note, width - fixed));
        }
        let core = self.core(false);
        let is_room = columns(&head) + columns(&core) <= width;
        shortened(&if is_room { format!("{head}{core}") } else { core }, width)
    }

    /// The same without a bar, for a file.
    pub(super) fn words(&self) -> String {
        let Self { what, unit, note, .. } = self;
        let (done, total) = (grouped(self.done), grouped(self.total));
        let separator = if note.is_empty() { "" } else { "; " };
        format!("{what}: {done} of {total} {unit}{}{separator}{note}", self.speed())
    }

    fn core(&self, with_unit: bool) -> String {
        let (done, total) = (grouped(self.done), grouped(self.total));
        let unit = if with_unit { format!(" {}", self.unit) } else { String::new() };
        format!("{done}/{total}{unit}{}", self.speed())
    }

    /// How fast it goes and what is left, as far as that is known.
    fn speed(&self) -> String {
        let rate = if self.rate.is_empty() { "" } else { ", " };
        let left = self.left.map(|left| format!(", {} left", clock(left))).unwrap_or_default();
        format!("{rate}{}{left}", self.rate)
    }

    /// A bar of so many columns.
    fn bar(&self, width: usize) -> String {
        let inside = width.saturating_sub(2);
        let share = self.done.min(self.total) as f64 / self.total.max(1) as f64;
        let full = (share * inside as f64) as usize;
        let head = usize::from(full < inside);
        format!("[{}{}{}]", "=".repeat(full), ">".repeat(head), " ".repeat(inside - full - head))
    }
}

/// How fast something goes, never as 0: `123 images/s`, `1.2 images/s`, or `8.5 s each`.
pub(crate) fn rate(per_second: f64, unit: &str) -> String {
    match per_second {
        fast if fast >= 10.0 => format!("{} {unit}/s", grouped(fast.round() as u64)),
        slow if slow >= 1.0 => format!("{slow:.1} {unit}/s"),
        // Minutes and hours are for a task that is slower still.
        rare if rare > 0.1 => format!("{:.1} s each", 1.0 / rare),
        rarer if rarer > 0.0 => format!("{} each", clock(1.0 / rarer)),
        _ => String::new(),
    }
}

/// A length of time as people say it.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes}:{seconds:02} min"),
        _ => format!("{hours}:{minutes:02} h"),
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The beginning of a text that has no room; nothing where not even a word of it would be left.
fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    if width < 8 {
        return String::new();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn training() -> Status {
        Status {
            what: "train".to_owned(),
            done: 120,
            total: 1_200,
            unit: "steps",
            rate: rate(87.4, "images"),
            left: Some(754.0),
            note: "epoch 0.51, loss 1.2345, lr 4.00e-2".to_owned(),
        }
    }

    #[test]
    fn the_bar_shrinks_first_and_then_the_note() {
        let lines = [120, 90, 80, 60, 47, 40].map(|width| training().line(width));
        let expected = [
            "train [===>                          ] 120/1,200 steps, 87 images/s, 12:34 min left; \
             epoch 0.51, loss 1.2345, lr 4.00e-2",
            "train 120/1,200 steps, 87 images/s, 12:34 min left; epoch 0.51, loss 1.2345, lr 4.00e-2",
            "train 120/1,200 steps, 87 images/s, 12:34 min left; epoch 0.51, loss 1.2345, lr…",
            "train 120/1,200 steps, 87 images/s, 12:34 min left; epoch 0…",
            "train 120/1,200, 87 images/s, 12:34 min left",
            "120/1,200, 87 images/s, 12:34 min left",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_and_rate_and_time_are_always_there() {
        let mut quiet = training();
        quiet.note.clear();
        for status in [training(), quiet] {
            for width in 38..=200 {
                let line = status.line(width);
                assert!(columns(&line) <= width, "{width}: {line}");
                assert!(line.contains("87 images/s, 12:34 min left"), "{width}: {line}");
            }
            for width in 0..38 {
                assert!(columns(&status.line(width)) <= width, "{width}");
            }
        }
    }

    #[test]
    fn a_file_gets_the_same_words_without_a_bar() {
        let expected = "train: 120 of 1,200 steps, 87 images/s, 12:34 min left; epoch 0.51, \
                        loss 1.2345, lr 4.00e-2";
        assert_eq!(training().words(), expected);
        let begun = Status { rate: rate(0.0, "steps"), left: None, done: 0, ..training() };
        assert_eq!(begun.words(), "train: 0 of 1,200 steps; epoch 0.51, loss 1.2345, lr 4.00e-2");
    }

    #[test]
    fn no_rate_is_told_as_zero() {
        let told = [12_345.6, 10.0, 9.96, 1.0, 0.2, 0.01, 0.0].map(|it| rate(it, "images"));
        let expected = [
            "12,346 images/s",
            "10 images/s",
            "10.0 images/s",
            "1.0 images/s",
            "5.0 s each",
            "1:40 min each",
            "",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_bar_is_full_at_the_end_alone() {
        let bar = |done| Status { done, ..training() }.bar(12);
        assert_eq!([0, 1_199, 1_200].map(bar), ["[>         ]", "[=========>]", "[==========]"]);
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = [0.4, 59.0, 61.0, 3599.0, 3600.0, 90_000.0].map(clock);
        assert_eq!(told, ["0 s", "59 s", "1:01 min", "59:59 min", "1:00 h", "25:00 h"]);
    }
}
