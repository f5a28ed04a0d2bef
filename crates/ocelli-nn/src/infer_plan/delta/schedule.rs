//! Which share of each step's output candidates change, and from which step on they are whole.
//!
//! The shares are those of evenly spread pixels: the very code that finds rectangles for candidates
//! finds them for a few hundred imagined ones.

use super::changes::Changes;
use super::cost::{Choice, macs};
use super::rect::Rect;
use super::{DeltaPlan, locked};
use crate::infer_plan::arena::Slots;
use crate::lowering::ValueId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How candidates of so many edits are computed.
pub(crate) struct Schedule {
    /// From which step on they are computed as a whole.
    pub(super) dense_from: usize,
    /// Of how many candidates a thread computes changed pixels at a time.
    pub(super) block: usize,
    /// The memory of the steps that are computed as a whole.
    pub(super) slots: Slots,
    /// Buffers that were written before and are read by them, and what was written there.
    pub(super) carried: Vec<usize>,
    written: Vec<(usize, ValueId)>,
    /// For each step on changed pixels the values that nobody reads after it.
    pub(super) dead_after: Vec<Vec<ValueId>>,
    /// The share of each step's output that is predicted to be computed.
    shares: Vec<f64>,
    pub(super) done: Done,
}

/// What was computed so far, to be compared with what was predicted.
pub(super) struct Done {
    candidates: AtomicU64,
    /// Pixels of the output of each step on changed pixels.
    pixels: Vec<AtomicU64>,
}

impl Done {
    fn new(steps: usize) -> Self {
        let pixels = (0..steps).map(|_| AtomicU64::new(0)).collect();
        Self { candidates: AtomicU64::new(0), pixels }
    }

    /// Counts pixels that a step computed.
    pub(super) fn add(&self, step: usize, pixels: usize) {
        self.pixels[step].fetch_add(pixels as u64, Ordering::Relaxed);
    }

    /// Counts candidates that are done.
    pub(super) fn finish(&self, candidates: usize) {
        self.candidates.fetch_add(candidates as u64, Ordering::Relaxed);
    }

    /// The share of a step's output, of `whole` pixels for each candidate; `None` before the first.
    fn share(&self, step: usize, whole: usize) -> Option<f64> {
        let whole = whole as u64 * self.candidates.load(Ordering::Relaxed);
        let computed = |pixels: &AtomicU64| pixels.load(Ordering::Relaxed) as f64 / whole as f64;
        (whole > 0).then(|| self.pixels.get(step).map_or(1.0, computed))
    }
}

/// A layer's work for one image, and how much of it candidates take.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerShare {
    /// The module path.
    pub name: String,
    /// Multiply-adds of the layer for a whole image.
    pub macs: u64,
    /// The share of its output that is predicted to be computed, for evenly spread pixels.
    pub predicted: f64,
    /// The share that was computed for the candidates so far; `None` before the first.
    pub measured: Option<f64>,
    /// Whether it is computed as a whole.
    pub is_dense: bool,
}

impl Schedule {
    /// The values that were written in a buffer before the steps that are computed as a whole.
    pub(super) fn written_in(&self, buffer: usize) -> impl Iterator<Item = ValueId> {
        let here = self.written.iter().filter(move |(at, _)| *at == buffer);
        here.map(|(_, value)| *value)
    }
}

impl DeltaPlan {
    /// The schedule for candidates of `edits` edits.
    pub(crate) fn schedule(&self, edits: usize) -> Arc<Schedule> {
        // More edits than pixels change no more than all of them.
        let edits = edits.min(self.layout[self.image.0].pixels).max(1);
        if let Some(known) = locked(&self.schedules).get(&edits) {
            return Arc::clone(known);
        }
        // A base image keeps what candidates of one edit need.
        let limit = if edits == 1 { self.steps.len() } else { self.schedule(1).dense_from };
        let schedule = Arc::new(self.make_schedule(edits, limit));
        locked(&self.schedules).insert(edits, Arc::clone(&schedule));
        schedule
    }

    /// The schedule with candidates that are whole from the beginning.
    pub(super) fn whole(&self) -> Arc<Schedule> {
        const CANDIDATES: usize = 4;
        Arc::clone(
            locked(&self.schedules)
                .entry(0)
                .or_insert_with(|| Arc::new(self.schedule_from(0, CANDIDATES, &[]))),
        )
    }

    /// What every layer costs for candidates of `edits` edits.
    pub(crate) fn layer_shares(&self, edits: usize) -> Vec<LayerShare> {
        let schedule = self.schedule(edits);
        let layers = self.steps.iter().zip(&self.names).enumerate();
        let layers = layers.map(|(index, (step, name))| LayerShare {
            name: name.clone(),
            macs: macs(step),
            predicted: schedule.shares[index],
            measured: schedule.done.share(index, self.layout[step.y.0].pixels),
            is_dense: index >= schedule.dense_from,
        });
        layers.filter(|layer| layer.macs > 0).collect()
    }

    fn make_schedule(&self, edits: usize, limit: usize) -> Schedule {
        let changed = self.predict(edits, limit);
        let Choice { dense_from, block } = self.choose(&changed);
        self.schedule_from(dense_from, block, &changed)
    }

    /// The schedule with whole candidates from a step on, and that many candidates at a time before.
    ///
    /// # Shapes
    /// - `changed`: the share of each step before
    pub(super) fn schedule_from(
        &self,
        dense_from: usize,
        block: usize,
        changed: &[f64],
    ) -> Schedule {
        let shares = 0..self.steps.len();
        let shares = shares.map(|index| if index < dense_from { changed[index] } else { 1.0 });
        let carried = self.carried(dense_from);
        let result = self.layout[self.result.0].buffer;
        let tail = &self.steps[dense_from..];
        let slots = Slots::assign(tail, &self.layout, &self.buffers, &carried, &[result]);
        let written = std::iter::once(self.image)
            .chain(self.steps[..dense_from].iter().map(|step| step.y))
            .map(|id| (self.layout[id.0].buffer, id))
            .collect();
        Schedule {
            dense_from,
            block,
            slots,
            dead_after: self.dead_after(dense_from, &carried),
            carried,
            written,
            shares: shares.collect(),
            done: Done::new(dense_from),
        }
    }

    /// For each step on changed pixels the values that nobody reads after it.
    fn dead_after(&self, dense_from: usize, carried: &[usize]) -> Vec<Vec<ValueId>> {
        let mut last_use = vec![0; self.layout.len()];
        for (index, step) in self.steps[..dense_from].iter().enumerate() {
            last_use[step.y.0] = index;
            for id in [Some(step.x), step.other].into_iter().flatten() {
                self.sources[id.0].iter().for_each(|source| last_use[source.0] = index);
            }
        }
        let mut dead = vec![Vec::new(); dense_from];
        let written = std::iter::once(self.image);
        let written = written.chain(self.steps[..dense_from].iter().map(|step| step.y));
        for id in written.filter(|id| !carried.contains(&self.layout[id.0].buffer)) {
            if let Some(dead) = dead.get_mut(last_use[id.0]) {
                dead.push(id);
            }
        }
        dead
    }

    /// Buffers that are written before a step and read by it or a later one.
    pub(super) fn carried(&self, from: usize) -> Vec<usize> {
        let buffer = |id: ValueId| self.layout[id.0].buffer;
        let mut written = vec![false; self.buffers.len()];
        written[buffer(self.image)] = true;
        self.steps[..from].iter().for_each(|step| written[buffer(step.y)] = true);
        let mut read = vec![false; self.buffers.len()];
        read[buffer(self.result)] = true;
        for step in &self.steps[from..] {
            [Some(step.x), step.other].into_iter().flatten().for_each(|id| read[buffer(id)] = true);
        }
        (0..self.buffers.len()).filter(|index| written[*index] && read[*index]).collect()
    }

    /// The share of each step's output that changes, as far as steps can be computed in parts.
    pub(super) fn predict(&self, edits: usize, limit: usize) -> Vec<f64> {
        let mut changes = vec![Changes::default(); self.layout.len()];
        let image = self.layout[self.image.0];
        let height = image.pixels / image.width.max(1);
        let edited = &mut changes[self.image.0];
        edited.clear(image.channels);
        let mut rects = Vec::new();
        for sample in 0..SAMPLES {
            let pixel = |edit| spread_pixel(sample * edits + edit, [height, image.width]);
            rects.extend((0..edits).map(pixel));
            edited.push(&mut rects);
        }
        let mut shares = Vec::new();
        for step in &self.steps[..limit] {
            let mut y = Changes::default();
            if self.spread(step, &changes, SAMPLES, &mut y).is_none() {
                break;
            }
            let all = SAMPLES * self.layout[step.y.0].pixels;
            shares.push(y.pixels() as f64 / all.max(1) as f64);
            changes[step.y.0] = y;
        }
        shares
    }
}

/// How many imagined candidates the prediction takes.
const SAMPLES: usize = 256;
/// Pixel number `index` of an even spread over an image: the generalised golden ratio
/// (Roberts 2018), whose points keep their distance whatever their number.
fn spread_pixel(index: usize, size: [usize; 2]) -> Rect {
    const RATIOS: [f64; 2] = [0.754_877_666_246_692_7, 0.569_840_290_998_053_2];
    let [row, column] = [0, 1].map(|axis| {
        let part = (index as f64 + 0.5) * RATIOS[axis];
        ((part.fract() * size[axis] as f64) as usize).min(size[axis].saturating_sub(1))
    });
    Rect::pixel(row, column)
}
