//! Supervised classification.

use super::{Method, Step, StepOutput, check_classes};
use crate::Result;
use crate::loss::cross_entropy;
use crate::metrics::rank_of;
use crate::tensors::{give_back, images, values};
use burn::tensor::Tensor;
use ocelli_data::{Source, Targets};
use ocelli_nn::{GradientEngine, Gradients, Network, TrainPass};

/// Supervised classification: cross-entropy with the labels.
#[derive(Debug, Default)]
pub struct Supervised {
    engine: GradientEngine,
}

impl Method for Supervised {
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        check_classes(network, data)
    }

    fn step(&mut self, mut step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        let mut output = StepOutput::default();
        while let Some(mut part) = step.parts.next_part()? {
            let images = images(&mut part.batch, step.network);
            let mut pass = step.pass(&part);
            let targets = &part.batch.targets;
            let measured = self.differentiate(
                step.network,
                images.clone(),
                targets,
                part.weight,
                &mut pass,
                gradients,
            )?;
            give_back(&mut part.batch, images);
            let top1 = [("top1", measured.top1)];
            output.add(&part, measured.loss, &top1, pass.stats().to_vec());
        }
        Ok(output)
    }
}

/// What a part is found to have.
pub(crate) struct Measured {
    loss: f64,
    top1: f64,
}

impl Supervised {
    /// The loss of images that are where the network is, averaged; `weight` times its gradients are
    /// added to `into`.
    pub(crate) fn differentiate(
        &mut self,
        network: &Network,
        images: Tensor<4>,
        targets: &Targets,
        weight: f64,
        pass: &mut TrainPass,
        into: &mut Gradients,
    ) -> Result<Measured> {
        let loss = |logits| cross_entropy(logits, targets);
        let (loss, logits) =
            self.engine.add_gradients(network, images, pass, loss, weight, into)?;
        let top1 = share_correct(&values(logits), targets);
        Ok(Measured { loss: f64::from(loss.into_scalar::<f32>()), top1 })
    }
}

/// The share of samples whose most probable target, or one of several, is the network's prediction.
fn share_correct(logits: &[f32], targets: &Targets) -> f64 {
    let count = targets.len().max(1);
    let rows = logits.chunks_exact((logits.len() / count).max(1));
    let is_right = |row: &[f32], label: u32| rank_of(row, label as usize) == 0;
    let correct = match targets {
        Targets::MultiLabel(sets) => {
            let any = |row, set: &[u32]| set.iter().any(|label| is_right(row, *label));
            rows.zip(sets).filter(|(row, set)| any(row, set)).count()
        }
        _ => rows.zip(targets.classes()).filter(|(row, label)| is_right(row, *label)).count(),
    };
    correct as f64 / count as f64
}
