//! Expected calibration error (Guo et al., ICML 2017, arXiv 1706.04599, equation 3): does a
//! network that is 80 % sure have the class in 80 % of the cases?

/// The number of equally wide bins of confidence.
pub const BINS: usize = 15;

/// Samples by how sure the network was of its prediction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calibration {
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    samples: f64,
    correct: f64,
    confidence: f64,
}

impl Calibration {
    /// Counts a sample whose most probable class had probability `confidence`.
    pub(super) fn add(&mut self, confidence: f64, is_correct: bool) {
        // Bins are open to the left: 1/15 exactly belongs to the first.
        let index = (confidence * BINS as f64).ceil() as usize;
        let bin = &mut self.bins[index.saturating_sub(1).min(BINS - 1)];
        bin.samples += 1.0;
        bin.correct += f64::from(u8::from(is_correct));
        bin.confidence += confidence;
    }

    /// The mean gap between confidence and accuracy, each bin weighted by its samples.
    pub(super) fn error(&self) -> f64 {
        let samples: f64 = self.bins.iter().map(|bin| bin.samples).sum();
        let gaps: f64 = self.bins.iter().map(|bin| (bin.correct - bin.confidence).abs()).sum();
        if samples == 0.0 { 0.0 } else { gaps / samples }
    }

    /// All sums, to be added up over processes.
    pub(super) fn sums(&mut self) -> impl Iterator<Item = &mut f64> {
        self.bins
            .iter_mut()
            .flat_map(|bin| [&mut bin.samples, &mut bin.correct, &mut bin.confidence])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_between_confidence_and_accuracy_is_weighted_by_samples() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.error(), 0.0);
        // Three samples at 0.9, two of them right: |2 − 2.7| = 0.7. One at 0.5, right: 0.5.
        for is_correct in [true, true, false] {
            calibration.add(0.9, is_correct);
        }
        calibration.add(0.5, true);
        assert!((calibration.error() - 1.2 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_edges_belong_to_the_bin_below() {
        let mut calibration = Calibration::default();
        for confidence in [0.0, 1.0 / 15.0, 1.0] {
            calibration.add(confidence, false);
        }
        assert_eq!(calibration.bins[0].samples, 2.0);
        assert_eq!(calibration.bins[BINS - 1].samples, 1.0);
    }
}
