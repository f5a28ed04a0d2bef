//! Which pixels of a step's output change, given those of its inputs.

use super::changes::Changes;
use super::rect::{Rect, outputs_of};
use crate::infer_plan::step::StepWork;
use crate::op::Spread;
use ocelli_kernels::Geometry;

/// How far a change spreads.
pub(super) enum Reach {
    /// To the windows that see it.
    Windows(Geometry),
    /// Not at all.
    Pixels,
    /// To the one pixel that there is.
    Image,
}

impl Reach {
    /// `None` if the step cannot be computed in parts.
    pub(super) fn new(work: &StepWork) -> Option<Self> {
        match work {
            StepWork::Convolve(convolution) => Some(Self::Windows(convolution.geometry())),
            StepWork::Normalise { .. } | StepWork::Add(_) => Some(Self::Pixels),
            StepWork::Unary(kernel) => match kernel.spread() {
                Spread::Pixels => Some(Self::Pixels),
                Spread::Windows(windows) => Some(Self::Windows(windows.geometry())),
                Spread::Image(_) => Some(Self::Image),
                Spread::Everywhere => None,
            },
            // A gate is of all pixels, and changes with each. Attention would be given beside the image,
            // which candidates are not.
            StepWork::Scale | StepWork::Mix(_) => None,
        }
    }

    /// The rectangles of outputs that a rectangle of inputs changes.
    fn of_rect(&self, input: Rect) -> Option<Rect> {
        match self {
            Self::Windows(geometry) => outputs_of(*geometry, input),
            Self::Pixels => Some(input),
            Self::Image => Some(Rect::pixel(0, 0)),
        }
    }
}

/// Writes to `y` where a step's output changes, for all of `candidates`, given what changed in its
/// inputs.
pub(super) fn spread(
    reach: &Reach,
    candidates: usize,
    [x, other]: [&[&Changes]; 2],
    y: &mut Changes,
) {
    let mut rects = Vec::new();
    for candidate in 0..candidates {
        for source in x {
            rects.extend(source.rects_of(candidate).iter().filter_map(|rect| reach.of_rect(*rect)));
        }
        for source in other {
            rects.extend_from_slice(source.rects_of(candidate));
        }
        y.push(&mut rects);
    }
}
