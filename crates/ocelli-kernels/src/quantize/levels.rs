//! A quantizer that is fitted to a tensor or a channel.
//!
//! ```text
//! code = clamp(round((f(w) − o) / d), 0, top)          where values are cut: o, d
//! Q(w) = offset + step · code                          what a code stands for
//! ```
//!
//! Both grids are the same but for two quantizers: TWN cuts at ±Δ and stands for ±A; DoReFa cuts a
//! hyperbolic tangent and stands for −1 to 1. `f` is the identity but for DoReFa. The gradient is that of
//! `f`, as if nothing was rounded (straight-through); it is 0 outside the outermost levels where a
//! quantizer clips.

use super::Grid;
use super::statistics::{Statistics, mean_above};

/// Whether a range may begin anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// The lowest level is the smallest value, as in the papers; zero need not be a level.
    #[default]
    Paper,
    /// Zero is a level: the range is widened to hold it, and its code is rounded.
    Aligned,
}

/// The levels that values of a tensor or a channel are put on, and how gradients pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    pub(super) kind: Kind,
    /// Where values are cut.
    pub(super) cuts: Grid,
    /// What codes stand for.
    pub(super) grid: Grid,
}

/// How gradients pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Values stay as they are.
    Float,
    /// As if nothing was rounded.
    Straight,
    /// The same within the outermost levels; beyond them there is none.
    Clipped,
    /// Clipped, and the step is learnt (LSQ).
    Step,
    /// Through `tanh(w) / max |tanh(w)|` (DoReFa).
    Tanh,
}

/// Steps that are learnt stay above this.
const SMALLEST: f32 = 1e-8;

impl Levels {
    /// The values as they are.
    pub const FLOAT: Self = Self::on(Kind::Float, Grid { offset: 0.0, step: 0.0, top: 0 });

    const fn on(kind: Kind, grid: Grid) -> Self {
        Self { kind, cuts: grid, grid }
    }

    /// `2ⁿ` levels from `min` to `max`, which weights do not leave. Where zero is a level and its code is rounded,
    /// the outermost values may be half a step beyond the outermost levels; their gradients pass.
    pub fn min_max(min: f32, max: f32, bits: u32, zero: Zero) -> Self {
        Self::on(Kind::Straight, between(min, max, bits, zero))
    }

    /// SAWB (Choi et al. 2018, equation 2): `2ⁿ` levels from −c to c without zero, for the clip
    /// `c = c₁ · √E[w²] + c₂ · E|w|`, which minimises the squared error of six distributions. The
    /// coefficients are those of IBM's release.
    ///
    /// At 8 bits `c = max |w|`, as IBM's code has it above 5 bits: coefficients of 32 and −35 would cut a
    /// fifth of evenly distributed weights. So it is where the formula gives no positive clip, as for two values
    /// of one size.
    pub fn sawb(statistics: &Statistics, bits: u32) -> Self {
        let coefficients = match bits {
            2 => Some((3.12, -2.064)),
            3 => Some((7.509, -6.892)),
            4 => Some((12.68, -12.80)),
            5 => Some((17.74, -18.64)),
            _ => None,
        };
        let clip = coefficients.map(|(root, size)| {
            (root * statistics.mean_square.sqrt() + size * statistics.mean_abs) as f32
        });
        let clip = clip.filter(|clip| *clip > 0.0).unwrap_or(statistics.max_abs());
        Self::on(Kind::Clipped, between(-clip, clip, bits, Zero::Paper))
    }

    /// BWN (Rastegari et al. 2016, section 3.1): ± the mean size.
    pub fn bwn(statistics: &Statistics) -> Self {
        let size = statistics.mean_abs as f32;
        Self::on(Kind::Straight, between(-size, size, 1, Zero::Paper))
    }

    /// TWN (Li et al. 2016, equations 5 and 6): zero up to Δ = 0.7 · E|w|, beyond it ± the mean size of the values
    /// there.
    pub fn twn(statistics: &Statistics, values: &[f32]) -> Self {
        let threshold = (0.7 * statistics.mean_abs) as f32;
        let (size, _) = mean_above(values, threshold);
        let three = |size: f32| Grid { offset: -size, step: size, top: 2 };
        Self { kind: Kind::Straight, cuts: three(2.0 * threshold), grid: three(size as f32) }.safe()
    }

    /// LSQ (Esser et al. 2020, equations 1 and 2): `s · round(clamp(w / s, −Q_N, Q_P))` with `Q_N = 2ⁿ⁻¹` and
    /// `Q_P = 2ⁿ⁻¹ − 1`, for a learnt step s, which is taken for a tiny one where it is not positive.
    pub fn lsq(step: f32, bits: u32) -> Self {
        let step = positive(step);
        let lowest = (1_u32 << (bits - 1)) as f32;
        Self::on(Kind::Step, Grid { offset: -lowest * step, step, top: top(bits) })
    }

    /// Where LSQ begins (section 2.1): `2 · E|w| / √Q_P`.
    pub fn lsq_start(statistics: &Statistics, bits: u32) -> f32 {
        let most = f64::from((1_u32 << (bits - 1)) - 1).max(1.0);
        positive((2.0 * statistics.mean_abs / most.sqrt()) as f32)
    }

    /// DoReFa (Zhou et al. 2016, equations 8 to 11): `2 · round((t / (2 max |t|) + ½) · (2ⁿ − 1)) / (2ⁿ − 1) − 1` with
    /// `t = tanh w`; of one bit ± the mean size.
    pub fn dorefa(statistics: &Statistics, bits: u32) -> Self {
        if bits == 1 {
            return Self::bwn(statistics);
        }
        let most = super::lane_math::tanh(statistics.max_abs());
        let cuts = between(-most, most, bits, Zero::Paper);
        if cuts.step == 0.0 {
            return Self::on(Kind::Straight, cuts).safe();
        }
        let grid = between(-1.0, 1.0, bits, Zero::Paper);
        Self { kind: Kind::Tanh, cuts, grid }
    }

    /// What the codes stand for; `None` of values that stay as they are.
    pub fn grid(&self) -> Option<Grid> {
        (self.kind != Kind::Float).then_some(self.grid)
    }

    /// Whether a gradient passes unchanged wherever a value lies.
    pub fn passes_all(&self) -> bool {
        matches!(self.kind, Kind::Float | Kind::Straight)
    }

    /// What the gradient of a learnt step of `count` values is multiplied by: `1 / √(N · Q_P)`.
    pub(super) fn gradient_scale(&self, count: usize) -> f64 {
        if self.kind != Kind::Step {
            return 1.0;
        }
        let most = f64::from(self.grid.top / 2);
        (count.max(1) as f64 * most).sqrt().recip()
    }

    /// The smallest and the largest value that is not clipped.
    pub(super) fn ends(&self) -> [f32; 2] {
        [self.cuts.level(0), self.cuts.level(self.cuts.top)]
    }

    /// Values of one size need no step.
    fn safe(mut self) -> Self {
        for grid in [&mut self.cuts, &mut self.grid] {
            if grid.step == 0.0 {
                *grid = Grid { offset: 0.0, step: 0.0, top: grid.top };
            }
        }
        self
    }
}

fn positive(value: f32) -> f32 {
    if value > SMALLEST { value } else { SMALLEST }
}

fn top(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// `2ⁿ` levels from `min` to `max`.
fn between(min: f32, max: f32, bits: u32, zero: Zero) -> Grid {
    let top = top(bits);
    let [low, high] = match zero {
        Zero::Paper => [min, max],
        Zero::Aligned => [min.min(0.0), max.max(0.0)],
    };
    // In double precision the difference of two finite values does not overflow.
    let step = ((f64::from(high) - f64::from(low)) / f64::from(top)) as f32;
    let offset = match zero {
        Zero::Aligned if step > 0.0 => -((-low / step).round_ties_even().min(top as f32) * step),
        Zero::Aligned => 0.0,
        Zero::Paper => low,
    };
    // Not −0, so that a level is the same number however it comes about.
    Grid { offset: offset + 0.0, step, top }
}
