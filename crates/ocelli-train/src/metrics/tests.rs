use super::*;

#[test]
fn the_rank_counts_those_before() {
    let logits = [0.5, 3.0, 1.0, 3.0];
    assert_eq!([0, 1, 2, 3].map(|label| rank_of(&logits, label)), [3, 0, 2, 1]);
    assert_eq!(rank_of(&logits, 9), 4, "no such class");
}

#[test]
fn a_broken_network_is_never_right() {
    assert_eq!(rank_of(&[f32::NAN; 3], 1), 2);
    assert_eq!(rank_of(&[f32::NAN, 1.0], 1), 1);
    assert_eq!(rank_of(&[1.0, f32::NAN], 0), 1);
    let mut tally = Tally::new(2);
    tally.add(&[f32::NAN; 4], &[0, 1]);
    assert_eq!(tally.finish().correct, 0);
}

#[test]
fn the_first_five_of_six_classes_are_a_share() {
    let mut tally = Tally::new(6);
    tally.add(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], &[4, 5]);
    let scores = tally.finish();
    assert_eq!((scores.top1, scores.top5), (0.0, Some(0.5)));
}

/// Logits of ln p give the probabilities p.
#[test]
fn scores_agree_with_a_hand_count() {
    let rows = [[0.7_f32, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1]];
    let logits: Vec<f32> = rows.iter().flatten().map(|p| p.ln()).collect();
    let mut tally = Tally::new(3);
    tally.add(&logits[..6], &[0, 1]);
    tally.add(&logits[6..], &[0, 2]);
    let scores = tally.finish();
    assert_eq!((scores.samples, scores.correct), (4, 2));
    assert_eq!((scores.top1, scores.top5), (0.5, None), "three classes have no top five");
    let loss = -(0.7_f64.ln() + 0.8_f64.ln() + 0.3_f64.ln() + 0.1_f64.ln()) / 4.0;
    assert!((scores.loss - loss).abs() < 1e-6);
    // Each sample is alone in its bin: gaps 0.3, 0.2, 0.4, 0.6.
    assert!((scores.calibration_error - 1.5 / 4.0).abs() < 1e-6);
    assert_eq!(scores.class_samples, [2, 1, 1]);
    assert_eq!(scores.class_correct, [1, 1, 0]);
    assert_eq!(scores.confusion, [[1, 0, 1], [0, 1, 0], [1, 0, 0]]);
}

/// Two processes that each saw half.
#[derive(Debug)]
struct Other(std::sync::Mutex<Vec<f64>>);

impl ProcessGroup for Other {
    fn rank(&self) -> usize {
        0
    }
    fn world_size(&self) -> usize {
        2
    }
    fn all_reduce(&self, _: &mut [f32]) -> Result<()> {
        Ok(())
    }
    fn all_reduce_f64(&self, values: &mut [f64]) -> Result<()> {
        for (value, other) in values.iter_mut().zip(&*self.0.lock().unwrap()) {
            *value += other;
        }
        Ok(())
    }
    fn all_gather(&self, values: &[f32]) -> Result<Vec<f32>> {
        Ok(values.to_vec())
    }
    fn broadcast(&self, _: &mut [f32], _: usize) -> Result<()> {
        Ok(())
    }
    fn barrier(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn the_tallies_of_two_processes_make_one() {
    let logits = [1.0, 0.0, 0.5, 2.0, 0.0, 0.0, 0.0, 1.0, 3.0, 3.0, 0.0, 0.0];
    let labels = [0, 0, 2, 1];
    let mut whole = Tally::new(3);
    whole.add(&logits, &labels);
    let (mut first, mut second) = (Tally::new(3), Tally::new(3));
    first.add(&logits[..6], &labels[..2]);
    second.add(&logits[6..], &labels[2..]);
    let other = Other(std::sync::Mutex::new(second.sums().map(|sum| *sum).collect()));
    first.reduce(&other).unwrap();
    assert_eq!(first.finish(), whole.finish());
}

#[test]
fn each_of_several_classes_is_a_right_prediction() {
    let logits = [2.0, 1.0, 0.0, 0.0, 1.0, 2.0];
    let targets = Targets::MultiLabel(vec![vec![1, 0], vec![0, 1]]);
    let mut tally = Tally::new(3);
    tally.add_targets(&logits, &targets);
    let scores = tally.finish();
    assert_eq!((scores.samples, scores.correct), (2, 1));
    assert_eq!(
        scores.class_samples,
        [2, 0, 0],
        "the prediction of the first, the first of the second"
    );
    assert_eq!(scores.confusion, [[1, 0, 1], [0, 0, 0], [0, 0, 0]]);
    // The means of the logits of the classes are 1.5 and 0.5, which makes 1.
    let log_sum = (2.0_f64.exp() + 1.0_f64.exp() + 1.0).ln();
    assert!((scores.loss - (log_sum - 1.0)).abs() < 1e-9);

    let mut single = Tally::new(3);
    single.add_targets(&logits, &Targets::Hard(vec![1, 2]));
    let mut same = Tally::new(3);
    same.add(&logits, &[1, 2]);
    assert_eq!(single, same);
}
