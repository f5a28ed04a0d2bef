//! How often values were seen, in bins of equal width.

/// Bins from −bound to bound, a power of two that grows with the data. Bins of a smaller bound lie within
/// those of a larger one, so that counts do not depend on the order of the values.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// Zero before the first value that is not.
    bound: f32,
    bins: Vec<u64>,
}

impl Histogram {
    const BINS: usize = 2048;

    /// Counts values whose magnitude is at most `largest`; what is not finite is left out.
    pub(super) fn add(&mut self, values: &[f32], largest: f32) {
        if largest > 0.0 && largest.is_finite() {
            self.reach(largest);
        }
        if self.bound == 0.0 {
            return;
        }
        let scale = (Self::BINS / 2) as f32 / self.bound;
        for value in values.iter().filter(|value| value.is_finite()) {
            let bin = (value * scale).floor() as isize + (Self::BINS / 2) as isize;
            self.bins[bin.clamp(0, Self::BINS as isize - 1) as usize] += 1;
        }
    }

    /// Makes the bound as large as a value.
    fn reach(&mut self, largest: f32) {
        if self.bound == 0.0 {
            self.bound = f32::MIN_POSITIVE;
            while self.bound < largest {
                self.bound *= 2.0;
            }
            self.bins = vec![0; Self::BINS];
        }
        while self.bound < largest {
            let mut merged = vec![0; Self::BINS];
            for (bin, count) in self.bins.iter().enumerate() {
                merged[Self::BINS / 4 + bin / 2] += count;
            }
            self.bins = merged;
            self.bound *= 2.0;
        }
    }

    /// The edges of the least interval with zero in it that leaves out at most `surplus` values on either
    /// side.
    pub(super) fn without(&self, surplus: u64) -> [f32; 2] {
        if self.bins.is_empty() {
            return [0.0; 2];
        }
        let half = Self::BINS / 2;
        let width = self.bound / half as f32;
        let (below, above) = self.bins.split_at(half);
        let kept = |outermost_first: &mut dyn Iterator<Item = &u64>| {
            let mut left_out = 0;
            let dropped = outermost_first.take_while(|count| {
                left_out += **count;
                left_out <= surplus
            });
            (half - dropped.count()) as f32 * width
        };
        [-kept(&mut below.iter()), kept(&mut above.iter().rev())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(parts: &[&[f32]]) -> Histogram {
        let mut histogram = Histogram::default();
        for part in parts {
            let largest = part.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            histogram.add(part, largest);
        }
        histogram
    }

    #[test]
    fn outliers_on_either_side_are_left_out() {
        let mut values: Vec<f32> = (0..1000).map(|index| index as f32 / 1000.0).collect();
        values.extend([100.0, -3.0]);
        let histogram = histogram(&[&values]);
        let [low, high] = histogram.without(1);
        assert_eq!(low, 0.0);
        assert!((high - 1.0).abs() <= 128.0 / 1024.0, "{high}");
        let [low, high] = histogram.without(0);
        assert!(low <= -3.0 && high >= 100.0);
    }

    #[test]
    fn counts_do_not_depend_on_the_order_of_values() {
        let parts: [&[f32]; 3] = [&[0.1, -0.02, 0.0], &[5.0, -0.7], &[1.0, f32::NAN, 0.3]];
        let [a, b, c] = parts;
        let bins = [[a, b, c], [c, b, a], [b, a, c]].map(|parts| histogram(&parts).bins);
        assert_eq!(bins[0], bins[1]);
        assert_eq!(bins[0], bins[2]);
        assert_eq!(bins[0].iter().sum::<u64>(), 7);
    }
}
