//! The steps of a plan on changed pixels only.

use super::changes::Changes;
use super::groups::{Scratch, Sliding};
use super::input::Input;
use super::reach::{Reach, spread};
use super::{BaseImage, DeltaPlan, Workspace};
use crate::infer_plan::run_work;
use crate::infer_plan::step::{Step, Work};
use crate::lowering::{Value, ValueId};
use ocelli_kernels::{Axis, Geometry};
use ocelli_kernels::{avg_pool_patches, max_pool_patches, pad_shortcut_patches};

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
        let reach = Reach::of(&step.work)?;
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
    work: &Work,
    x: &Input<'_>,
    other: Option<&Input<'_>>,
    (value, y): (Value, &mut Changes),
    scratch: &mut Scratch,
) {
    let inputs = [Some(x), other];
    match work {
        Work::Convolve(convolution) => {
            let sliding = Sliding::of(convolution);
            sliding.in_groups(inputs, y, scratch, |group| convolution.run(group));
        }
        Work::MaxPool(geometry) => {
            let sliding = Sliding::new(*geometry, f32::NEG_INFINITY);
            sliding.in_groups(inputs, y, scratch, |group| {
                max_pool_patches(&group.patches, group.y);
            });
        }
        Work::AvgPool(geometry) => {
            let sliding = Sliding::new(*geometry, 0.0);
            sliding.in_groups(inputs, y, scratch, |group| {
                let outputs = group.rects.iter().flat_map(|(_, rect)| rect.pixels());
                let shares: Vec<f32> = outputs.map(|at| tap_share(*geometry, at)).collect();
                avg_pool_patches(&group.patches, &shares, group.y);
            });
        }
        Work::PadShortcut(geometry) => {
            let sliding = Sliding::new(*geometry, 0.0);
            sliding.in_groups(inputs, y, scratch, |group| {
                pad_shortcut_patches(&group.patches, group.y);
            });
        }
        Work::Mean => {
            let old = &x.base.buffer(value.buffer)[value.offset..];
            mean(x, old, y);
        }
        Work::Flatten => flatten(x, &x.base.buffer(value.buffer)[value.offset..], y),
        _ => {
            let Scratch { patches, residual, .. } = scratch;
            let x = x.at(y, patches);
            let other = other.map(|other| other.at(y, residual));
            run_work(work, x, other, y.rows_mut(0, y.pixels()), 1);
        }
    }
}

/// The share of each tap of an output that is no padding.
fn tap_share(geometry: Geometry, [row, column]: [usize; 2]) -> f32 {
    let inside = |axis: Axis, output: usize| {
        (0..axis.window.kernel).filter(|tap| axis.source(output, *tap).is_some()).count()
    };
    let taps = inside(geometry.rows, row) * inside(geometry.columns, column);
    1.0 / taps.max(1) as f32
}

/// A flattened image, in the order channel, row, column, with its changed pixels.
fn flatten(x: &Input<'_>, old: &[f32], y: &mut Changes) {
    let Value { pixels, width, offset, channels, .. } = x.value;
    let candidates: Vec<usize> = y.all().map(|(candidate, _)| candidate).collect();
    let length = pixels * channels;
    for (candidate, flat) in candidates.into_iter().zip(y.data_mut().chunks_exact_mut(length)) {
        flat.copy_from_slice(&old[..length]);
        for (source, changes) in &x.sources {
            let first = source.offset.max(offset);
            let end = (source.offset + source.channels).min(offset + channels);
            changes.for_each_pixel(candidate, |[row, column], pixel| {
                let pixel = &pixel[first - source.offset..end - source.offset];
                let at = (first - offset) * pixels + row * width + column;
                let places = flat[at..].iter_mut().step_by(pixels);
                places.zip(pixel).for_each(|(to, from)| *to = *from);
            });
        }
    }
}

/// The mean moves by the mean of the differences.
fn mean(x: &Input<'_>, old: &[f32], y: &mut Changes) {
    let Value { pixels, width, stride, offset, channels, .. } = x.value;
    let factor = 1.0 / pixels as f32;
    let candidates: Vec<usize> = y.all().map(|(candidate, _)| candidate).collect();
    let means = y.data_mut().chunks_exact_mut(channels.max(1));
    for (candidate, mean) in candidates.into_iter().zip(means) {
        mean.fill(0.0);
        for (source, changes) in &x.sources {
            let first = source.offset.max(offset);
            let end = (source.offset + source.channels).min(offset + channels);
            let sums = &mut mean[first - offset..end - offset];
            changes.for_each_pixel_once(candidate, |[row, column], new| {
                let old = &x.base_numbers()[(row * width + column) * stride + first..];
                let new = &new[first - source.offset..];
                for ((sum, new), old) in sums.iter_mut().zip(new).zip(old) {
                    *sum += new - old;
                }
            });
        }
        mean.iter_mut().zip(old).for_each(|(mean, old)| *mean = *mean * factor + old);
    }
}
