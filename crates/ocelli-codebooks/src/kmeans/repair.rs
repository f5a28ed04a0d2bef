//! Clusters without rows.

use super::EmptyRule;
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

const SPLIT: Purpose = Purpose("k-means split");

/// How far faiss pushes two halves apart.
const PUSH: f32 = 1.0 / 1024.0;

/// Gives every empty cluster the row that is farthest from its centroid and not alone in its cluster: of
/// equal ones the first. Tells which rows moved.
pub(crate) fn farthest(
    sizes: &mut [usize],
    assignment: &mut [u32],
    distances: &mut [f64],
) -> Vec<u32> {
    let empty: Vec<usize> = (0..sizes.len()).filter(|cluster| sizes[*cluster] == 0).collect();
    if empty.is_empty() {
        return Vec::new();
    }
    let mut rows: Vec<u32> = (0..assignment.len() as u32).collect();
    rows.sort_by(|a, b| distances[*b as usize].total_cmp(&distances[*a as usize]).then(a.cmp(b)));
    let mut candidates = rows.into_iter();
    let mut moved = Vec::new();
    for cluster in empty {
        let alone = |row: &u32| sizes[assignment[*row as usize] as usize] > 1;
        let Some(row) = candidates.find(alone) else { break };
        let at = row as usize;
        sizes[assignment[at] as usize] -= 1;
        sizes[cluster] = 1;
        assignment[at] = cluster as u32;
        distances[at] = 0.0;
        moved.push(row);
    }
    moved
}

/// faiss's rule, on centroids that are means already. Tells which centroids moved.
pub(super) fn split(
    sizes: &mut [usize],
    rows: usize,
    width: usize,
    centroids: &mut [f32],
    seed: Seed,
    step: u64,
) -> Vec<usize> {
    let k = sizes.len();
    let mut moved = Vec::new();
    for empty in 0..k {
        if sizes[empty] > 0 || rows <= k {
            continue;
        }
        let mut stream = seed.stream(SPLIT, step, empty as u64);
        let mut donor = 0;
        loop {
            let probability = (sizes[donor] as f64 - 1.0) / (rows - k) as f64;
            if stream.random_range(0.0..1.0) < probability {
                break;
            }
            donor = (donor + 1) % k;
        }
        for dimension in 0..width {
            let value = centroids[donor * width + dimension];
            let sign = if dimension % 2 == 0 { PUSH } else { -PUSH };
            centroids[empty * width + dimension] = value * (1.0 + sign);
            centroids[donor * width + dimension] = value * (1.0 - sign);
        }
        sizes[empty] = sizes[donor] / 2;
        sizes[donor] -= sizes[empty];
        moved.extend([empty, donor]);
    }
    moved
}

/// What the rule changes before means are taken.
pub(super) fn moves_rows(rule: EmptyRule) -> bool {
    rule == EmptyRule::Farthest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_row_that_is_not_alone_moves() {
        let mut assignment = [0, 0, 0, 2, 0];
        let mut distances = [1.0, 5.0, 5.0, 9.0, 2.0];
        let mut sizes = [4, 0, 1, 0];
        let moved = farthest(&mut sizes, &mut assignment, &mut distances);
        // Row 3 is farthest but alone; of rows 1 and 2 the first is first.
        assert_eq!(moved, [1, 2]);
        assert_eq!((assignment, sizes), ([0, 1, 3, 2, 0], [2, 1, 1, 1]));
        assert_eq!(distances, [1.0, 0.0, 0.0, 9.0, 2.0]);
    }

    #[test]
    fn a_split_halves_a_donor_and_pushes_the_halves_apart() {
        let mut sizes = [7, 0, 1];
        let mut centroids = [2.0, 4.0, 0.0, 0.0, 5.0, 5.0];
        let moved = split(&mut sizes, 8, 2, &mut centroids, Seed(1), 3);
        // The third cluster has a single row, which is never taken.
        assert_eq!((moved, sizes), (vec![1, 0], [4, 3, 1]));
        let (up, down) = (1.0 + 1.0 / 1024.0, 1.0 - 1.0 / 1024.0);
        assert_eq!(centroids, [2.0 * down, 4.0 * up, 2.0 * up, 4.0 * down, 5.0, 5.0]);
    }
}
