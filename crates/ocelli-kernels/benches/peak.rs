//! What the machine can do at most: multiply-adds in registers, and bytes from and to memory.
//! ARCHITECTURE.md measures the kernels by these.
//!
//! Each line is the best of some rounds. On machines without AVX-512 only the bandwidth is shown.

#![expect(clippy::print_stdout, reason = "a benchmark talks to its caller")]

use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;
/// Elements that no cache holds, per thread.
const LENGTH: usize = 24 << 20;

/// The most units per nanosecond that `threads` threads do together; `work` tells its units.
fn best(threads: usize, work: impl Fn(&mut [f32], &mut [f32]) -> f64 + Sync) -> f64 {
    let mut memory: Vec<[Vec<f32>; 2]> =
        (0..threads).map(|_| [vec![1.0; LENGTH], vec![1.0; LENGTH]]).collect();
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let units: f64 = std::thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> =
                memory.iter_mut().map(|[a, b]| scope.spawn(move || work(a, b))).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).sum()
        });
        best = best.max(units / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

#[cfg(target_arch = "x86_64")]
mod registers {
    #![expect(unsafe_code, reason = "the instructions are checked for before")]

    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    use std::hint::black_box;

    const STEPS: usize = 20_000_000;
    /// Independent sums, enough to hide the latency of two units.
    const CHAINS: usize = 10;

    /// Multiply-adds done, where there are the instructions.
    pub(crate) fn multiply_adds() -> Option<f64> {
        // SAFETY: AVX-512 F was found.
        is_x86_feature_detected!("avx512f").then(|| unsafe { run() })
    }

    #[target_feature(enable = "avx512f")]
    fn run() -> f64 {
        let (a, b) = (_mm512_set1_ps(black_box(1.000_000_1)), _mm512_set1_ps(black_box(1e-9)));
        let mut sums = [a; CHAINS];
        for _ in 0..STEPS {
            sums = sums.map(|sum| _mm512_fmadd_ps(sum, a, b));
        }
        black_box(sums.map(|sum| _mm512_reduce_add_ps(sum)));
        (STEPS * CHAINS * 16) as f64
    }
}

fn main() {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, all] {
        #[cfg(target_arch = "x86_64")]
        if registers::multiply_adds().is_some() {
            let rate = best(threads, |_, _| registers::multiply_adds().unwrap_or_default());
            println!("{threads} threads: {rate:.0} GMAC/s in registers");
        }
        let bytes = (LENGTH * size_of::<f32>()) as f64;
        let read = best(threads, |a, _| {
            let mut sums = [0.0_f32; 64];
            for values in a.chunks_exact(sums.len()) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            black_box(sums);
            bytes
        });
        let copied = best(threads, |a, b| {
            b.copy_from_slice(black_box(a));
            black_box(b);
            2.0 * bytes
        });
        println!("{threads} threads: {read:.0} GB/s read, {copied:.0} GB/s copied");
    }
}
