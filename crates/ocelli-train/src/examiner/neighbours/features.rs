//! Features of unit length with the classes of their pictures, and what is measured of them.

use rayon::prelude::*;
use std::collections::BTreeMap;

/// Of so many features the uniformity is measured: it takes the square of their number.
const MOST_OF_PAIRS: usize = 4096;

/// Features of unit length, row after row.
#[derive(Clone, Debug, Default)]
pub(super) struct Features {
    length: usize,
    rows: Vec<f32>,
    classes: Vec<u32>,
}

impl Features {
    /// Adds features of `length` values, scaled to unit length; zero stays zero.
    ///
    /// # Shapes
    /// - `features`: `[classes.len(), length]`, row-major
    pub(super) fn extend(&mut self, features: &[f32], length: usize, classes: &[u32]) {
        self.length = length.max(1);
        for row in features.chunks_exact(self.length) {
            let norm = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            let scale = 1.0 / norm.max(f64::MIN_POSITIVE);
            self.rows.extend(row.iter().map(|value| (f64::from(*value) * scale) as f32));
        }
        self.classes.extend_from_slice(classes);
    }

    pub(super) fn len(&self) -> usize {
        self.classes.len()
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.rows.chunks_exact(self.length.max(1))
    }

    /// How many of these the `k` nearest of `bank` classify rightly. Of equally near ones the first of
    /// the bank is nearer, of equal votes the smallest class wins.
    pub(super) fn classified_by(&self, bank: &Self, k: usize, temperature: f64) -> u64 {
        let is_right = |(row, class): (&[f32], &u32)| {
            let voted = bank.vote(row, k, temperature);
            u64::from(voted == Some(*class))
        };
        let queries = self.rows.par_chunks_exact(self.length.max(1)).zip(&self.classes);
        queries.map(is_right).sum()
    }

    /// The class for which the nearest `k` vote.
    fn vote(&self, query: &[f32], k: usize, temperature: f64) -> Option<u32> {
        let cosines = self.rows().map(|row| cosine(row, query)).enumerate();
        let mut nearest: Vec<(usize, f32)> = cosines.collect();
        let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if k < nearest.len() {
            nearest.select_nth_unstable_by(k, order);
            nearest.truncate(k);
        }
        nearest.sort_unstable_by(order);
        let largest = f64::from(nearest.first()?.1);
        let mut votes: BTreeMap<u32, f64> = BTreeMap::new();
        for (index, cosine) in nearest {
            // All weights over the largest, which would overflow at a small temperature.
            let weight = ((f64::from(cosine) - largest) / temperature).exp();
            *votes.entry(self.classes[index]).or_default() += weight;
        }
        let larger = |best: (u32, f64), next: (u32, f64)| if next.1 > best.1 { next } else { best };
        votes.into_iter().reduce(larger).map(|(class, _)| class)
    }

    /// The mean squared distance of two features of one class, over all such pairs; 0 without any.
    pub(super) fn alignment(&self) -> f64 {
        let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
        for (row, class) in self.rows().zip(&self.classes) {
            sums.entry(*class).or_insert_with(|| Sum::new(self.length)).add(row);
        }
        // Σᵢⱼ ‖xᵢ − xⱼ‖² = 2 n Σ ‖xᵢ‖² − 2 ‖Σ xᵢ‖²
        let (mut distances, mut pairs) = (0.0, 0.0);
        for Sum { count, squares, values } in sums.values() {
            let of_sum: f64 = values.iter().map(|value| value * value).sum();
            distances += 2.0 * (count * squares - of_sum);
            pairs += count * (count - 1.0);
        }
        if pairs > 0.0 { distances.max(0.0) / pairs } else { 0.0 }
    }

    /// The logarithm of the mean of exp(−2 ‖x − y‖²) over all pairs of the first features; 0 of a single
    /// one.
    pub(super) fn uniformity(&self) -> f64 {
        let rows: Vec<&[f32]> = self.rows().take(MOST_OF_PAIRS).collect();
        let sum_of = |at: usize| -> f64 {
            let potential = |other: &&[f32]| (-2.0 * squared_distance(rows[at], other)).exp();
            rows[at + 1..].iter().map(potential).sum()
        };
        // Sums in the order of rows: the result does not depend on threads.
        let sums: Vec<f64> = (0..rows.len()).into_par_iter().map(sum_of).collect();
        let pairs = (rows.len() * rows.len().saturating_sub(1) / 2) as f64;
        if pairs > 0.0 { (sums.iter().sum::<f64>() / pairs).ln() } else { 0.0 }
    }

    /// The standard deviation of each number of the features, averaged, over 1/√length, which is that
    /// of features that point everywhere.
    pub(super) fn spread(&self) -> f64 {
        let mut mean = Sum::new(self.length);
        self.rows().for_each(|row| mean.add(row));
        let count = mean.count.max(1.0);
        let mut variances = vec![0.0; self.length];
        for row in self.rows() {
            for ((variance, value), sum) in variances.iter_mut().zip(row).zip(&mean.values) {
                *variance += (f64::from(*value) - sum / count).powi(2) / count;
            }
        }
        let deviations: f64 = variances.iter().map(|variance| variance.sqrt()).sum();
        deviations / (self.length.max(1) as f64).sqrt()
    }
}

/// The sum of some features.
struct Sum {
    count: f64,
    /// Of all their elements.
    squares: f64,
    values: Vec<f64>,
}

impl Sum {
    fn new(length: usize) -> Self {
        Self { count: 0.0, squares: 0.0, values: vec![0.0; length] }
    }

    fn add(&mut self, row: &[f32]) {
        self.count += 1.0;
        for (sum, value) in self.values.iter_mut().zip(row) {
            *sum += f64::from(*value);
            self.squares += f64::from(*value).powi(2);
        }
    }
}

/// The cosine of two features of unit length.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    /// Sums side by side, which a processor adds at once.
    const LANES: usize = 16;
    let (whole, rest) = (a.chunks_exact(LANES), a.len() / LANES * LANES);
    let mut sums = [0.0_f32; LANES];
    for (a, b) in whole.zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a[rest..].iter().zip(&b[rest..]).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}
