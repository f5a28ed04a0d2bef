//! What steps cost on changed pixels and as a whole.
//!
//! The unit is a multiply-add of a dense convolution in the cache, about 0.02 ns on one core with
//! AVX-512. The constants were measured there; that they are right within a factor of two is
//! enough, as a change to whole images one layer too early or too late costs little.

use super::DeltaPlan;
use crate::infer_plan::step::{Convolution, Kernel, Step, StepWork};
use crate::op::effort::SINGLE;

/// From which step on candidates are computed as a whole, and how many at a time before.
pub(super) struct Choice {
    pub(super) dense_from: usize,
    pub(super) block: usize,
}

/// How many candidates a thread may take at a time on changed pixels.
const BLOCKS: [usize; 5] = [4, 8, 16, 32, 64];
/// How many it takes at a time as whole images.
const WHOLE: f64 = 4.0;
/// What a step on changed pixels takes for each candidate, however few pixels they are, and for
/// each block of candidates.
const CANDIDATE: f64 = 10_000.0;
const BLOCK: f64 = 60_000.0;
/// A number that is read from or written to memory beyond the second cache.
const STREAM: f64 = 20.0;
/// Elements that stay in the second cache beside others.
const CACHED: f64 = 192.0 * 1024.0;
/// A tap of a depthwise convolution.
const DEPTHWISE: f64 = 4.0;

impl DeltaPlan {
    /// The cheapest choice where steps change these shares of their outputs.
    pub(super) fn choose(&self, changed: &[f64]) -> Choice {
        let mut best = (f64::INFINITY, Choice { dense_from: 0, block: BLOCKS[0] });
        let whole: Vec<f64> = self.steps.iter().map(|step| self.cost_of_whole(step)).collect();
        for block in BLOCKS {
            let mut in_parts = 0.0;
            for dense_from in 0..=changed.len() {
                let carried = self.carried(dense_from).into_iter();
                let carried: usize = carried.map(|buffer| self.buffers[buffer]).sum();
                let carried = if dense_from < whole.len() { SINGLE * carried as f64 } else { 0.0 };
                let cost = in_parts + carried + whole[dense_from..].iter().sum::<f64>();
                if cost < best.0 {
                    best = (cost, Choice { dense_from, block });
                }
                if let Some(share) = changed.get(dense_from) {
                    in_parts += self.cost_in_parts(&self.steps[dense_from], *share, block as f64);
                }
            }
        }
        best.1
    }

    /// What a step takes for a candidate on changed pixels.
    fn cost_in_parts(&self, step: &Step, share: f64, block: f64) -> f64 {
        let factor = match &step.work {
            StepWork::Convolve(convolution) => match convolution.kernel {
                Kernel::Dense(..) | Kernel::Grouped(..) => 1.0,
                // Its patches are copied, which takes as long as the convolution.
                Kernel::Depthwise(..) => 2.0,
            },
            _ => 1.5,
        };
        let value = self.layout[step.y.0];
        let elements = share * (value.pixels * value.channels) as f64;
        let spilt = if block * elements > CACHED { 2.0 * STREAM * elements } else { 0.0 };
        let once = BLOCK + streamed(weight_len(step, Convolution::weight_len));
        CANDIDATE + share * factor * self.effort(step, macs(step) as f64) + spilt + once / block
    }

    /// What a step takes for a whole image.
    fn cost_of_whole(&self, step: &Step) -> f64 {
        let weight = weight_len(step, Convolution::whole_weight_len);
        self.effort(step, cost_of_kernel(step)) + streamed(weight) / WHOLE
    }

    /// What the arithmetic of a step takes for a whole image, of which the kernel's is `macs`.
    fn effort(&self, step: &Step, macs: f64) -> f64 {
        let elements = |id: crate::lowering::ValueId| {
            let value = self.layout[id.0];
            (value.pixels * value.channels) as f64
        };
        let results = elements(step.y);
        match &step.work {
            StepWork::Convolve(convolution) => {
                let is_depthwise = matches!(convolution.kernel, Kernel::Depthwise(..));
                let factor = if is_depthwise { DEPTHWISE } else { 1.0 };
                factor * macs + SINGLE * results
            }
            StepWork::Unary(kernel) => kernel.effort(elements(step.x), results),
            StepWork::Normalise { .. } | StepWork::Add(_) | StepWork::Scale => SINGLE * results,
        }
    }
}

/// The length of a step's weight.
fn weight_len(step: &Step, length: impl Fn(&Convolution) -> usize) -> usize {
    if let StepWork::Convolve(convolution) = &step.work { length(convolution) } else { 0 }
}

/// What reading a weight once takes, if it is too large to stay in the cache.
fn streamed(elements: usize) -> f64 {
    let elements = elements as f64;
    if elements > CACHED { STREAM * elements } else { 0.0 }
}

/// Multiply-adds of a step for a whole image.
pub(super) fn macs(step: &Step) -> u64 {
    let StepWork::Convolve(convolution) = &step.work else { return 0 };
    (convolution.weight_len() * convolution.geometry().output_pixels()) as u64
}

/// What the kernel of a step takes for a whole image, which may be less than its multiply-adds.
fn cost_of_kernel(step: &Step) -> f64 {
    let StepWork::Convolve(convolution) = &step.work else { return 0.0 };
    match &convolution.kernel {
        Kernel::Dense(conv, _) => conv.cost(),
        Kernel::Grouped(grouped, _) => grouped.groups as f64 * grouped.conv.cost(),
        Kernel::Depthwise(..) => macs(step) as f64,
    }
}
