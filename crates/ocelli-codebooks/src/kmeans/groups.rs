//! Groups of centroids that stand near each other, of equal size, for the bounds.

use super::Pruning;
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::squared_distance;

/// Centroids per group: four tiles of the search.
const GROUP: usize = 48;

/// Below that many groups one bound does as well.
const FEWEST: usize = 2;

/// The members of each group, or `None` where nothing is pruned. Which centroids share a group changes the
/// time that steps take, and no result.
pub(super) fn groups(pruning: Pruning, centroids: Rows<'_>) -> Option<Vec<Vec<u32>>> {
    let k = centroids.count();
    let size = match pruning {
        Pruning::Off => return None,
        Pruning::Auto if k < FEWEST * GROUP => k,
        Pruning::Auto => GROUP,
        Pruning::Groups(groups) => k.div_ceil(groups),
    };
    let mut members = Vec::new();
    halve(centroids, (0..k as u32).collect(), size, &mut members);
    Some(members)
}

/// Cuts centroids in two between two that are far apart, until they are no more than `size`.
fn halve(centroids: Rows<'_>, mut ids: Vec<u32>, size: usize, members: &mut Vec<Vec<u32>>) {
    if ids.len() <= size {
        ids.sort_unstable();
        members.push(ids);
        return;
    }
    let distance =
        |a: u32, b: u32| squared_distance(centroids.row(a as usize), centroids.row(b as usize));
    let farthest = |from: u32| {
        let apart = |id: &u32| distance(from, *id);
        ids.iter().copied().max_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(from)
    };
    let one = farthest(ids[0]);
    let other = farthest(one);
    let mut sided: Vec<(f64, u32)> =
        ids.iter().map(|id| (distance(*id, one) - distance(*id, other), *id)).collect();
    sided.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    // Whole groups on the first side, so that one alone is not full.
    let first = (sided.len().div_ceil(size) / 2).max(1) * size;
    let second = sided.split_off(first.min(sided.len() - 1));
    for side in [sided, second] {
        halve(centroids, side.into_iter().map(|(_, id)| id).collect(), size, members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_full_but_one_and_hold_neighbours() {
        let values: Vec<f32> = (0..1000).map(|at| ((at * 387) % 1000) as f32).collect();
        let found = groups(Pruning::Auto, Rows::dense(&values, 1)).unwrap();
        let mut sizes: Vec<usize> = found.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!((sizes.len(), sizes[0], sizes[1]), (21, 40, 48));
        for members in &found {
            let of = |id: &u32| values[*id as usize];
            let least = members.iter().map(of).fold(f32::INFINITY, f32::min);
            let most = members.iter().map(of).fold(0.0, f32::max);
            assert!(most - least < 48.0, "{least} to {most}");
        }
        let mut all: Vec<u32> = found.concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn equal_centroids_and_few_of_them_can_be_grouped() {
        let values = [1.0_f32; 100];
        let rows = Rows::dense(&values, 1);
        assert_eq!(groups(Pruning::Off, rows), None);
        assert_eq!(groups(Pruning::Auto, rows).unwrap().len(), 3);
        assert_eq!(groups(Pruning::Groups(100), rows).unwrap().len(), 100);
        assert_eq!(groups(Pruning::Auto, Rows::dense(&values[..95], 1)).unwrap().len(), 1);
    }
}
