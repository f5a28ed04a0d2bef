//! Which work is shared out among threads.

use rayon::prelude::*;

/// Products that one thread does in about two microseconds, with AVX-512 VNNI. Measured on two threads of an AMD
/// EPYC (Zen 5) by the bench `int8 sharing`: a layer of 262,144 products takes 1.11 µs as a whole and 1.45 µs in
/// halves, one of 524,288 takes 2.00 and 1.87 µs, one of 1,048,576 takes 3.70 and 2.75 µs.
const SMALL: usize = 512 * 1024;

/// Into how many shares some products should be cut at least: what one has costs less than waiting for it.
pub(super) fn shares_wanted(products: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 || products <= SMALL { 1 } else { (products / SMALL).clamp(2, 2 * threads) }
}

/// Does each task on some thread, or all on this one if they are small.
pub(super) fn for_each_task<T: Send>(
    tasks: Vec<T>,
    products: usize,
    work: impl Fn(T) + Sync + Send,
) {
    if products <= SMALL || tasks.len() == 1 {
        tasks.into_iter().for_each(work);
    } else {
        tasks.into_par_iter().for_each(work);
    }
}
