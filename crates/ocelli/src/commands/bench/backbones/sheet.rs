//! The networks as a table.

use std::fmt;

use super::row::Row;
use crate::commands::bench::report::Report;
use crate::output::{Align, Table, millions, percent};

impl fmt::Display for Report<Row> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |head| (head, Align::Right);
        let mut table = Table::new([
            ("model", Align::Left),
            right("size"),
            right("params"),
            right("MACs"),
            right("activations"),
            right("ms, one image"),
            right("images/s"),
            right("trained/s"),
            right("batch"),
            right("MiB"),
            right("top-1"),
            ("weights", Align::Left),
        ]);
        for row in &self.rows {
            let real = |value: Option<f64>, digits: usize| {
                value.map(|it| format!("{it:.digits$}")).unwrap_or_default()
            };
            let whole = |value: Option<u64>| value.map(|it| it.to_string()).unwrap_or_default();
            table.row([
                row.model.clone(),
                row.size.to_string(),
                millions(row.params),
                millions(row.macs),
                millions(row.activations),
                real(row.latency_ms, 2),
                real(row.infer_images_per_second, 1),
                match row.train_skipped {
                    Some(_) => "skipped".to_owned(),
                    None => real(row.train_images_per_second, 1),
                },
                whole(row.train_batch.map(|batch| batch as u64)),
                whole(row.train_mib),
                row.top1.map(percent).unwrap_or_default(),
                row.weights_project.unwrap_or_default().to_owned(),
            ]);
        }
        writeln!(formatter, "{table}\n")?;
        let skipped = self.rows.iter().filter_map(|row| Some((row, row.train_skipped.as_ref()?)));
        for (row, reason) in skipped {
            writeln!(formatter, "{}: not trained: {reason}", row.model)?;
        }
        writeln!(formatter, "top-1 is what others have published for the weights, or the paper")?;
        write!(formatter, "{}", self.circumstances)
    }
}
