//! The networks as a table.

use std::fmt;

use super::row::Row;
use crate::commands::bench::report::Report;
use crate::output::{Align, Table, percent, short};

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
            let number = |value: Option<f64>| value.map(|it| format!("{it}")).unwrap_or_default();
            let whole = |value: Option<u64>| value.map(|it| it.to_string()).unwrap_or_default();
            table.row([
                row.model.clone(),
                row.size.to_string(),
                short(row.params),
                short(row.macs),
                short(row.activations),
                number(row.latency_ms),
                number(row.infer_images_per_second),
                match row.train_skipped {
                    Some(_) => "skipped".to_owned(),
                    None => number(row.train_images_per_second),
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
