//! What is asked of all rows at once, in blocks whose size no number of threads changes.

use crate::{Error, Result};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::add_rows;
use rayon::prelude::*;

/// Rows per block of a sum.
pub(crate) const BLOCK: usize = 2048;

/// Rows are counted in `u32`.
const MOST_ROWS: usize = u32::MAX as usize;

/// Checks that there are rows, not too many, and that all of their values are finite.
pub(crate) fn check(rows: Rows<'_>) -> Result<()> {
    let counted = (1..MOST_ROWS).contains(&rows.count());
    crate::error::require("rows", rows.count(), counted, "1 to 4,294,967,294 rows")?;
    crate::error::require("width", rows.channels(), rows.channels() > 0, "one column at least")?;
    let fault = |row: usize| rows.row(row).iter().position(|value| !value.is_finite());
    let found = (0..rows.count()).into_par_iter().with_min_len(BLOCK).find_first(|row| {
        // A sum of products with 0 is 0 unless a value is not finite, and has no branches.
        rows.row(*row).iter().map(|value| value * 0.0).sum::<f32>() != 0.0
    });
    let Some(row) = found else { return Ok(()) };
    let column = fault(row).unwrap_or_default();
    Err(Error::NotFinite { row, column, value: rows.row(row)[column] })
}

/// The mean of all rows.
pub(crate) fn mean(rows: Rows<'_>) -> Vec<f32> {
    let width = rows.channels();
    let blocks: Vec<Vec<f64>> = (0..rows.count().div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut sums = vec![0.0; width];
            let end = rows.count().min((block + 1) * BLOCK);
            let indices: Vec<u32> = (block * BLOCK..end).map(|row| row as u32).collect();
            add_rows(rows, &indices, &mut sums);
            sums
        })
        .collect();
    let mut total = vec![0.0; width];
    for sums in blocks {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    total.into_iter().map(|sum| (sum / rows.count() as f64) as f32).collect()
}

/// The variance of a column, the mean over all of them.
pub(crate) fn mean_variance(rows: Rows<'_>) -> f64 {
    let mean = mean(rows);
    let squares = squared_norms(rows, &mean);
    sum(&squares) / rows.count() as f64 / rows.channels() as f64
}

/// ‖row − origin‖² of every row.
pub(crate) fn squared_norms(rows: Rows<'_>, origin: &[f32]) -> Vec<f64> {
    let mut squares = vec![0.0; rows.count()];
    let nearest = vec![0; rows.count()];
    let origin = Rows::dense(origin, rows.channels());
    ocelli_kernels::nearest::squared_distances(rows, origin, &nearest, &mut squares);
    squares
}

/// A sum over rows: of each block, then of the blocks in order.
pub(crate) fn sum(values: &[f64]) -> f64 {
    let blocks: Vec<f64> = values.par_chunks(BLOCK).map(|block| block.iter().sum()).collect();
    blocks.into_iter().sum()
}

/// The rows of `indices`, dense.
pub(crate) fn gather(rows: Rows<'_>, indices: impl IntoIterator<Item = usize>) -> Vec<f32> {
    indices.into_iter().flat_map(|index| rows.row(index).iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_finite_is_named_by_row_and_column() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = vec![1.0; 3 * 5000];
            values[3 * 4321 + 2] = value;
            let error = check(Rows::dense(&values, 3)).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("row 4321, column 2 is"), "{text}");
        }
        check(Rows::dense(&[f32::MAX, -f32::MAX], 1)).unwrap();
        assert!(check(Rows::dense(&[], 1)).unwrap_err().to_string().contains("`rows` is 0"));
    }

    #[test]
    fn means_and_variances_are_those_of_columns() {
        let values: Vec<f32> = (0..3000).flat_map(|row| [row as f32, 7.0]).collect();
        let rows = Rows::dense(&values, 2);
        assert_eq!(mean(rows), [1499.5, 7.0]);
        assert_eq!(mean_variance(rows), (3000.0 * 3000.0 - 1.0) / 12.0 / 2.0);
    }
}
