//! Centroids, packed for searches.

use super::panel::{PANEL, Panel, TILE};
use super::tile::{Found, Search, Tiles};
use crate::rows::Rows;
use crate::simd::dispatch;
use rayon::prelude::*;
use std::ops::Range;

/// Slots are counted in `f32`, which has every whole number up to here.
const MOST_SLOTS: usize = 1 << 24;

/// What stands at a slot that pads a group.
const NOTHING: u32 = u32::MAX;

/// Centroids, packed for searches in all or in some groups of them.
#[derive(Debug)]
pub struct NearestIndex<'a> {
    pub(super) centroids: Rows<'a>,
    pub(super) origin: Vec<f32>,
    /// `[tiles, width, TILE]`, relative to the origin.
    packed: Vec<f32>,
    /// −‖c‖² / 2 relative to the origin, −∞ where a slot is empty.
    offsets: Vec<f32>,
    /// Which centroid stands at each slot.
    ids: Vec<u32>,
    /// The tiles of each group.
    groups: Vec<Range<usize>>,
    /// An upper bound of the distance of any centroid to the origin.
    radius: f64,
}

impl<'a> NearestIndex<'a> {
    /// All centroids as one group.
    ///
    /// # Panics
    /// When there is no centroid, there are more than sixteen million, or the origin has another width.
    pub fn new(centroids: Rows<'a>, origin: &[f32]) -> Self {
        let all: Vec<u32> = (0..centroids.count() as u32).collect();
        Self::grouped(centroids, origin, &[all])
    }

    /// Centroids in groups, each of which can be searched alone. Every centroid belongs to one group.
    ///
    /// # Panics
    /// As [`new`](Self::new), and when a centroid has no group, or two.
    pub fn grouped(centroids: Rows<'a>, origin: &[f32], members: &[Vec<u32>]) -> Self {
        let (count, width) = (centroids.count(), centroids.channels());
        assert_eq!(origin.len(), width, "width of the origin");
        let tiles: usize = members.iter().map(|members| members.len().div_ceil(TILE)).sum();
        assert!(count > 0 && tiles * TILE <= MOST_SLOTS, "{count} centroids");
        let mut seen = vec![false; count];
        for id in members.iter().flatten() {
            assert!(!std::mem::replace(&mut seen[*id as usize], true), "{id} stands in two groups");
        }
        assert!(seen.into_iter().all(|seen| seen), "a centroid without a group");
        let mut ids = Vec::with_capacity(tiles * TILE);
        let mut groups = Vec::with_capacity(members.len());
        for members in members {
            let first = ids.len() / TILE;
            ids.extend(members);
            ids.resize(ids.len().next_multiple_of(TILE), NOTHING);
            groups.push(first..ids.len() / TILE);
        }
        let mut index = Self {
            centroids,
            origin: origin.to_vec(),
            packed: vec![0.0; ids.len() * width],
            offsets: vec![f32::NEG_INFINITY; ids.len()],
            ids,
            groups,
            radius: 0.0,
        };
        index.pack();
        index
    }

    fn pack(&mut self) {
        let (width, centroids, origin) = (self.centroids.channels(), self.centroids, &self.origin);
        let tiles = self.packed.par_chunks_exact_mut((TILE * width).max(1));
        let slots = self.offsets.par_chunks_exact_mut(TILE).zip(self.ids.par_chunks_exact(TILE));
        tiles.zip(slots).for_each(|(packed, (offsets, ids))| {
            for (lane, (offset, id)) in offsets.iter_mut().zip(ids).enumerate() {
                if *id == NOTHING {
                    continue;
                }
                let mut square = 0.0;
                let row = centroids.row(*id as usize).iter().zip(origin);
                for (packed, (value, origin)) in packed.chunks_exact_mut(TILE).zip(row) {
                    packed[lane] = value - origin;
                    square += f64::from(packed[lane]) * f64::from(packed[lane]);
                }
                *offset = (-0.5 * square) as f32;
            }
        });
        if width == 0 {
            self.offsets.iter_mut().zip(&self.ids).for_each(|(offset, id)| {
                *offset = if *id == NOTHING { f32::NEG_INFINITY } else { 0.0 };
            });
        }
        let taken = self.offsets.iter().zip(&self.ids).filter(|(_, id)| **id != NOTHING);
        let most = taken.map(|(offset, _)| -2.0 * f64::from(*offset)).fold(0.0, f64::max);
        self.radius = most.sqrt() * (1.0 + 1e-6) + f64::from(f32::MIN_POSITIVE).sqrt();
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// What points and centroids are taken relative to.
    pub fn origin(&self) -> &[f32] {
        &self.origin
    }

    /// By how much a t of a point at most `norm` from the origin may differ from the true one: what
    /// rounding does to differences, products and sums of this width, and to [`squared_distance`].
    ///
    /// [`squared_distance`]: super::squared_distance
    pub fn error(&self, norm: f64) -> f64 {
        let terms = self.centroids.channels() as f64 + 8.0;
        let single = terms * f64::from(f32::EPSILON) * 0.5;
        let double = terms * f64::EPSILON;
        // The sum of n terms is off by up to nu / (1 − nu); what underflows is far below the last term.
        let single = if single < 0.5 { single / (1.0 - single) } else { f64::INFINITY };
        let radius = self.radius;
        single * (norm * radius + 0.5 * radius * radius)
            + double * (norm + radius) * (norm + radius)
            + terms * f64::from(f32::MIN_POSITIVE)
    }

    /// Folds the centroids of a group into what was found before.
    pub fn search(&self, panel: &Panel, group: usize, found: &mut Found) {
        dispatch(Search { panel, tiles: self.tiles(self.groups[group].clone()), found });
    }

    /// Which centroid was found to have a point's largest t.
    pub fn id(&self, found: &Found, lane: usize) -> u32 {
        self.ids[found.slot[lane] as usize]
    }

    pub(super) fn all_tiles(&self) -> Range<usize> {
        0..self.ids.len() / TILE
    }

    pub(super) fn ids_of(&self, tile: usize) -> &[u32] {
        &self.ids[tile * TILE..][..TILE]
    }

    pub(super) fn tiles(&self, tiles: Range<usize>) -> Tiles<'_> {
        let width = self.centroids.channels();
        Tiles {
            centroids: &self.packed[tiles.start * TILE * width..tiles.end * TILE * width],
            offsets: &self.offsets[tiles.start * TILE..tiles.end * TILE],
            width,
            first: tiles.start * TILE,
        }
    }

    /// Writes the nearest centroid of every row, exactly.
    ///
    /// # Panics
    /// When there are not as many assignments as rows, or a width differs.
    pub fn assign(&self, rows: Rows<'_>, assignment: &mut [u32]) {
        /// Rows that one thread takes: enough to share the undecided ones of them.
        const BLOCK: usize = 8 * PANEL;
        assert_eq!(assignment.len(), rows.count(), "assignments of rows");
        assignment.par_chunks_mut(BLOCK).enumerate().for_each_init(
            || Panel::new(self.centroids.channels()),
            |panel, (block, assignment)| {
                self.assign_with(panel, rows.range(block * BLOCK, BLOCK), assignment);
            },
        );
    }

    /// Does the same on this thread alone.
    ///
    /// # Panics
    /// As [`assign`](Self::assign), and when the panel has another width.
    pub fn assign_with(&self, panel: &mut Panel, rows: Rows<'_>, assignment: &mut [u32]) {
        assert_eq!(assignment.len(), rows.count(), "assignments of rows");
        let mut undecided = Vec::new();
        for (part, assignment) in assignment.chunks_mut(PANEL).enumerate() {
            let first = (part * PANEL) as u32;
            let indices: [u32; PANEL] = std::array::from_fn(|lane| first + lane as u32);
            panel.fill(rows, &self.origin, &indices[..assignment.len()]);
            let mut found = Found::default();
            dispatch(Search { panel, tiles: self.tiles(self.all_tiles()), found: &mut found });
            for (lane, nearest) in assignment.iter_mut().enumerate() {
                *nearest = self.id(&found, lane);
                let margin = 2.0 * self.error(panel.norm_bound(lane));
                let (best, second) = (f64::from(found.best[lane]), f64::from(found.second[lane]));
                // Not a number is not decided.
                let decided = best - second > margin && best.is_finite();
                if !decided {
                    undecided.push((first + lane as u32, best - margin));
                }
            }
        }
        self.decide(panel, rows, &undecided, |row, nearest, _| assignment[row as usize] = nearest);
    }
}
