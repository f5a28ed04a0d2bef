//! How fast products could be at most.

use super::simd::{InstructionSet, Integer, Kernel};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many products a thread does in a second at most: those of the fastest instructions on registers, without
/// anything else. It takes about 5 ms to find out.
pub fn peak_products_per_second() -> f64 {
    const TURNS: usize = 10;
    let turns = (0..TURNS).map(|_| {
        let (mut time, mut products) = (Duration::MAX, 0);
        InstructionSet::fastest().dispatch(Registers { time: &mut time, products: &mut products });
        products as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE)
    });
    turns.fold(0.0, f64::max)
}

struct Registers<'a> {
    time: &'a mut Duration,
    products: &'a mut u64,
}

impl Kernel for Registers<'_> {
    #[inline(always)]
    fn run<S: Integer>(self, simd: S) {
        /// Independent sums, enough to hide the latency of two units, and few enough for the registers.
        const SUMS: usize = 10;
        const STEPS: usize = 10_000;
        /// Products of a lane.
        const EACH: usize = 4;
        let weights = [black_box(1_i8); 256];
        let codes = simd.spread(black_box(0x0102_0304));
        // SAFETY: there are weights for more lanes than any instruction set has.
        #[expect(unsafe_code, reason = "weights are loaded through a pointer")]
        let weights = unsafe { simd.weights(weights.as_ptr()) };
        let start = simd.splat_int(0);
        let mut sums = [simd.begin(start); SUMS];
        let begin = Instant::now();
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.dot(*sum, codes, weights);
            }
        }
        *self.time = begin.elapsed();
        let mut kept = [0_u8; 256];
        for sum in sums {
            let sum = simd.round(simd.clamp(
                simd.to_floats(simd.end(sum, start)),
                simd.splat(0.0),
                simd.splat(255.0),
            ));
            // SAFETY: there is room for more lanes than any instruction set has.
            #[expect(unsafe_code, reason = "codes are stored through a pointer")]
            unsafe {
                simd.store_bytes(kept.as_mut_ptr(), sum, S::LANES);
            }
            black_box(&mut kept);
        }
        *self.products = (STEPS * SUMS * EACH * S::LANES) as u64;
    }
}
