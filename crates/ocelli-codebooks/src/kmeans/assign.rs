//! The first of Lloyd's steps: every row goes to its nearest centroid.

use super::Pruning;
use super::bounds::{distance_above, distance_below, fall};
use super::groups::groups;
use crate::rows::{BLOCK, squared_norms};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::{
    Found, NearestIndex, PANEL, Panel, squared_distance, squared_distances,
};
use rayon::prelude::*;

/// Where rows belong, and what is known of the way to other centroids.
pub(super) struct Assigner<'a> {
    rows: Rows<'a>,
    /// What all is taken relative to.
    origin: Vec<f32>,
    pruning: Pruning,
    /// Whether distances are wanted even where nothing needs them to find the nearest.
    is_measured: bool,
    pub(super) assignment: Vec<u32>,
    /// To the row's own centroid, squared.
    pub(super) distances: Vec<f64>,
    bounds: Option<Bounds>,
    /// Distances that were computed to find the nearest.
    pub(super) evaluations: u64,
    step: usize,
}

struct Bounds {
    groups: Vec<Vec<u32>>,
    group_of: Vec<u32>,
    /// `[rows, groups]`
    lower: Vec<f32>,
    /// The rows' squared distances to the origin.
    squares: Vec<f64>,
    /// By how far each centroid has moved since the last assignment.
    moves: Vec<f32>,
}

impl<'a> Assigner<'a> {
    pub(super) fn new(
        rows: Rows<'a>,
        origin: Vec<f32>,
        pruning: Pruning,
        is_measured: bool,
    ) -> Self {
        let count = rows.count();
        Self {
            rows,
            origin,
            pruning,
            is_measured,
            assignment: vec![0; count],
            distances: vec![0.0; count],
            bounds: None,
            evaluations: 0,
            step: 0,
        }
    }

    /// Finds the nearest centroid of every row. Whether any row has another one than before.
    pub(super) fn assign(&mut self, centroids: Rows<'_>) -> bool {
        let first = self.step == 0;
        self.step += 1;
        // Starting points move far in the first step: bounds would be worth nothing after it.
        if self.step == 2 {
            self.bounds = Bounds::new(self.pruning, self.rows, &self.origin, centroids);
        }
        if let Some(bounds) = &mut self.bounds {
            squared_distances(self.rows, centroids, &self.assignment, &mut self.distances);
            let index = NearestIndex::grouped(centroids, &self.origin, &bounds.groups);
            let search = Search { rows: self.rows, centroids, index: &index };
            let (changed, evaluations) =
                bounds.assign(&search, &mut self.assignment, &mut self.distances);
            self.evaluations += evaluations;
            return changed;
        }
        let mut assignment = vec![0; self.rows.count()];
        NearestIndex::new(centroids, &self.origin).assign(self.rows, &mut assignment);
        if self.is_measured {
            squared_distances(self.rows, centroids, &assignment, &mut self.distances);
        }
        self.evaluations += (self.rows.count() * centroids.count()) as u64;
        let changed = first || assignment != self.assignment;
        self.assignment = assignment;
        changed
    }

    /// Takes the distances to the centroids that rows belong to.
    pub(super) fn measure(&mut self, centroids: Rows<'_>) {
        squared_distances(self.rows, centroids, &self.assignment, &mut self.distances);
    }

    /// Notes that centroids have moved.
    pub(super) fn moved(&mut self, from: Rows<'_>, to: Rows<'_>) {
        let Some(bounds) = &mut self.bounds else { return };
        bounds.moves.par_iter_mut().enumerate().for_each(|(centroid, moved)| {
            let square = squared_distance(from.row(centroid), to.row(centroid));
            *moved = if square == 0.0 { 0.0 } else { distance_above(square) };
        });
    }

    /// Notes that rows have been given to other clusters.
    pub(super) fn reassigned(&mut self, rows: &[u32]) {
        let Some(bounds) = &mut self.bounds else { return };
        let groups = bounds.groups.len();
        for row in rows {
            bounds.lower[*row as usize * groups..][..groups].fill(0.0);
        }
    }
}

/// What a step searches in.
struct Search<'a> {
    rows: Rows<'a>,
    centroids: Rows<'a>,
    index: &'a NearestIndex<'a>,
}

/// What is known of one row during a step.
#[derive(Clone, Copy)]
struct Candidate {
    /// The largest t so far, and whose it is.
    best: f64,
    id: u32,
    /// The largest t of all others that were looked at.
    second: f64,
    /// The group of the best, where it was searched in this step.
    group: Option<u32>,
    /// The largest t of the others in that group.
    second_in_group: f64,
}

impl Candidate {
    const NONE: Self = Self {
        best: f64::NEG_INFINITY,
        id: u32::MAX,
        second: f64::NEG_INFINITY,
        group: None,
        second_in_group: f64::NEG_INFINITY,
    };

    /// Takes note of the two largest t of a group.
    fn take(&mut self, group: u32, id: u32, best: f64, second: f64) {
        if best > self.best {
            let second_of_all = self.best.max(second);
            *self = Self {
                best,
                id,
                second: second_of_all,
                group: Some(group),
                second_in_group: second,
            };
        } else {
            self.second = self.second.max(best);
        }
    }
}

/// A block of rows and all that is kept of them.
struct BlockState<'a> {
    first: usize,
    assignment: &'a mut [u32],
    distances: &'a mut [f64],
    lower: &'a mut [f32],
    squares: &'a [f64],
}

impl Bounds {
    fn new(pruning: Pruning, rows: Rows<'_>, origin: &[f32], centroids: Rows<'_>) -> Option<Self> {
        let groups = groups(pruning, centroids)?;
        let mut group_of = vec![0; centroids.count()];
        for (group, members) in groups.iter().enumerate() {
            for id in members {
                group_of[*id as usize] = group as u32;
            }
        }
        Some(Self {
            lower: vec![0.0; rows.count() * groups.len()],
            groups,
            group_of,
            squares: squared_norms(rows, origin),
            moves: vec![0.0; centroids.count()],
        })
    }

    fn assign(
        &mut self,
        search: &Search<'_>,
        assignment: &mut [u32],
        distances: &mut [f64],
    ) -> (bool, u64) {
        let count = self.groups.len();
        let longest = |members: &Vec<u32>| {
            members.iter().map(|id| self.moves[*id as usize]).fold(0.0, f32::max)
        };
        let moves: Vec<f32> = self.groups.iter().map(longest).collect();
        let (groups, group_of) = (&self.groups, &self.group_of);
        let blocks = assignment
            .par_chunks_mut(BLOCK)
            .zip(distances.par_chunks_mut(BLOCK))
            .zip(self.lower.par_chunks_mut(BLOCK * count))
            .zip(self.squares.par_chunks(BLOCK))
            .enumerate();
        let done: Vec<(bool, u64)> = blocks
            .map_init(
                || Panel::new(search.rows.channels()),
                |panel, (block, (((assignment, distances), lower), squares))| {
                    let first = block * BLOCK;
                    let state = BlockState { first, assignment, distances, lower, squares };
                    assign_block(search, groups, group_of, &moves, panel, state)
                },
            )
            .collect();
        done.into_iter().fold((false, 0), |(any, all), (changed, one)| (any | changed, all + one))
    }
}

fn assign_block(
    search: &Search<'_>,
    groups: &[Vec<u32>],
    group_of: &[u32],
    moves: &[f32],
    panel: &mut Panel,
    state: BlockState<'_>,
) -> (bool, u64) {
    let count = groups.len();
    let mut candidates = vec![Candidate::NONE; state.assignment.len()];
    // Rows that need most groups are searched in all of them at once, others group by group.
    let mut in_all: Vec<u32> = Vec::new();
    let mut in_group: Vec<Vec<u32>> = vec![Vec::new(); count];
    let mut open: Vec<u32> = Vec::new();
    for (row, lower) in state.lower.chunks_exact_mut(count).enumerate() {
        let own = distance_above(state.distances[row]);
        let needed = fall(lower, moves, own);
        if needed == 0 {
            continue;
        }
        open.push(row as u32);
        if 2 * needed > count {
            in_all.push((state.first + row) as u32);
            continue;
        }
        let mine = group_of[state.assignment[row] as usize] as usize;
        if lower[mine] > own {
            // The own group is not searched: its centroid takes part with the t that its distance says.
            let best = 0.5 * (state.squares[row] - state.distances[row]);
            candidates[row] = Candidate { best, id: state.assignment[row], ..Candidate::NONE };
        }
        for (group, _) in lower.iter().enumerate().filter(|(_, lower)| **lower <= own) {
            in_group[group].push((state.first + row) as u32);
        }
    }
    let mut evaluations = 0;
    let mut look = |panel: &Panel, part: &[u32], group: usize, lower: &mut [f32]| {
        let mut found = Found::default();
        search.index.search(panel, group, &mut found);
        evaluations += (part.len() * groups[group].len()) as u64;
        for (lane, row) in part.iter().enumerate() {
            let row = *row as usize - state.first;
            let (best, second) = (f64::from(found.best[lane]), f64::from(found.second[lane]));
            let id = search.index.id(&found, lane);
            candidates[row].take(group as u32, id, best, second);
            let error = search.index.error(norm_above(state.squares[row]));
            lower[row * count + group] = distance_below(state.squares[row] - 2.0 * (best + error));
        }
    };
    for part in in_all.chunks(PANEL) {
        panel.fill(search.rows, search.index.origin(), part);
        (0..count).for_each(|group| look(panel, part, group, state.lower));
    }
    for (group, rows) in in_group.iter().enumerate() {
        for part in rows.chunks(PANEL) {
            panel.fill(search.rows, search.index.origin(), part);
            look(panel, part, group, state.lower);
        }
    }
    let changed = settle(search, group_of, panel, state, &open, &candidates);
    (changed, evaluations)
}

fn norm_above(square: f64) -> f64 {
    square.sqrt() * (1.0 + 1e-9)
}

/// Decides where the open rows belong, and what that means for their bounds.
fn settle(
    search: &Search<'_>,
    group_of: &[u32],
    panel: &mut Panel,
    mut state: BlockState<'_>,
    open: &[u32],
    candidates: &[Candidate],
) -> bool {
    let count = state.lower.len() / state.assignment.len();
    let mut changed = false;
    let mut undecided = Vec::new();
    for row in open.iter().map(|row| *row as usize) {
        let candidate = candidates[row];
        let error = search.index.error(norm_above(state.squares[row]));
        let margin = 2.0 * error;
        // Not a number is not decided.
        let decided = candidate.best - candidate.second > margin && candidate.best.is_finite();
        if !decided {
            undecided.push(((state.first + row) as u32, candidate.best - margin));
            continue;
        }
        let id = candidate.id;
        if id != state.assignment[row] {
            let point = search.rows.row(state.first + row);
            let distance = squared_distance(point, search.centroids.row(id as usize));
            changed |= state.put(row, id, distance, group_of);
        }
        if let Some(group) = candidate.group {
            let square = state.squares[row] - 2.0 * (candidate.second_in_group + error);
            state.lower[row * count + group as usize] = distance_below(square);
        }
    }
    let first = state.first;
    search.index.decide(panel, search.rows, &undecided, |row, id, distance| {
        changed |= state.put(row as usize - first, id, distance, group_of);
    });
    changed
}

impl BlockState<'_> {
    /// Puts a row into a cluster. Whether that is another one than before.
    fn put(&mut self, row: usize, id: u32, distance: f64, group_of: &[u32]) -> bool {
        let groups = self.lower.len() / self.assignment.len();
        let old = std::mem::replace(&mut self.assignment[row], id);
        let old_distance = std::mem::replace(&mut self.distances[row], distance);
        if old == id {
            return false;
        }
        // The old centroid is one of the others of its group now.
        let bound = &mut self.lower[row * groups + group_of[old as usize] as usize];
        *bound = bound.min(distance_below(old_distance));
        true
    }
}
