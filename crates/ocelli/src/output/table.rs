//! Columns of text that line up and stay plain enough to be cut and grepped.

use super::plain;
use std::fmt;

/// On which side a column is flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a line of heads; columns are two spaces apart.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new<'a>(heads: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        let (heads, columns) =
            heads.into_iter().map(|(head, align)| (head.to_owned(), align)).unzip();
        Self { columns, rows: vec![heads] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell).into_owned()).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, align), width) in row.iter().zip(&self.columns).zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let padded = match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                };
                line.push_str(&padded);
            }
            let newline = if index == 0 { "" } else { "\n" };
            write!(formatter, "{newline}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_flush_left_and_numbers_flush_right() {
        let mut table = Table::new([("class", Align::Left), ("images", Align::Right)]);
        table.row(["Élan".to_owned(), "5".to_owned()]);
        table.row(["ankle boot".to_owned(), "1000".to_owned()]);
        let expected = "class       images\nÉlan             5\nankle boot    1000";
        assert_eq!(table.to_string(), expected);
    }
}
