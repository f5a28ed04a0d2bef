//! `[progressive]`: small images with little regularisation first, large ones with much later.
//!
//! Paper: Tan and Le, *EfficientNetV2: Smaller Models and Faster Training*, ICML 2021
//! (<https://arxiv.org/abs/2104.00298>), section 4 and algorithm 1.
//!
//! | paper | here |
//! | --- | --- |
//! | M stages of N / M steps each | [`ProgressiveSection::stages`] |
//! | S₀, Sₑ | [`ProgressiveSection::size`] |
//! | φ₀, φₑ of RandAugment, mixup, dropout (Table 6) | the other ranges |
//!
//! A stage is the recipe with other values ([`Recipe::stages`]), a pure function of the step, so a
//! run is resumed in any stage as in any other step. Nothing is tied to one network.
//!
//! The paper and the released code differ, and both are here ([`Preset`]): the code's first stage
//! is one step above S₀, and it computes a ramp of the dropout but trains with its last value.

use super::Recipe;
use ocelli_data::augment::RandAugment;
use serde::{Deserialize, Serialize};

/// How a training grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressiveSection {
    /// Whose formula.
    pub preset: Preset,
    /// M: in how many stages of equal length.
    pub stages: u64,
    /// The size of training images in pixels, from the first stage to the last. Evaluation keeps
    /// `input.size`.
    pub size: [u32; 2],
    /// The magnitude of RandAugment; none leaves `augment.rand_augment` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub magnitude: Option<[f64; 2]>,
    /// The α of mixup; none leaves `mix.mixup` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixup: Option<[f64; 2]>,
    /// The α of cutmix; none leaves `mix.cutmix` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutmix: Option<[f64; 2]>,
    /// Dropout before the classifier; none leaves `model.dropout` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<[f64; 2]>,
}

/// Whose formula a stage's values follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Algorithm 1: everything in equal steps from the first stage to the last.
    Paper,
    /// The public code: sizes S₀ + (Sₑ − S₀) · (i + 1) / M, whole pixels, rounded down; dropout
    /// constant at its last value; all else as in the paper.
    Released,
}

impl Default for ProgressiveSection {
    /// EfficientNetV2-S's four stages of Table 6, sizes only.
    fn default() -> Self {
        Self {
            preset: Preset::Paper,
            stages: 4,
            size: [128, 300],
            magnitude: None,
            mixup: None,
            cutmix: None,
            dropout: None,
        }
    }
}

impl ProgressiveSection {
    /// A number in stage `stage`, counted from zero.
    fn at(&self, stage: u64, [first, last]: [f64; 2]) -> f64 {
        if self.stages < 2 {
            return last;
        }
        first + (last - first) * stage as f64 / (self.stages - 1) as f64
    }

    fn size_at(&self, stage: u64) -> u32 {
        let [first, last] = self.size.map(f64::from);
        match self.preset {
            Preset::Paper => self.at(stage, [first, last]).round() as u32,
            Preset::Released => {
                (first + (last - first) * (stage + 1) as f64 / self.stages.max(1) as f64) as u32
            }
        }
    }

    fn dropout_at(&self, stage: u64, range: [f64; 2]) -> f64 {
        match self.preset {
            Preset::Paper => self.at(stage, range),
            Preset::Released => range[1],
        }
    }
}

impl Recipe {
    /// The recipe of each stage of training, one if it does not grow.
    pub fn stages(&self) -> Vec<Self> {
        let Some(growth) = &self.progressive else { return vec![self.clone()] };
        let stage = |stage| {
            let mut recipe = self.clone();
            recipe.input.size = growth.size_at(stage);
            if let Some(range) = growth.magnitude {
                let augment: RandAugment = recipe.augment.rand_augment.unwrap_or_default();
                let magnitude = growth.at(stage, range);
                recipe.augment.rand_augment = Some(RandAugment { magnitude, ..augment });
            }
            let ramp = |range: Option<[f64; 2]>| range.map(|range| growth.at(stage, range));
            recipe.mix.mixup = ramp(growth.mixup).unwrap_or(recipe.mix.mixup);
            recipe.mix.cutmix = ramp(growth.cutmix).unwrap_or(recipe.mix.cutmix);
            let dropout = growth.dropout.map(|range| growth.dropout_at(stage, range));
            recipe.model.dropout = dropout.or(recipe.model.dropout);
            recipe
        };
        (0..growth.stages).map(stage).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(text: &str) -> Vec<Recipe> {
        Recipe::resolve("test", text, &["model.name=tf_efficientnetv2_s"]).unwrap().stages()
    }

    #[track_caller]
    fn assert_near(actual: impl IntoIterator<Item = f64>, expected: [f64; 4]) {
        let actual: Vec<f64> = actual.into_iter().collect();
        assert_eq!(actual.len(), 4);
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 0.005, "{actual:?}");
        }
    }

    #[test]
    fn the_papers_stages_are_those_of_table_6() {
        let small =
            stages("[progressive]\nsize = [128, 300]\nmagnitude = [5, 15]\ndropout = [0.1, 0.3]");
        let sizes: Vec<u32> = small.iter().map(|stage| stage.input.size).collect();
        assert_eq!(sizes, [128, 185, 243, 300]);
        let magnitude = |stage: &Recipe| stage.augment.rand_augment.unwrap().magnitude;
        assert_near(small.iter().map(magnitude), [5.0, 8.333, 11.667, 15.0]);
        assert_near(small.iter().map(|s| s.model.dropout.unwrap()), [0.1, 0.167, 0.233, 0.3]);
        let medium = stages("[progressive]\nsize = [128, 380]\nmixup = [0, 0.2]");
        assert_near(medium.iter().map(|s| s.mix.mixup), [0.0, 0.067, 0.133, 0.2]);
        assert_eq!(medium[2].input.size, 296);
        assert!(medium[0].augment.rand_augment.is_none());
    }

    #[test]
    fn the_released_code_begins_larger_and_keeps_dropout() {
        let small =
            stages("[progressive]\npreset = 'released'\nmagnitude = [5, 10]\ndropout = [0.1, 0.2]");
        let sizes: Vec<u32> = small.iter().map(|stage| stage.input.size).collect();
        assert_eq!(sizes, [171, 214, 257, 300]);
        let magnitude = |stage: &Recipe| stage.augment.rand_augment.unwrap().magnitude;
        assert_near(small.iter().map(magnitude), [5.0, 6.667, 8.333, 10.0]);
        assert_near(small.iter().map(|s| s.model.dropout.unwrap()), [0.2; 4]);
        for (last, sizes) in [(384, [192, 256, 320, 384]), (240, [156, 184, 212, 240])] {
            let text = format!("[progressive]\npreset = 'released'\nsize = [128, {last}]");
            let found: Vec<u32> = stages(&text).iter().map(|stage| stage.input.size).collect();
            assert_eq!(found, sizes);
        }
    }

    /// S, M and L of Table 6, then S, M and both L and XL of the released code.
    #[test]
    fn magnitudes_are_those_of_the_paper_and_of_the_released_code() {
        for (preset, last, expected) in [
            ("paper", 15, [5.0, 8.333, 11.667, 15.0]),
            ("paper", 20, [5.0, 10.0, 15.0, 20.0]),
            ("paper", 25, [5.0, 11.667, 18.333, 25.0]),
            ("released", 10, [5.0, 6.667, 8.333, 10.0]),
            ("released", 15, [5.0, 8.333, 11.667, 15.0]),
            ("released", 20, [5.0, 10.0, 15.0, 20.0]),
        ] {
            let text = format!("[progressive]\npreset = '{preset}'\nmagnitude = [5, {last}]");
            let magnitude = |stage: &Recipe| stage.augment.rand_augment.unwrap().magnitude;
            assert_near(stages(&text).iter().map(magnitude), expected);
        }
    }

    #[test]
    fn without_growth_there_is_one_stage() {
        let recipe = Recipe::default();
        assert_eq!(recipe.stages(), [recipe]);
    }

    #[test]
    fn values_that_cannot_be_are_refused_by_name() {
        let refuse = |set: &str| {
            let text = "[progressive]\nstages = 2";
            Recipe::resolve("test", text, &[set]).unwrap_err().to_string()
        };
        assert!(refuse("progressive.stages=0").contains("progressive.stages"));
        assert!(refuse("progressive.size=[0, 32]").contains("progressive.size"));
        assert!(refuse("progressive.dropout=[0.1, 1.0]").contains("progressive.dropout"));
        assert!(refuse("progressive.mixup=[-1, 1]").contains("progressive.mixup"));
        assert!(refuse("progressive.sizes=[1, 2]").contains("did you mean `progressive.size`"));
    }
}
