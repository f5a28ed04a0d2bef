//! What a vector can do, and what kernels are.

#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

/// Vectors of `f32` and what kernels do with them.
pub(crate) trait Simd: Copy + Send + Sync {
    /// [`Self::LANES`] elements.
    type Vector: Copy;
    /// The first lanes of a vector, as many as it was made for.
    type Mask: Copy;
    /// How many elements a vector holds.
    const LANES: usize;

    fn mask(self, lanes: usize) -> Self::Mask;
    fn splat(self, value: f32) -> Self::Vector;

    /// Which lanes stand for the next `remaining` channels of a row.
    #[inline(always)]
    fn part(self, remaining: usize) -> Part<Self> {
        if remaining >= Self::LANES { Part::Whole } else { Part::First(self.mask(remaining)) }
    }

    /// # Safety
    /// As many elements as the part has lanes must be readable at `from`.
    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, part: Part<Self>) -> Self::Vector {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            match part {
                Part::Whole => self.load(from),
                Part::First(mask) => self.load_first(from, mask),
            }
        }
    }

    /// # Safety
    /// As many elements as the part has lanes must be writable at `to`.
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, part: Part<Self>, value: Self::Vector) {
        // SAFETY: the caller vouches for the memory.
        unsafe {
            match part {
                Part::Whole => self.store(to, value),
                Part::First(mask) => self.store_first(to, mask, value),
            }
        }
    }

    /// # Safety
    /// [`Self::LANES`] elements must be readable at `from`.
    unsafe fn load(self, from: *const f32) -> Self::Vector;

    /// # Safety
    /// [`Self::LANES`] elements must be writable at `to`.
    unsafe fn store(self, to: *mut f32, value: Self::Vector);

    /// Loads the lanes of the mask; the others are zero.
    ///
    /// # Safety
    /// As many elements as the mask has lanes must be readable at `from`.
    unsafe fn load_first(self, from: *const f32, mask: Self::Mask) -> Self::Vector;

    /// Stores the lanes of the mask and leaves the memory after them alone.
    ///
    /// # Safety
    /// As many elements as the mask has lanes must be writable at `to`.
    unsafe fn store_first(self, to: *mut f32, mask: Self::Mask, value: Self::Vector);

    /// Turns eight rows of eight numbers round, less `origin`: number `j` of row `i` goes to `to + j · stride + i`.
    ///
    /// # Safety
    /// Eight numbers must be readable at each row and at `origin`, and writable at `to + j · stride` for all `j`
    /// below eight.
    #[inline(always)]
    unsafe fn turn_eight(
        self,
        rows: [*const f32; 8],
        origin: *const f32,
        to: *mut f32,
        stride: usize,
    ) {
        for number in 0..8 {
            for (place, row) in rows.into_iter().enumerate() {
                // SAFETY: the caller vouches for the memory.
                unsafe {
                    *to.add(number * stride + place) = *row.add(number) - *origin.add(number);
                }
            }
        }
    }

    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The smaller of each pair of lanes, `b` where one is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The larger of each pair of lanes, `b` where one is NaN.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// 1 / a to about one unit in the last place, for `a` whose reciprocal is a normal number.
    #[inline(always)]
    fn reciprocal(self, a: Self::Vector) -> Self::Vector {
        self.div(self.splat(1.0), a)
    }

    /// `a · b + c`
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// Where `a > b` the lanes of `yes`, elsewhere those of `no`.
    fn where_greater(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector;

    /// `a · 2ⁿ` for whole numbers `n` between −126 and 127.
    fn scale_by_power_of_two(self, a: Self::Vector, n: Self::Vector) -> Self::Vector;

    /// The nearest whole number, the even one of two, of values between −2²² and 2²².
    #[inline(always)]
    fn round_ties_even(self, x: Self::Vector) -> Self::Vector {
        /// Adding and subtracting it leaves no bits for what is less than one.
        const ROUNDER: f32 = 12_582_912.0;
        let rounder = self.splat(ROUNDER);
        self.sub(self.add(x, rounder), rounder)
    }

    /// eˣ to about one unit in the last place; inputs beyond the range of `f32` are clamped, and
    /// NaN stays NaN.
    ///
    /// Range reduction x = n · ln 2 + r with |r| ≤ ln 2 / 2, then a Taylor polynomial of degree 6,
    /// whose remainder on that range is below 1.3e-7, a unit in the last place.
    #[inline(always)]
    fn exp(self, x: Self::Vector) -> Self::Vector {
        const COEFFICIENTS: [f32; 6] = [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        let x = self.min(self.splat(88.0), self.max(self.splat(-87.0), x));
        let scaled = self.mul(x, self.splat(std::f32::consts::LOG2_E));
        let n = self.round_ties_even(scaled);
        let r = self.mul_add(n, self.splat(-LN_2_HIGH), x);
        let r = self.mul_add(n, self.splat(-LN_2_LOW), r);
        let mut sum = self.splat(1.0 / 720.0);
        for coefficient in COEFFICIENTS {
            sum = self.mul_add(sum, r, self.splat(coefficient));
        }
        self.scale_by_power_of_two(sum, n)
    }
}

/// A whole vector, or the start of one at the end of a row.
#[derive(Clone, Copy)]
pub(crate) enum Part<S: Simd> {
    /// All lanes.
    Whole,
    /// The lanes of a mask.
    First(S::Mask),
}

/// Which lanes a loop over pixels works on, as a type: the loop is compiled for each.
pub(crate) trait Lanes<S: Simd>: Copy {
    /// # Safety
    /// As many elements as there are lanes must be readable at `from`.
    unsafe fn load(self, simd: S, from: *const f32) -> S::Vector;

    /// # Safety
    /// As many elements as there are lanes must be writable at `to`.
    unsafe fn store(self, simd: S, to: *mut f32, value: S::Vector);
}

/// All lanes.
#[derive(Clone, Copy)]
pub(crate) struct Whole;

/// The lanes of a mask.
#[derive(Clone, Copy)]
pub(crate) struct First<M>(pub(crate) M);

impl<S: Simd> Lanes<S> for Whole {
    #[inline(always)]
    unsafe fn load(self, simd: S, from: *const f32) -> S::Vector {
        // SAFETY: the caller vouches for the memory.
        unsafe { simd.load(from) }
    }

    #[inline(always)]
    unsafe fn store(self, simd: S, to: *mut f32, value: S::Vector) {
        // SAFETY: the caller vouches for the memory.
        unsafe { simd.store(to, value) }
    }
}

impl<S: Simd> Lanes<S> for First<S::Mask> {
    #[inline(always)]
    unsafe fn load(self, simd: S, from: *const f32) -> S::Vector {
        // SAFETY: the caller vouches for the memory.
        unsafe { simd.load_first(from, self.0) }
    }

    #[inline(always)]
    unsafe fn store(self, simd: S, to: *mut f32, value: S::Vector) {
        // SAFETY: the caller vouches for the memory.
        unsafe { simd.store_first(to, self.0, value) }
    }
}

/// Runs an expression with `$lanes` bound to the [`Lanes`] of a part, compiled once for each.
macro_rules! with_lanes {
    ($part:expr, $lanes:ident => $body:expr) => {
        match $part {
            $crate::simd::Part::Whole => {
                let $lanes = $crate::simd::Whole;
                $body
            }
            $crate::simd::Part::First(mask) => {
                let $lanes = $crate::simd::First(mask);
                $body
            }
        }
    };
}
pub(crate) use with_lanes;

/// Work that is written once for every instruction set.
pub(crate) trait Kernel {
    /// What it hands back.
    type Output;

    /// Does the work; implementations are `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}
