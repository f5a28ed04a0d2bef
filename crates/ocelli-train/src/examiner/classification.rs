//! How many images a classifier gets right.

use super::{Examined, Examiner, Score};
use crate::{ProcessGroup, Result, evaluate};
use ocelli_data::Loader;
use ocelli_nn::Network;
use std::sync::Arc;

/// Classifies every image of a dataset. The score is the share of right predictions.
pub struct Classification {
    loader: Arc<Loader>,
}

impl Classification {
    /// Classifies the images of `loader`, which must visit each exactly once.
    pub fn new(loader: Arc<Loader>) -> Self {
        Self { loader }
    }
}

impl Examiner for Classification {
    fn name(&self) -> &'static str {
        "classification"
    }

    /// `eval/top1`, `eval/top5` where there are more than five classes, `eval/loss`,
    /// `eval/calibration_error`, `eval/images_per_second`.
    fn examine(
        &mut self,
        network: &Network,
        group: &dyn ProcessGroup,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined> {
        let total = self.loader.source().len();
        let evaluation = evaluate(network, &self.loader, group, &mut |done| progress(done, total))?;
        let scores = &evaluation.scores;
        let score = Score::top1(scores.correct, scores.samples);
        let mut examined = Examined::values([
            ("eval/top1", scores.top1),
            ("eval/loss", scores.loss),
            ("eval/calibration_error", scores.calibration_error),
            ("eval/images_per_second", evaluation.images_per_second),
        ]);
        examined.values.extend(scores.top5.map(|top5| ("eval/top5".to_owned(), top5)));
        Ok(Examined { score: Some(score), evaluation: Some(evaluation), ..examined })
    }
}
