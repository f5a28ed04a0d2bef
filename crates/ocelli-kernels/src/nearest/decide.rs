//! Points for which single precision cannot tell.

use super::distance::squared_distance;
use super::index::NearestIndex;
use super::panel::{PANEL, Panel, TILE};
use super::tile::Scores;
use crate::rows::Rows;
use crate::simd::dispatch;

impl NearestIndex<'_> {
    /// Compares all centroids that can be a row's nearest in double precision, and tells `decided` the row,
    /// its nearest centroid, and the squared distance to it.
    ///
    /// `undecided` has rows, each with a t that the nearest centroid's does not fall below, rounding
    /// included.
    pub fn decide(
        &self,
        panel: &mut Panel,
        rows: Rows<'_>,
        undecided: &[(u32, f64)],
        mut decided: impl FnMut(u32, u32, f64),
    ) {
        for part in undecided.chunks(PANEL) {
            let mut indices = [0; PANEL];
            indices.iter_mut().zip(part).for_each(|(index, (row, _))| *index = *row);
            panel.fill(rows, &self.origin, &indices[..part.len()]);
            let mut nearest = [(f64::INFINITY, u32::MAX); PANEL];
            for tile in self.all_tiles() {
                let mut scores = [0.0; TILE * PANEL];
                let tiles = self.tiles(tile..tile + 1);
                dispatch(Scores { panel, tiles, to: &mut scores });
                for (scores, id) in scores.chunks_exact(PANEL).zip(self.ids_of(tile)) {
                    if *id == u32::MAX {
                        continue;
                    }
                    for ((score, (row, least)), nearest) in
                        scores.iter().zip(part).zip(&mut nearest)
                    {
                        // What is not a number may be the nearest.
                        if f64::from(*score) < *least {
                            continue;
                        }
                        let (point, centroid) =
                            (rows.row(*row as usize), self.centroids.row(*id as usize));
                        let distance = squared_distance(point, centroid);
                        if distance < nearest.0 || distance == nearest.0 && *id < nearest.1 {
                            *nearest = (distance, *id);
                        }
                    }
                }
            }
            for ((row, _), (distance, id)) in part.iter().zip(nearest) {
                // Only what is not finite is at no distance to anything.
                decided(*row, if id == u32::MAX { 0 } else { id }, distance);
            }
        }
    }
}
