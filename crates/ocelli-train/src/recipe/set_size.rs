//! What a recipe does on a training set of some size: how often it is passed over, how fast, and
//! whether its own statistics normalise.
//!
//! All are functions of the recipe and of that size alone, so a run can be repeated from its recipe.

use super::{ModelSection, OptimizerSection, TrainSection};

/// The least share of the rate that is left for a small set.
const LEAST_RATE: f64 = 0.1;

/// The statistics of every batch normalisation.
const STATISTICS: &str = "*.running_mean";

impl ModelSection {
    /// Globs over the names of what is not trained on so many images.
    pub fn frozen_on(&self, images: u64) -> Vec<String> {
        let statistics = self.keeps_statistics_on(images).then(|| STATISTICS.to_owned());
        self.freeze.iter().cloned().chain(statistics).collect()
    }

    /// Whether batch normalisations keep the statistics of the weights on so many images. A network
    /// that starts from random weights has none to keep.
    pub fn keeps_statistics_on(&self, images: u64) -> bool {
        self.weights.is_some() && self.keep_statistics_below.is_some_and(|least| images < least)
    }
}

impl TrainSection {
    /// Passes over a training set of so many steps: `epochs`, or the first number of whole passes
    /// that has `min_steps`.
    pub fn epochs_of(&self, steps_per_epoch: u64) -> u64 {
        let needed = self.min_steps.unwrap_or(0).div_ceil(steps_per_epoch.max(1));
        self.epochs.max(needed)
    }
}

impl OptimizerSection {
    /// The peak of the learning rate on so many training images: `lr`, or its share of `lr_images`.
    pub fn lr_of(&self, images: u64) -> f64 {
        let share = self.lr_images.map_or(1.0, |full| images as f64 / full as f64);
        self.lr * share.clamp(LEAST_RATE, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_steps_add_whole_epochs_and_take_none_away() {
        let train = TrainSection { epochs: 5, min_steps: Some(200), ..TrainSection::default() };
        let epochs = |steps| train.epochs_of(steps);
        assert_eq!([2, 3, 40, 41, 625].map(epochs), [100, 67, 5, 5, 5]);
        assert_eq!(epochs(0), 200, "a set without a step is refused elsewhere");
        assert_eq!(TrainSection::default().epochs_of(1), TrainSection::default().epochs);
    }

    #[test]
    fn a_small_set_has_no_say_in_the_statistics() {
        let freeze = vec!["conv.*".to_owned()];
        let weights = Some("weights.pth".into());
        let keep_statistics_below = Some(1000);
        let mut model =
            ModelSection { weights, freeze, keep_statistics_below, ..ModelSection::default() };
        assert_eq!(model.frozen_on(999), ["conv.*", STATISTICS]);
        assert_eq!(model.frozen_on(1000), ["conv.*"]);
        model.weights = None;
        assert_eq!(model.frozen_on(999), ["conv.*"], "there are none to keep");
    }

    #[test]
    fn the_rate_of_a_small_set_is_in_proportion_to_it() {
        let optimizer =
            OptimizerSection { lr: 0.5, lr_images: Some(1000), ..OptimizerSection::default() };
        let rates = [0, 50, 100, 500, 1000, 1_281_167].map(|images| optimizer.lr_of(images));
        assert_eq!(rates, [0.05, 0.05, 0.05, 0.25, 0.5, 0.5]);
        assert_eq!(OptimizerSection::default().lr_of(1), OptimizerSection::default().lr);
    }
}
