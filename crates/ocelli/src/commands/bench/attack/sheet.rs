//! What was measured, as rows and as a table.

use serde::Serialize;
use std::fmt;

use super::Victim;
use crate::commands::bench::contest::{Measured, median};
use crate::commands::bench::report::{Report, rounded, told};
use crate::output::{Align, Table};
use crate::talk::rate;

/// One contestant against one network.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    subject: String,
    /// A file, or `random`.
    weights: String,
    tool: String,
    /// How a peer chose to run.
    settings: Option<String>,
    /// Images that the network was asked about in an attack.
    evaluations: f64,
    /// The median time of an attack over all rounds, in milliseconds.
    ms: f64,
    /// The fastest round.
    best_ms: f64,
    evaluations_per_second: f64,
    /// How many times as fast as this the first contestant is, which is ours.
    speedup: Option<f64>,
}

impl Row {
    fn new(subject: &str, weights: &str, measured: Measured, speedup: Option<f64>) -> Self {
        let Measured { tool, settings, images, mut times } = measured;
        let ms = median(&mut times);
        Self {
            subject: subject.to_owned(),
            weights: weights.to_owned(),
            tool,
            settings,
            evaluations: images,
            ms: rounded(ms),
            best_ms: rounded(times.first().copied().unwrap_or(ms)),
            evaluations_per_second: rounded(1e3 * images / ms),
            speedup: speedup.map(rounded),
        }
    }
}

impl fmt::Display for Row {
    /// The row as it is told when it has been measured.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, tool, ms, evaluations_per_second, .. } = self;
        let speed = rate(*evaluations_per_second, "evaluations");
        write!(formatter, "{subject}: {tool}: {ms} ms, {speed}")?;
        told(formatter, self.speedup)
    }
}

impl Report<Row> {
    /// Adds what contestants did against `victim`, ours first.
    pub(super) fn push(&mut self, victim: &Victim, measured: Vec<Measured>) {
        self.add(&victim.subject.to_string(), &victim.weights, measured);
    }

    fn add(&mut self, subject: &str, weights: &str, measured: Vec<Measured>) {
        let first = measured.first().map(Measured::ms_per_image);
        for (index, measured) in measured.into_iter().enumerate() {
            let ratio = first.map(|first| measured.ms_per_image() / first);
            let ratio = ratio.filter(|_| index > 0);
            let row = Row::new(subject, weights, measured, ratio);
            tracing::info!("{row}");
            self.rows.push(row);
        }
    }
}

impl fmt::Display for Report<Row> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |head| (head, Align::Right);
        let mut table = Table::new([
            ("subject", Align::Left),
            ("weights", Align::Left),
            ("tool", Align::Left),
            ("settings", Align::Left),
            right("evaluations"),
            right("ms"),
            right("evaluations/s"),
            right("ocelli is"),
        ]);
        for row in &self.rows {
            table.row([
                row.subject.clone(),
                row.weights.clone(),
                row.tool.clone(),
                row.settings.clone().unwrap_or_default(),
                format!("{:.0}", row.evaluations),
                format!("{:.1}", row.ms),
                format!("{:.0}", row.evaluations_per_second),
                row.speedup.map(|times| format!("{times:.2}×")).unwrap_or_default(),
            ]);
        }
        writeln!(formatter, "{table}\n")?;
        writeln!(
            formatter,
            "evaluations are the images that the network was asked about in an attack"
        )?;
        write!(formatter, "{}", self.circumstances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::report::Circumstances;

    fn measured(tool: &str, settings: Option<&str>, images: f64, ms: f64) -> Measured {
        Measured {
            tool: tool.to_owned(),
            settings: settings.map(str::to_owned),
            images,
            times: vec![ms; 3],
        }
    }

    #[test]
    fn contestants_are_compared_by_the_evaluation() {
        let circumstances = Circumstances::of_test();
        let mut sheet = Report { circumstances, rows: Vec::new() };
        sheet.add(
            "resnet20_cifar@32",
            "random",
            vec![
                measured("ocelli delta", None, 800.0, 40.0),
                measured("ocelli dense", None, 800.0, 80.0),
                measured("peer 1.0", Some("nhwc, batch 128"), 400.0, 200.0),
            ],
        );
        let expected = "\
subject            weights  tool          settings         evaluations     ms  evaluations/s  ocelli is
resnet20_cifar@32  random   ocelli delta                           800   40.0          20000           
resnet20_cifar@32  random   ocelli dense                           800   80.0          10000      2.00×
resnet20_cifar@32  random   peer 1.0      nhwc, batch 128          400  200.0           2000     10.00×

evaluations are the images that the network was asked about in an attack
a machine; 2 threads, medians of 3 rounds, seed 7, 2026-11-24";
        let lines =
            |text: &str| text.lines().map(|it| it.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&sheet.to_string()), lines(expected));
        let json = serde_json::to_value(&sheet).unwrap();
        assert_eq!(json["rows"][2]["evaluations_per_second"], 2000.0);
        assert!(json["rows"][0]["speedup"].is_null());
    }
}
