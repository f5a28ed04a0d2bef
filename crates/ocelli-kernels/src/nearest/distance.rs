//! Squared distances in double precision, with the same bits on every machine.

use crate::rows::Rows;
use crate::simd::{Kernel, Simd, dispatch};
use rayon::prelude::*;

/// Sums that run side by side. Their number is part of the definition: another one gives other bits.
const LANES: usize = 8;

/// ‖a − b‖² in double precision, summed in a fixed order: eight sums side by side, then these.
///
/// # Panics
/// When the lengths differ.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths of two points");
    dispatch(SquaredDistance { a, b })
}

/// Writes the squared distance of every row to the centroid that it is assigned to.
///
/// # Shapes
/// - `rows`: `[count, width]`, `centroids`: `[k, width]`, `assignment`, `distances`: `[count]`
///
/// # Panics
/// When the shapes differ, or an assignment is beyond the centroids.
pub fn squared_distances(
    rows: Rows<'_>,
    centroids: Rows<'_>,
    assignment: &[u32],
    distances: &mut [f64],
) {
    const BLOCK: usize = 512;
    assert_eq!(rows.channels(), centroids.channels(), "width of rows and centroids");
    assert_eq!(assignment.len(), rows.count(), "assignments of rows");
    assert_eq!(distances.len(), rows.count(), "distances of rows");
    distances.par_chunks_mut(BLOCK).enumerate().for_each(|(block, distances)| {
        let rows = rows.range(block * BLOCK, BLOCK);
        let assignment = &assignment[block * BLOCK..][..distances.len()];
        dispatch(SquaredDistances { rows, centroids, assignment, distances });
    });
}

/// Adds rows to sums in double precision, in the order in which they are named.
///
/// # Shapes
/// - `rows`: `[count, width]`, `sums`: `[width]`
///
/// # Panics
/// When there is no such row, or the widths differ.
pub fn add_rows(rows: Rows<'_>, indices: &[u32], sums: &mut [f64]) {
    assert_eq!(rows.channels(), sums.len(), "width of rows and sums");
    dispatch(AddRows { rows, indices, sums });
}

struct AddRows<'a> {
    rows: Rows<'a>,
    indices: &'a [u32],
    sums: &'a mut [f64],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for index in self.indices {
            let row = self.rows.row(*index as usize);
            self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
    }
}

struct SquaredDistance<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl Kernel for SquaredDistance<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        sum_of_squares(self.a, self.b)
    }
}

struct SquaredDistances<'a> {
    rows: Rows<'a>,
    centroids: Rows<'a>,
    assignment: &'a [u32],
    distances: &'a mut [f64],
}

impl Kernel for SquaredDistances<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let assigned = self.assignment.iter().zip(self.distances).enumerate();
        for (row, (centroid, distance)) in assigned {
            *distance = sum_of_squares(self.rows.row(row), self.centroids.row(*centroid as usize));
        }
    }
}

/// Plain arithmetic, of which the compiler makes vectors without changing a bit.
#[inline(always)]
fn sum_of_squares(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        let difference = f64::from(*a) - f64::from(*b);
        *sum += difference * difference;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
