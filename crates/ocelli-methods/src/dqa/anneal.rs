//! What grows or falls exponentially over a run: the temperature, and ω of Binary-Relax.

/// From one value to another, by the same factor in each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anneal {
    /// Before the first step.
    pub start: f64,
    /// At the last step.
    pub end: f64,
}

impl Anneal {
    /// The value at a step, counted from one, of `total` steps: `start · ψᵇ` with `ψ = (end / start)^(1 / B)`
    /// (algorithm 1).
    pub fn at(self, step: u64, total: u64) -> f64 {
        if step >= total {
            return self.end;
        }
        let share = step as f64 / total as f64;
        self.start * (self.end / self.start).powf(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_s_temperature_falls_from_100_to_0_03() {
        let anneal = Anneal { start: 100.0, end: 0.03 };
        let steps = 300 * 391;
        assert_eq!([anneal.at(0, steps), anneal.at(steps, steps)], [100.0, 0.03]);
        assert!((anneal.at(1, steps) / 100.0 - 0.999_930_8).abs() < 1e-7, "ψ on CIFAR");
        assert!((anneal.at(1, 90 * 5005) / 100.0 - 0.999_982_0).abs() < 1e-7, "ψ on ImageNet");
        // T passes 1 at 56.8 % of the training.
        let passes = (1..=steps).find(|step| anneal.at(*step, steps) < 1.0).unwrap();
        assert!((passes as f64 / steps as f64 - 0.568).abs() < 1e-3);
        assert!((anneal.at(steps - 1, steps) - 0.03).abs() < 1e-5);
    }

    #[test]
    fn omega_grows_by_two_percent_an_epoch_in_the_paper_s_300_epochs() {
        let anneal = Anneal { start: 1.0, end: 1.02_f64.powi(300) };
        assert!((anneal.at(10, 300) - 1.02_f64.powi(10)).abs() < 1e-9);
        assert!((anneal.end - 380.2).abs() < 0.1);
        assert_eq!(Anneal { start: 3.0, end: 3.0 }.at(5, 9), 3.0);
    }
}
