//! Help to choose k.

use crate::error::require;
use crate::{Error, Result};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::squared_distance;
use ocelli_random::{Permutation, Seed};
use rayon::prelude::*;

/// The elbow of a curve of inertias over k: the k whose inertia is farthest below the line from the first to
/// the last, both axes scaled to 0…1 (Satopää et al., *Finding a "Kneedle" in a Haystack*, 2011). `None` for
/// less than three values of k, or where none is below the line.
pub fn elbow(inertias: &[(usize, f64)]) -> Option<usize> {
    let mut curve = inertias.to_vec();
    curve.sort_by_key(|(k, _)| *k);
    let ((first_k, first), (last_k, last)) = (*curve.first()?, *curve.last()?);
    let (width, height) = ((last_k - first_k) as f64, first - last);
    if curve.len() < 3 || width <= 0.0 || height.is_nan() || height <= 0.0 {
        return None;
    }
    let below =
        |(k, inertia): (usize, f64)| 1.0 - (k - first_k) as f64 / width - (inertia - last) / height;
    let (k, depth) = curve
        .into_iter()
        .map(|point| (point.0, below(point)))
        .reduce(|best, point| if point.1 > best.1 { point } else { best })?;
    (depth > 0.0).then_some(k)
}

/// The silhouette of a clustering, estimated on a sample of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silhouette {
    /// The mean of (b − a) / max(a, b), between −1 and 1: a is a row's mean distance to the others of its
    /// cluster, b that to the nearest other cluster. 0 for a row that is alone.
    pub mean: f64,
    /// How many rows it was computed on.
    pub rows: usize,
}

/// The mean silhouette (Rousseeuw 1987) of at most `sample` rows, drawn without replacement and compared with
/// each other: time and memory do not grow with the number of rows.
///
/// # Errors
/// [`Error::Shape`] when there are not as many assignments as rows, [`Error::Setting`] for a sample of less
/// than two rows.
pub fn silhouette(
    rows: Rows<'_>,
    assignment: &[u32],
    sample: usize,
    seed: Seed,
) -> Result<Silhouette> {
    if assignment.len() != rows.count() {
        let (found, expected) = (assignment.len(), rows.count());
        return Err(Error::Shape { what: "assignments of rows", found, expected });
    }
    let count = sample.min(rows.count());
    require("sample", count, count >= 2, "two rows or more")?;
    let order = Permutation::new(seed, 0, rows.count() as u64);
    let mut chosen: Vec<usize> =
        (0..count as u64).filter_map(|at| order.get(at)).map(|row| row as usize).collect();
    chosen.sort_unstable();
    let mut clusters: Vec<u32> = chosen.iter().map(|row| assignment[*row]).collect();
    clusters.sort_unstable();
    clusters.dedup();
    let cluster = |row: usize| clusters.binary_search(&assignment[row]).unwrap_or_default();
    let of_row = |row: &usize| {
        let mut sums = vec![(0.0, 0_usize); clusters.len()];
        for other in chosen.iter().filter(|other| *other != row) {
            let (sum, count) = &mut sums[cluster(*other)];
            *sum += squared_distance(rows.row(*row), rows.row(*other)).sqrt();
            *count += 1;
        }
        let own = cluster(*row);
        let mean = |(sum, count): (f64, usize)| sum / count as f64;
        let others = sums.iter().enumerate().filter(|(at, (_, count))| *at != own && *count > 0);
        let nearest = others.map(|(_, sum)| mean(*sum)).fold(f64::INFINITY, f64::min);
        if sums[own].1 == 0 || nearest == f64::INFINITY {
            return 0.0;
        }
        let inside = mean(sums[own]);
        let larger = inside.max(nearest);
        if larger == 0.0 { 0.0 } else { (nearest - inside) / larger }
    };
    let all: Vec<f64> = chosen.par_iter().map(of_row).collect();
    Ok(Silhouette { mean: all.iter().sum::<f64>() / count as f64, rows: count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elbow_is_where_the_curve_bends() {
        let curve = [(2, 100.0), (4, 40.0), (6, 30.0), (8, 25.0), (10, 22.0)];
        assert_eq!(elbow(&curve), Some(4));
        let mut turned = curve;
        turned.reverse();
        assert_eq!(elbow(&turned), Some(4));
        assert_eq!(elbow(&curve[..2]), None);
        assert_eq!(elbow(&[(1, 3.0), (2, 2.0), (3, 1.0)]), None);
        assert_eq!(elbow(&[(1, 1.0), (2, 1.0), (3, 1.0)]), None);
    }

    #[test]
    fn silhouettes_are_rousseeuws() {
        // Clusters {0, 1}, {4, 6}, {20}: worked out by hand.
        let values = [0.0, 1.0, 4.0, 6.0, 20.0];
        let rows = Rows::dense(&values, 1);
        let found = silhouette(rows, &[5, 5, 2, 2, 9], 100, Seed(0)).unwrap();
        let expected =
            [(5.0 - 1.0) / 5.0, (4.0 - 1.0) / 4.0, (3.5 - 2.0) / 3.5, (5.5 - 2.0) / 5.5, 0.0];
        assert!((found.mean - expected.iter().sum::<f64>() / 5.0).abs() < 1e-12);
        assert_eq!(found.rows, 5);
        assert_eq!(silhouette(rows, &[0; 5], 5, Seed(0)).unwrap().mean, 0.0);
        assert_eq!(silhouette(rows, &[0; 5], 3, Seed(0)).unwrap().rows, 3);
        assert!(silhouette(rows, &[0; 4], 5, Seed(0)).is_err());
        assert!(silhouette(rows, &[0; 5], 1, Seed(0)).is_err());
    }
}
