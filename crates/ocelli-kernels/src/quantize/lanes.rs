//! A fitted quantizer on vectors. To the bit it computes what [`Grid`](super::Grid) does.

use super::lane_math::tanh_lanes;
use super::levels::{Kind, Levels};
use crate::simd::Simd;

/// [`Levels`] in all lanes.
#[derive(Clone, Copy)]
pub(super) struct LevelLanes<S: Simd> {
    kind: Kind,
    cut_offset: S::Vector,
    cut_step: S::Vector,
    top: S::Vector,
    offset: S::Vector,
    step: S::Vector,
    low: S::Vector,
    high: S::Vector,
    /// The code of zero, of LSQ.
    zero_code: S::Vector,
    /// `1 / max |tanh|`, of DoReFa.
    slope: S::Vector,
}

/// What becomes of some values.
#[derive(Clone, Copy)]
pub(super) struct Quantized<S: Simd> {
    /// Q(w)
    pub(super) value: S::Vector,
    /// By how much the gradient of the values is more than one.
    pub(super) excess: S::Vector,
    /// The gradient of the learnt step, without its scale.
    pub(super) learnt: S::Vector,
}

impl<S: Simd> LevelLanes<S> {
    #[inline(always)]
    pub(super) fn new(simd: S, levels: &Levels) -> Self {
        let Levels { kind, cuts, grid } = *levels;
        // Zero over zero is clamped to the code 0, as everything is then.
        let top = if cuts.step == 0.0 { 0 } else { cuts.top };
        let [low, high] = levels.ends();
        Self {
            kind,
            cut_offset: simd.splat(cuts.offset),
            cut_step: simd.splat(cuts.step),
            top: simd.splat(top as f32),
            offset: simd.splat(grid.offset),
            step: simd.splat(grid.step),
            low: simd.splat(low),
            high: simd.splat(high),
            zero_code: simd.splat(cuts.top.div_ceil(2) as f32),
            slope: simd.splat(if kind == Kind::Tanh { high.recip() } else { 0.0 }),
        }
    }

    /// The code of each value, and where it stands among the codes before it is rounded or clamped.
    #[inline(always)]
    fn code(&self, simd: S, value: S::Vector) -> (S::Vector, S::Vector) {
        let exact = simd.div(simd.sub(value, self.cut_offset), self.cut_step);
        // What is NaN has the code 0: `max` gives its second operand there.
        let clamped = simd.min(self.top, simd.max(exact, simd.splat(0.0)));
        (simd.round_ties_even(clamped), exact)
    }

    /// The value before it is cut.
    #[inline(always)]
    fn input(&self, simd: S, value: S::Vector) -> S::Vector {
        if self.kind == Kind::Tanh { tanh_lanes(simd, value) } else { value }
    }

    /// Q(w)
    #[inline(always)]
    pub(super) fn value(&self, simd: S, value: S::Vector) -> S::Vector {
        if self.kind == Kind::Float {
            return value;
        }
        let (code, _) = self.code(simd, self.input(simd, value));
        // Two roundings, as a level has: codes and values must agree to the bit.
        simd.add(self.offset, simd.mul(self.step, code))
    }

    /// Q(w) and its gradients.
    #[inline(always)]
    pub(super) fn quantized(&self, simd: S, value: S::Vector) -> Quantized<S> {
        let zero = simd.splat(0.0);
        if self.kind == Kind::Float {
            return Quantized { value, excess: zero, learnt: zero };
        }
        let input = self.input(simd, value);
        let (code, exact) = self.code(simd, input);
        let quantized = simd.add(self.offset, simd.mul(self.step, code));
        let outside = |simd: S, yes: S::Vector, no: S::Vector| {
            let low = simd.where_greater(self.low, value, yes, no);
            simd.where_greater(value, self.high, yes, low)
        };
        let none = simd.splat(-1.0);
        let (excess, learnt) = match self.kind {
            Kind::Float | Kind::Straight => (zero, zero),
            Kind::Clipped => (outside(simd, none, zero), zero),
            // round(w / s) − w / s within, −Q_N or Q_P beyond.
            Kind::Step => {
                let from = outside(simd, self.zero_code, exact);
                (outside(simd, none, zero), simd.sub(code, from))
            }
            Kind::Tanh => {
                let one = simd.splat(1.0);
                let slope = simd.mul(simd.sub(one, simd.mul(input, input)), self.slope);
                (simd.sub(slope, one), zero)
            }
        };
        Quantized { value: quantized, excess, learnt }
    }

    /// The code of each value.
    #[inline(always)]
    pub(super) fn codes(&self, simd: S, value: S::Vector) -> S::Vector {
        self.code(simd, self.input(simd, value)).0
    }
}
