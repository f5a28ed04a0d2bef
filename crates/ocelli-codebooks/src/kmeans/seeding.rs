//! Where centroids start.

use super::Seeding;
use crate::rows::{BLOCK, gather};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::squared_distance;
use ocelli_random::{Permutation, Purpose, Seed};
use rand::RngExt;
use rayon::prelude::*;

const SEEDING: Purpose = Purpose("k-means seeding");

/// `k` starting centroids, `[k, width]`.
pub(crate) fn start(
    rows: Rows<'_>,
    k: usize,
    seeding: Seeding,
    seed: Seed,
    restart: u64,
) -> Vec<f32> {
    let chosen = match seeding {
        Seeding::Random => {
            let order = Permutation::new(seed, restart, rows.count() as u64);
            (0..k as u64).filter_map(|at| order.get(at)).map(|row| row as usize).collect()
        }
        Seeding::PlusPlus => plus_plus(rows, k, 1, seed, restart),
        Seeding::Greedy => plus_plus(rows, k, 2 + (k as f64).ln() as usize, seed, restart),
    };
    gather(rows, chosen)
}

/// A row's squared distance to the nearest centroid so far, and which that is.
#[derive(Clone, Copy)]
struct NearestSoFar {
    square: f64,
    centroid: u32,
}

/// The rows of k-means++, the best of `trials` for each. Each centroid has a random stream of its own.
fn plus_plus(rows: Rows<'_>, k: usize, trials: usize, seed: Seed, restart: u64) -> Vec<usize> {
    let draws = |centroid: usize| -> Vec<f64> {
        let mut stream = seed.stream(SEEDING, restart, centroid as u64);
        (0..trials).map(|_| stream.random_range(0.0..1.0)).collect()
    };
    let first = ((draws(0)[0] * rows.count() as f64) as usize).min(rows.count() - 1);
    let mut chosen = vec![first];
    let mut nearest = vec![NearestSoFar { square: f64::INFINITY, centroid: 0 }; rows.count()];
    loop {
        let newest = chosen.len() - 1;
        approach(rows, &chosen, newest as u32, &mut nearest);
        if chosen.len() == k {
            return chosen;
        }
        let draws = draws(chosen.len());
        let mut drawn: Vec<usize> =
            draws.into_iter().filter_map(|share| proportional(&nearest, share)).collect();
        if drawn.is_empty() {
            // All rows are copies of those that were drawn.
            drawn.extend((0..rows.count()).find(|row| !chosen.contains(row)));
        }
        let best = if drawn.len() > 1 {
            let left = |row: &usize| (inertia_with(rows, &chosen, *row, &nearest), *row);
            let all = drawn.iter().map(left);
            all.reduce(|best, other| if other.0 < best.0 { other } else { best })
                .map(|(_, row)| row)
        } else {
            drawn.first().copied()
        };
        chosen.push(best.unwrap_or(first));
    }
}

/// What inertia would be with another centroid.
fn inertia_with(rows: Rows<'_>, chosen: &[usize], row: usize, nearest: &[NearestSoFar]) -> f64 {
    let centroid = rows.row(row);
    let apart = distances_to(rows, chosen, centroid);
    let sums: Vec<f64> = nearest
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(block, nearest)| {
            let left = |(row, nearest): (usize, &NearestSoFar)| {
                if is_out_of_reach(&apart, nearest) {
                    return nearest.square;
                }
                nearest.square.min(squared_distance(rows.row(block * BLOCK + row), centroid))
            };
            nearest.iter().enumerate().map(left).sum()
        })
        .collect();
    sums.into_iter().sum()
}

fn distances_to(rows: Rows<'_>, chosen: &[usize], centroid: &[f32]) -> Vec<f64> {
    chosen.par_iter().map(|other| squared_distance(centroid, rows.row(*other))).collect()
}

/// Twice as far from the row's centroid as the row is: it cannot be nearer to the row.
fn is_out_of_reach(apart: &[f64], nearest: &NearestSoFar) -> bool {
    apart[nearest.centroid as usize] > 4.000_001 * nearest.square
}

/// Takes the newest centroid into account.
fn approach(rows: Rows<'_>, chosen: &[usize], newest: u32, nearest: &mut [NearestSoFar]) {
    let centroid = rows.row(chosen[newest as usize]);
    let apart = distances_to(rows, chosen, centroid);
    nearest.par_chunks_mut(BLOCK).enumerate().for_each(|(block, nearest)| {
        for (row, nearest) in nearest.iter_mut().enumerate() {
            if is_out_of_reach(&apart, nearest) {
                continue;
            }
            let square = squared_distance(rows.row(block * BLOCK + row), centroid);
            if square < nearest.square {
                *nearest = NearestSoFar { square, centroid: newest };
            }
        }
    });
}

/// The row at `share` of the sum of squares, or `None` when that is 0.
fn proportional(nearest: &[NearestSoFar], share: f64) -> Option<usize> {
    let block_sum = |block: &[NearestSoFar]| block.iter().map(|nearest| nearest.square).sum();
    let sums: Vec<f64> = nearest.par_chunks(BLOCK).map(block_sum).collect();
    let mut left = share * sums.iter().sum::<f64>();
    let mut last = None;
    for (block, sum) in sums.into_iter().enumerate() {
        if left >= sum {
            left -= sum;
            continue;
        }
        let first = block * BLOCK;
        for (row, nearest) in nearest[first..].iter().enumerate().take(BLOCK) {
            if nearest.square > 0.0 {
                last = Some(first + row);
            }
            left -= nearest.square;
            if left < 0.0 {
                return last;
            }
        }
    }
    // Rounding has left a rest: the last row that can be drawn.
    last.or_else(|| nearest.iter().rposition(|nearest| nearest.square > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_drawn_twice_and_far_ones_are_drawn_first() {
        // A hundred rows near 0, one far off: it is second whatever the first is.
        let mut values: Vec<f32> = (0..100).map(|row| row as f32 * 1e-3).collect();
        values.push(1e4);
        let rows = Rows::dense(&values, 1);
        for seed in 0..20 {
            let mut chosen = plus_plus(rows, 101, 1, Seed(seed), 0);
            assert!(chosen[..2].contains(&100), "{chosen:?}");
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 101);
        }
    }

    #[test]
    fn rows_are_drawn_in_proportion_to_their_squares() {
        let nearest: Vec<NearestSoFar> =
            [0.0, 1.0, 0.0, 3.0, 0.0].map(|square| NearestSoFar { square, centroid: 0 }).to_vec();
        let at = |share| proportional(&nearest, share);
        assert_eq!([at(0.0), at(0.24), at(0.26), at(0.99)], [1, 1, 3, 3].map(Some));
        assert_eq!(at(1.0), Some(3));
        assert_eq!(proportional(&nearest[..1], 0.5), None);
    }

    #[test]
    fn the_best_of_several_rows_is_taken() {
        let values: Vec<f32> = (0..900).map(|at| ((at * 7919) % 1013) as f32).collect();
        let rows = Rows::dense(&values, 3);
        let inertia = |chosen: &[usize]| -> f64 {
            (0..300)
                .map(|row| {
                    let all =
                        chosen.iter().map(|at| squared_distance(rows.row(row), rows.row(*at)));
                    all.fold(f64::INFINITY, f64::min)
                })
                .sum()
        };
        let mean = |trials| -> f64 {
            (0..20).map(|seed| inertia(&plus_plus(rows, 12, trials, Seed(seed), 0))).sum()
        };
        assert!(mean(4) < 0.95 * mean(1), "{} and {}", mean(4), mean(1));
        // What is expected of a row is what it then brings.
        let chosen = [5, 100];
        let mut nearest = vec![NearestSoFar { square: f64::INFINITY, centroid: 0 }; 300];
        (0..2).for_each(|newest| approach(rows, &chosen[..=newest as usize], newest, &mut nearest));
        assert_eq!(inertia_with(rows, &chosen, 200, &nearest), inertia(&[5, 100, 200]));
    }

    #[test]
    fn copies_do_not_stop_it_and_the_skipped_distances_change_nothing() {
        let rows = [1.0_f32; 12];
        assert_eq!(plus_plus(Rows::dense(&rows, 2), 6, 3, Seed(3), 0).len(), 6);
        let values: Vec<f32> = (0..4000).map(|at| ((at * 7919) % 1013) as f32).collect();
        let rows = Rows::dense(&values, 4);
        let chosen = plus_plus(rows, 40, 4, Seed(1), 2);
        let mut nearest = vec![NearestSoFar { square: f64::INFINITY, centroid: 0 }; rows.count()];
        (0..40)
            .for_each(|newest| approach(rows, &chosen[..=newest as usize], newest, &mut nearest));
        for (row, nearest) in nearest.iter().enumerate() {
            let all = chosen.iter().map(|at| squared_distance(rows.row(row), rows.row(*at)));
            assert_eq!(nearest.square, all.fold(f64::INFINITY, f64::min));
        }
    }
}
