//! Learning-rate schedules: the rate of every step as a pure function of the step.
//!
//! Steps count updates of the weights from zero. `T` is the number of steps of the whole training
//! and `W` those of the warm-up, in which the rate rises linearly; a curve that is counted "from
//! the warm-up" runs from `W` to its end, a curve that is counted "from the start" runs under the
//! warm-up too, which hides its first part.

#[cfg(test)]
mod tests;

use crate::recipe::{ScheduleKind, ScheduleSection};
use std::f64::consts::PI;

/// The learning rate as a function of the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    peak: f64,
    /// Steps of the warm-up, whole.
    warmup: f64,
    /// The first rate of the warm-up.
    warmup_start: f64,
    curve: Curve,
}

/// A curve with every length in steps and every rate absolute.
#[derive(Clone, Debug, PartialEq)]
enum Curve {
    Constant,
    /// From the warm-up to `length`, then flat.
    Cosine {
        length: f64,
        end: f64,
    },
    /// From the warm-up; the first period is `period` long.
    CosineRestarts {
        period: f64,
        factor: f64,
        end: f64,
    },
    /// From the warm-up to `length`, then flat.
    Polynomial {
        length: f64,
        end: f64,
        power: f64,
    },
    /// From the start.
    MultiStep {
        decay: f64,
        milestones: Vec<f64>,
    },
    /// From the start.
    Exponential {
        decay: f64,
        every: f64,
        staircase: bool,
    },
    /// Rates first, peak, last; `peak_at` and `last_at` are steps.
    OneCycle {
        first: f64,
        last: f64,
        peak_at: f64,
        last_at: f64,
    },
}

impl Schedule {
    /// The schedule of a training of `total_steps`, with the peak rate `lr`.
    pub fn new(section: &ScheduleSection, lr: f64, steps_per_epoch: f64, total_steps: u64) -> Self {
        let steps = |span: crate::TrainingLength| span.steps(steps_per_epoch);
        let total = total_steps as f64;
        let length = section.length.map_or(total, steps);
        let end = lr * section.end;
        let curve = match section.kind {
            ScheduleKind::Constant => Curve::Constant,
            ScheduleKind::Cosine => Curve::Cosine { length, end },
            ScheduleKind::CosineRestarts => {
                Curve::CosineRestarts { period: length, factor: section.period_factor, end }
            }
            ScheduleKind::Polynomial => Curve::Polynomial { length, end, power: section.power },
            ScheduleKind::Step => Curve::Exponential {
                decay: section.decay,
                every: steps(section.every),
                staircase: true,
            },
            ScheduleKind::MultiStep => Curve::MultiStep {
                decay: section.decay,
                milestones: section.milestones.iter().map(|span| steps(*span)).collect(),
            },
            ScheduleKind::Exponential => Curve::Exponential {
                decay: section.decay,
                every: steps(section.every),
                staircase: section.staircase,
            },
            ScheduleKind::OneCycle => {
                let first = lr / section.start_divisor;
                Curve::OneCycle {
                    first,
                    last: first / section.end_divisor,
                    peak_at: section.rise * total - 1.0,
                    last_at: total - 1.0,
                }
            }
        };
        let warmup = match section.kind {
            ScheduleKind::OneCycle => 0.0,
            _ => steps(section.warmup).floor(),
        };
        Self { peak: lr, warmup, warmup_start: lr * section.warmup_from, curve }
    }

    /// The learning rate of the update number `step`, counted from zero.
    pub fn rate(&self, step: u64) -> f64 {
        let step = step as f64;
        if step < self.warmup {
            return lerp(self.warmup_start, self.peak, step / self.warmup);
        }
        match &self.curve {
            Curve::Constant => self.peak,
            Curve::Cosine { length, end } => cosine(self.peak, *end, self.progress(step, *length)),
            Curve::CosineRestarts { period, factor, end } => {
                let into_period = restart((step - self.warmup) / period, *factor);
                cosine(self.peak, *end, into_period)
            }
            Curve::Polynomial { length, end, power } => {
                let left = (1.0 - self.progress(step, *length)).powf(*power);
                lerp(*end, self.peak, left)
            }
            Curve::MultiStep { decay, milestones } => {
                let passed = milestones.iter().filter(|milestone| **milestone <= step).count();
                self.peak * decay.powi(passed as i32)
            }
            Curve::Exponential { decay, every, staircase } => {
                let decays = if *staircase { (step / every).floor() } else { step / every };
                self.peak * decay.powf(decays)
            }
            Curve::OneCycle { first, last, peak_at, last_at } => {
                if step <= *peak_at {
                    cosine(*first, self.peak, step / peak_at)
                } else {
                    let falling = (step - peak_at) / (last_at - peak_at);
                    cosine(self.peak, *last, falling.min(1.0))
                }
            }
        }
    }

    /// The share of the way from the warm-up to `length` that lies behind `step`, at most one.
    fn progress(&self, step: f64, length: f64) -> f64 {
        let way = length - self.warmup;
        if way <= 0.0 { 1.0 } else { ((step - self.warmup) / way).min(1.0) }
    }
}

fn lerp(from: f64, to: f64, share: f64) -> f64 {
    from + (to - from) * share
}

/// Half a cosine wave from one rate to the other.
fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * share).cos())
}

/// How far into its period a point is, with `time` in lengths of the first period and each period
/// `factor` times as long as the one before.
fn restart(time: f64, factor: f64) -> f64 {
    if factor == 1.0 {
        return time.fract();
    }
    // After n periods the time is (factorⁿ − 1) / (factor − 1).
    let period = (time * (factor - 1.0) + 1.0).log(factor).floor();
    let (began, length) = ((factor.powf(period) - 1.0) / (factor - 1.0), factor.powf(period));
    ((time - began) / length).clamp(0.0, 1.0)
}
