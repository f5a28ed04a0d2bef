//! Which taps meet which pixels on one axis.

use crate::geometry::Axis;

/// A tap and the pixel of the source that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TapSource {
    pub(super) source: usize,
    pub(super) tap: usize,
}

/// Targets at equal distances that meet the same taps; their sources move along by equal steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetSpan {
    /// The first target.
    pub(super) first: usize,
    /// How many targets there are.
    pub(super) count: usize,
    /// What the first target meets, in the order of its sources.
    pub(super) tap_sources: Vec<TapSource>,
}

impl TargetSpan {
    /// Whether the first target's sources stand side by side.
    pub(super) fn is_contiguous(&self) -> bool {
        self.tap_sources.windows(2).all(|pair| pair[1].source == pair[0].source + 1)
    }
}

/// For each target pixel the taps that are not padding, with their source pixels.
#[derive(Clone, Debug)]
pub(super) struct Table {
    tap_sources: Vec<Vec<TapSource>>,
    /// All targets, grouped.
    pub(super) spans: Vec<TargetSpan>,
    /// From one target of a span to the next.
    pub(super) target_step: usize,
    /// By how much the sources move from one target of a span to the next.
    pub(super) source_step: usize,
    sources: usize,
    taps: usize,
}

impl Table {
    /// Outputs as targets, inputs as sources: the forward pass.
    pub(super) fn of_outputs(axis: Axis) -> Self {
        let meet = |target, tap| axis.source(target, tap);
        Self::new(axis, [axis.output, axis.input], [1, axis.window.stride], meet)
    }

    /// Inputs as targets, outputs as sources: the backward pass. With a stride only every so-many-th
    /// input meets the same taps.
    pub(super) fn of_inputs(axis: Axis) -> Self {
        let meet = |target, tap| axis.target(target, tap);
        Self::new(axis, [axis.input, axis.output], [axis.window.stride, 1], meet)
    }

    fn new(
        axis: Axis,
        [targets, sources]: [usize; 2],
        [target_step, source_step]: [usize; 2],
        meet: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        let tap_sources: Vec<Vec<TapSource>> = (0..targets)
            .map(|target| {
                let taps = 0..axis.window.kernel;
                let mut met: Vec<TapSource> = taps
                    .filter_map(|tap| Some(TapSource { source: meet(target, tap)?, tap }))
                    .collect();
                met.sort_by_key(|tap_source| tap_source.source);
                met
            })
            .collect();
        let follows = |last: &[TapSource], next: &[TapSource]| {
            let moved = last.iter().map(|m| TapSource { source: m.source + source_step, ..*m });
            moved.eq(next.iter().copied())
        };
        let mut spans: Vec<TargetSpan> = Vec::new();
        for phase in 0..target_step.min(targets) {
            let start = spans.len();
            for target in (phase..targets).step_by(target_step) {
                let current = &tap_sources[target];
                let extends =
                    spans.len() > start && follows(&tap_sources[target - target_step], current);
                match spans.last_mut().filter(|_| extends) {
                    Some(span) => span.count += 1,
                    None => {
                        spans.push(TargetSpan {
                            first: target,
                            count: 1,
                            tap_sources: current.clone(),
                        });
                    }
                }
            }
        }
        Self { tap_sources, spans, target_step, source_step, sources, taps: axis.window.kernel }
    }

    pub(super) fn targets(&self) -> usize {
        self.tap_sources.len()
    }

    pub(super) fn sources(&self) -> usize {
        self.sources
    }

    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    pub(super) fn tap_sources(&self, target: usize) -> &[TapSource] {
        &self.tap_sources[target]
    }

    /// How many targets from this one on, side by side, meet the same taps.
    pub(super) fn same(&self, target: usize) -> usize {
        let meets = |next: &[TapSource], moved: usize| {
            let first = self.tap_sources[target].iter();
            first.map(|m| TapSource { source: m.source + moved, ..*m }).eq(next.iter().copied())
        };
        let moved = (1..).map(|step| step * self.source_step);
        let next = self.tap_sources[target + 1..].iter().zip(moved);
        1 + next.take_while(|(next, moved)| meets(next, *moved)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Window;

    #[test]
    fn the_inside_of_an_image_is_one_span() {
        let window = Window { kernel: 3, stride: 1, dilation: 1, before: 1 };
        let table = Table::of_outputs(Axis { window, input: 9, output: 9 });
        let spans: Vec<_> = table.spans.iter().map(|s| (s.first, s.count)).collect();
        assert_eq!(spans, [(0, 1), (1, 7), (8, 1)]);
    }

    #[test]
    fn with_a_stride_the_backward_pass_has_spans_per_phase() {
        let window = Window { kernel: 3, stride: 2, dilation: 1, before: 1 };
        let table = Table::of_inputs(Axis { window, input: 8, output: 4 });
        let spans: Vec<_> =
            table.spans.iter().map(|s| (s.first, s.count, s.tap_sources.len())).collect();
        assert_eq!(spans, [(0, 4, 1), (1, 3, 2), (7, 1, 1)]);
    }
}
