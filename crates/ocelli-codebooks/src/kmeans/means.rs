//! The second of Lloyd's steps: every centroid becomes the mean of its rows.

use ocelli_kernels::Rows;
use ocelli_kernels::nearest::add_rows;
use rayon::prelude::*;

/// The rows of each cluster, in order.
#[derive(Debug)]
pub(crate) struct Members {
    rows: Vec<u32>,
    starts: Vec<usize>,
}

impl Members {
    pub(crate) fn new(assignment: &[u32], k: usize) -> Self {
        let mut starts = vec![0; k + 1];
        for cluster in assignment {
            starts[*cluster as usize + 1] += 1;
        }
        for cluster in 0..k {
            starts[cluster + 1] += starts[cluster];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; assignment.len()];
        for (row, cluster) in assignment.iter().enumerate() {
            let at = &mut next[*cluster as usize];
            rows[*at] = row as u32;
            *at += 1;
        }
        Self { rows, starts }
    }

    pub(crate) fn of(&self, cluster: usize) -> &[u32] {
        &self.rows[self.starts[cluster]..self.starts[cluster + 1]]
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.starts.windows(2).map(|bounds| bounds[1] - bounds[0]).collect()
    }

    /// Writes the mean of each cluster for which `wanted` says so and that has rows.
    pub(crate) fn means(&self, rows: Rows<'_>, wanted: &[bool], centroids: &mut [f32]) {
        let width = rows.channels();
        centroids.par_chunks_exact_mut(width).enumerate().for_each_init(
            || vec![0.0; width],
            |sums, (cluster, centroid)| {
                let members = self.of(cluster);
                if !wanted[cluster] || members.is_empty() {
                    return;
                }
                sums.fill(0.0);
                add_rows(rows, members, sums);
                let count = members.len() as f64;
                centroid.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (*sum / count) as f32);
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_order_and_means_are_theirs() {
        let members = Members::new(&[2, 0, 2, 2, 0], 4);
        assert_eq!(
            (members.of(0), members.of(1), members.of(2)),
            (&[1, 4][..], &[][..], &[0, 2, 3][..])
        );
        assert_eq!(members.sizes(), [2, 0, 3, 0]);
        let mut centroids = [9.0; 4];
        let rows = [1.0, 2.0, 3.0, 5.0, 6.0];
        members.means(Rows::dense(&rows, 1), &[true, true, false, true], &mut centroids);
        assert_eq!(centroids, [4.0, 9.0, 9.0, 9.0]);
    }
}
