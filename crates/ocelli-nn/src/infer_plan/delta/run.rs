//! The steps of a plan on changed pixels only.

use super::changes::Changes;
use super::groups::{Scratch, Sliding};
use super::input::Input;
use super::reach::{Reach, spread};
use super::{BaseImage, DeltaPlan, Workspace};
use crate::infer_plan::run_work;
use crate::infer_plan::step::{Step, StepWork};
use crate::lowering::{Value, ValueId};
use crate::op::{Changed, ChangedPixel, Spread};

impl DeltaPlan {
    /// Writes to `y` where a step's output changes, for candidates whose changes so far are in
    /// `all`; `None` if the step cannot be computed in parts.
    pub(super) fn spread(
        &self,
        step: &Step,
        all: &[Changes],
        candidates: usize,
        y: &mut Changes,
    ) -> Option<()> {
        let reach = Reach::new(&step.work)?;
        let of = |id: ValueId| -> Vec<&Changes> {
            self.sources[id.0].iter().map(|source| &all[source.0]).collect()
        };
        let other = step.other.map_or(Vec::new(), of);
        y.clear(self.layout[step.y.0].channels);
        spread(&reach, candidates, [&of(step.x), &other], y);
        Some(())
    }

    /// Computes the changed pixels of a step's output.
    pub(super) fn run_in_parts(
        &self,
        step: &Step,
        base: &BaseImage,
        candidates: usize,
        workspace: &mut Workspace,
    ) {
        let Workspace { changes: all, scratch, free, .. } = workspace;
        let mut y = std::mem::take(&mut all[step.y.0]);
        if self.spread(step, all, candidates, &mut y).is_some() && y.pixels() > 0 {
            y.reserve(free);
            let input = |id: ValueId| {
                let sources = self.sources[id.0].iter();
                let sources = sources.map(|source| (self.layout[source.0], &all[source.0]));
                Input { value: self.layout[id.0], base, sources: sources.collect() }
            };
            let (x, other) = (input(step.x), step.other.map(input));
            run(&step.work, &x, other.as_ref(), (self.layout[step.y.0], &mut y), scratch);
        }
        all[step.y.0] = y;
    }
}

fn run(
    work: &StepWork,
    x: &Input<'_>,
    other: Option<&Input<'_>>,
    (value, y): (Value, &mut Changes),
    scratch: &mut Scratch,
) {
    let inputs = [Some(x), other];
    let spread = if let StepWork::Unary(kernel) = work { Some(kernel.spread()) } else { None };
    match (work, spread) {
        (StepWork::Convolve(convolution), _) => {
            let sliding = Sliding::from_convolution(convolution);
            sliding.in_groups(inputs, y, scratch, |group| convolution.run(group));
        }
        (_, Some(Spread::Windows(kernel))) => {
            let sliding = Sliding::new(kernel.geometry(), kernel.outside());
            sliding.in_groups(inputs, y, scratch, |group| {
                let mut positions = group.rects.iter().flat_map(|(_, rect)| rect.pixels());
                kernel.patches(&group.patches, &mut positions, group.y);
            });
        }
        (_, Some(Spread::Image(kernel))) => {
            let old = &x.base.buffer(value.buffer)[value.offset..];
            let candidates: Vec<usize> = y.all().map(|(candidate, _)| candidate).collect();
            let results = y.data_mut().chunks_exact_mut(value.channels.max(1));
            for (candidate, result) in candidates.into_iter().zip(results) {
                kernel.update(&OneCandidate { input: x, candidate }, old, result);
            }
        }
        _ => {
            let Scratch { patches, residual, .. } = scratch;
            let x = x.at(y, patches);
            let other = other.map(|other| other.at(y, residual));
            run_work(work, x, other, y.rows_mut(0, y.pixels()), 1);
        }
    }
}

/// What one candidate changes in an input.
struct OneCandidate<'a> {
    input: &'a Input<'a>,
    candidate: usize,
}

impl Changed for OneCandidate<'_> {
    fn pixels(&self) -> usize {
        self.input.value.pixels
    }

    fn width(&self) -> usize {
        self.input.value.width
    }

    fn for_each(&self, visit: &mut dyn FnMut(ChangedPixel<'_>)) {
        let Value { width, stride, offset, channels, .. } = self.input.value;
        for (source, changes) in &self.input.sources {
            let first = source.offset.max(offset);
            let end = (source.offset + source.channels).min(offset + channels);
            changes.for_each_pixel_once(self.candidate, |[row, column], new| {
                let base = &self.input.base_values()[(row * width + column) * stride..];
                visit(ChangedPixel {
                    row,
                    column,
                    first_channel: first - offset,
                    old: &base[first..end],
                    new: &new[first - source.offset..end - source.offset],
                });
            });
        }
    }
}
