//! One number of an individual.

/// One number of an individual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gene {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// How its first value is drawn.
    pub law: Law,
}

/// How the first value of a gene is drawn. The [`BoundsRule`](crate::BoundsRule) holds for it too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Every value of the range is as probable.
    Uniform,
    /// A normal distribution.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
}

impl Gene {
    /// A gene whose first value is anywhere in its range.
    pub const fn uniform(low: f64, high: f64) -> Self {
        Self { low, high, law: Law::Uniform }
    }

    /// A gene whose first value is drawn from a normal distribution.
    pub const fn normal(low: f64, high: f64, mean: f64, deviation: f64) -> Self {
        Self { low, high, law: Law::Normal { mean, deviation } }
    }

    /// The value that lies so far along the range, 0 to 1.
    pub(crate) fn at(self, share: f64) -> f64 {
        (self.low + share * (self.high - self.low)).clamp(self.low, self.high)
    }
}
