//! Whether one of two methods is better than the other, by the cases that both were tried on.
//!
//! Paper: McNemar, *Note on the Sampling Error of the Difference Between Correlated Proportions or
//! Percentages*, Psychometrika 12(2), 1947 (<https://doi.org/10.1007/BF02295996>).
//!
//! Deviation: probabilities are those of the binomial distribution itself, not of its approximation
//! by χ².

/// The exact two-sided test of McNemar: how probable it is, if neither of two methods is better,
/// that of the cases in which one alone succeeded at least so many are of one side.
///
/// ```
/// use ocelli_methods::one_pixel::mcnemar;
///
/// assert!((mcnemar(0, 0) - 1.0).abs() < 1e-12);
/// assert!((mcnemar(6, 0) - 2.0 / 64.0).abs() < 1e-12);
/// ```
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let cases = only_first + only_second;
    let fewer = only_first.min(only_second);
    let mut log_ways = 0.0_f64;
    let mut sum = 0.0;
    for chosen in 0..=fewer {
        if chosen > 0 {
            log_ways += ((cases - chosen + 1) as f64 / chosen as f64).ln();
        }
        sum += (log_ways - cases as f64 * std::f64::consts::LN_2).exp();
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_agree_with_the_binomial_distribution() {
        for (first, second, expected) in
            [(1, 0, 1.0), (5, 5, 1.0), (2, 10, 0.038_574_218_75), (10, 2, 0.038_574_218_75)]
        {
            assert!((mcnemar(first, second) - expected).abs() < 1e-12, "{first}, {second}");
        }
        assert!((mcnemar(8, 1) - 0.039_062_5).abs() < 1e-12);
        assert!(mcnemar(5000, 4000) < 1e-20, "large counts do not overflow");
        assert!(mcnemar(5000, 0) >= 0.0);
    }
}
