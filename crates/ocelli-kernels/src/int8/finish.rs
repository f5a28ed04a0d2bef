//! From a sum to the code or the value that is stored, while the sum is in a register.

#![expect(unsafe_code, reason = "the stores go through checked-once pointers")]

use super::ByteGrid;
use super::constants::Constants;
use super::operands::{Addend, Output};
use super::simd::Integer;
use super::weight::OutputKind;
use crate::quantize::Grid;

#[derive(Clone, Copy)]
enum Added {
    Nothing,
    Codes(*const u8, usize),
    Values(*const f32, usize),
}

#[derive(Clone, Copy)]
enum Target {
    Codes(*mut u8, usize),
    Values(*mut f32, usize),
    Both { codes: (*mut u8, usize), values: (*mut f32, usize), grid: ByteGrid },
}

/// What follows the sums of some rows and channels.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    constants: &'a Constants,
    /// The first channel.
    first: usize,
    added: Added,
    target: Target,
}

impl<'a> Finish<'a> {
    /// For the rows and channels of an output, which begin with channel `first` of the layer.
    ///
    /// # Panics
    /// When the addend has another shape.
    pub(super) fn new(
        constants: &'a Constants,
        first: usize,
        addend: Option<Addend<'_>>,
        output: &mut Output<'_>,
    ) -> Self {
        let (_, channels) = output.shape();
        let padded = constants.add.len();
        assert!(first + channels.next_multiple_of(S_MAX) <= padded, "channels {first}");
        let added = match addend {
            None => Added::Nothing,
            Some(addend) => {
                assert_eq!(addend.shape(), output.shape(), "shape of an addend");
                match addend {
                    Addend::Codes(rows) => Added::Codes(rows.as_ptr(), rows.stride()),
                    Addend::Values(rows) => Added::Values(rows.as_ptr(), rows.stride()),
                }
            }
        };
        let target = match output {
            Output::Codes(rows) => Target::Codes(rows.as_mut_ptr(), rows.stride()),
            Output::Values(rows) => Target::Values(rows.as_mut_ptr(), rows.stride()),
            Output::Both(codes, values) => {
                let OutputKind::Both(grid) = constants.output else {
                    unreachable!("the kind of output was checked")
                };
                Target::Both {
                    codes: (codes.as_mut_ptr(), codes.stride()),
                    values: (values.as_mut_ptr(), values.stride()),
                    grid,
                }
            }
        };
        Self { constants, first, added, target }
    }

    /// What the sums of a vector of channels start with.
    ///
    /// # Safety
    /// The output must have channel `column`, a multiple of the lanes.
    #[inline(always)]
    pub(super) unsafe fn start<S: Integer>(&self, simd: S, column: usize) -> S::Ints {
        // SAFETY: constants are padded to whole vectors after the last channel.
        unsafe { simd.ints(self.constants.start.as_ptr().add(self.first + column)) }
    }

    /// The factor of the sums of a vector of channels, and what is added.
    ///
    /// # Safety
    /// As for [`Self::start`].
    #[inline(always)]
    pub(super) unsafe fn line<S: Integer>(&self, simd: S, column: usize) -> [S::Floats; 2] {
        let at = self.first + column;
        // SAFETY: as for `start`.
        unsafe {
            [
                simd.floats(self.constants.multiplier.as_ptr().add(at), S::LANES),
                simd.floats(self.constants.add.as_ptr().add(at), S::LANES),
            ]
        }
    }

    /// Stores `count` results of a row from channel `column` on. `window` are the sums of the inputs, if
    /// the layer has factors for them.
    ///
    /// # Safety
    /// The output must have the row and the channels, and the lanes of `column` must be a whole vector.
    #[inline(always)]
    pub(super) unsafe fn store<S: Integer>(
        &self,
        simd: S,
        [row, column, count]: [usize; 3],
        [multiplier, add]: [S::Floats; 2],
        sums: S::Ints,
        window: Option<S::Ints>,
    ) {
        let mut value = simd.mul(simd.to_floats(sums), multiplier);
        // SAFETY: the caller vouches for row and channels; constants are padded; the addend was found to
        // have the output's shape.
        unsafe {
            if let Some(window) = window {
                let at = self.constants.window.as_ptr().add(self.first + column);
                let factor = simd.floats(at, S::LANES);
                value = simd.add(value, simd.mul(simd.to_floats(window), factor));
            }
            let Constants { addend_factor, range: [low, high], zero, .. } = *self.constants;
            let (low, high) = (simd.splat(low), simd.splat(high));
            let factor = simd.splat(addend_factor);
            let addend = match self.added {
                Added::Nothing => None,
                Added::Codes(from, stride) => {
                    Some(simd.to_floats(simd.bytes(from.add(row * stride + column), count)))
                }
                Added::Values(from, stride) => {
                    Some(simd.floats(from.add(row * stride + column), count))
                }
            };
            let (value, zero) = match &self.constants.before_addend {
                None => {
                    if let Some(addend) = addend {
                        value = simd.add(value, simd.mul(addend, factor));
                    }
                    (simd.clamp(simd.add(value, add), low, high), zero)
                }
                Some(before) => {
                    let [least, most] = before.range;
                    let value = simd.add(value, add);
                    let value = simd.clamp(value, simd.splat(least), simd.splat(most));
                    let code = simd.add_ints(simd.round(value), simd.splat_int(zero));
                    let mut sum = simd.splat(before.add);
                    if let Some(addend) = addend {
                        sum = simd.mul_add(addend, factor, sum);
                    }
                    let sum = simd.mul_add(simd.to_floats(code), simd.splat(before.factor), sum);
                    (simd.clamp(sum, low, high), 0)
                }
            };
            match self.target {
                Target::Codes(to, stride) => {
                    let code = simd.add_ints(simd.round(value), simd.splat_int(zero));
                    simd.store_bytes(to.add(row * stride + column), code, count);
                }
                Target::Values(to, stride) => {
                    simd.store_floats(to.add(row * stride + column), value, count);
                }
                Target::Both { codes, values, grid } => {
                    let (to, stride) = values;
                    simd.store_floats(to.add(row * stride + column), value, count);
                    let (to, stride) = codes;
                    let code = code(simd, value, grid.grid());
                    simd.store_bytes(to.add(row * stride + column), code, count);
                }
            }
        }
    }

    /// Whether [`store_codes`](Self::store_codes) has all that the results need: they are codes, and what is
    /// added to them are codes too, once they are rounded.
    #[inline(always)]
    pub(super) fn is_of_codes(&self) -> bool {
        let adds = match self.added {
            Added::Nothing => true,
            Added::Codes(..) => self.constants.before_addend.is_some(),
            Added::Values(..) => false,
        };
        adds && matches!(self.target, Target::Codes(..))
    }

    /// Stores four whole vectors of codes as [`store`](Self::store) does: those of `places`, each a row and a
    /// channel.
    ///
    /// # Safety
    /// As for [`Self::store`], and [`Self::is_of_codes`] must hold.
    #[inline(always)]
    pub(super) unsafe fn store_codes<S: Integer>(
        &self,
        simd: S,
        places: [[usize; 2]; 4],
        lines: [[S::Floats; 2]; 4],
        sums: [S::Ints; 4],
    ) {
        let Target::Codes(to, stride) = self.target else { return };
        // Arrays are written out: what takes a closure need not be inlined, and is slow where it is not.
        let [p, q, r, s] = places;
        // SAFETY: the caller vouches for rows and channels; the addend was found to have the output's shape.
        unsafe {
            let values = [
                self.number(simd, p, lines[0], sums[0]),
                self.number(simd, q, lines[1], sums[1]),
                self.number(simd, r, lines[2], sums[2]),
                self.number(simd, s, lines[3], sums[3]),
            ];
            let zero = if self.constants.before_addend.is_some() { 0 } else { self.constants.zero };
            let to = [
                to.add(p[0] * stride + p[1]),
                to.add(q[0] * stride + q[1]),
                to.add(r[0] * stride + r[1]),
                to.add(s[0] * stride + s[1]),
            ];
            simd.store_codes(values, zero, to);
        }
    }

    /// A vector of the numbers that are rounded to codes, of `place`, a row and a channel.
    ///
    /// # Safety
    /// As for [`Self::store_codes`].
    #[inline(always)]
    unsafe fn number<S: Integer>(
        &self,
        simd: S,
        [row, column]: [usize; 2],
        [multiplier, add]: [S::Floats; 2],
        sums: S::Ints,
    ) -> S::Floats {
        let constants = self.constants;
        let mut value = simd.add(simd.mul(simd.to_floats(sums), multiplier), add);
        if let Some(before) = &constants.before_addend {
            let [least, most] = before.range;
            let rounded = simd.round(simd.clamp(value, simd.splat(least), simd.splat(most)));
            let code = simd.add_ints(rounded, simd.splat_int(constants.zero));
            let mut sum = simd.splat(before.add);
            if let Added::Codes(from, stride) = self.added {
                // SAFETY: the caller vouches for the place.
                let addend = unsafe { simd.bytes(from.add(row * stride + column), S::LANES) };
                sum =
                    simd.mul_add(simd.to_floats(addend), simd.splat(constants.addend_factor), sum);
            }
            value = simd.mul_add(simd.to_floats(code), simd.splat(before.factor), sum);
        }
        if !constants.saturates {
            let [low, high] = constants.range;
            value = simd.clamp(value, simd.splat(low), simd.splat(high));
        }
        value
    }
}

/// The codes of values, as [`Grid::code`] gives them.
#[inline(always)]
pub(super) fn code<S: Integer>(simd: S, values: S::Floats, grid: Grid) -> S::Ints {
    let code = simd.div(simd.sub(values, simd.splat(grid.offset)), simd.splat(grid.step));
    simd.round(simd.clamp(code, simd.splat(0.0), simd.splat(grid.top as f32)))
}

/// More lanes than any instruction set has.
const S_MAX: usize = 16;
