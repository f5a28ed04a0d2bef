//! Supervised classification.

use super::{Method, Step, StepOutput, check_classes};
use crate::Result;
use crate::loss::cross_entropy;
use crate::metrics::rank_of;
use crate::tensors::{give_back, images, values};
use ocelli_data::{Source, Targets};
use ocelli_nn::{GradientEngine, Gradients, Network, TrainImages, TrainPass};

/// Supervised classification: cross-entropy with the labels.
#[derive(Debug, Default)]
pub struct Supervised {
    engine: GradientEngine,
}

impl Method for Supervised {
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        check_classes(network, data)
    }

    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        Ok(self.step_with_attention(step, &[], gradients)?.0)
    }
}

/// What a part is found to have.
pub(crate) struct Measured {
    loss: f64,
    top1: f64,
}

impl Supervised {
    /// A step of a network whose activations are mixtures of quantizers, with the attention to them, and the
    /// gradient of the attention: this process's share.
    ///
    /// # Errors
    /// When samples cannot be read, or they or the attention do not fit the network.
    pub fn step_with_attention(
        &mut self,
        mut step: Step<'_>,
        attention: &[Vec<f32>],
        gradients: &mut Gradients,
    ) -> Result<(StepOutput, Vec<Vec<f64>>)> {
        let mut output = StepOutput::default();
        let mut of_attention: Vec<Vec<f64>> =
            attention.iter().map(|shares| vec![0.0; shares.len()]).collect();
        while let Some(mut part) = step.parts.next_part()? {
            let images = images(&mut part.batch, step.network);
            let mut pass = step.pass(&part);
            let given = TrainImages { images: images.clone(), attention };
            let (measured, of_part) = self.differentiate(
                step.network,
                given,
                &part.batch.targets,
                part.weight,
                &mut pass,
                gradients,
            )?;
            give_back(&mut part.batch, images);
            for (sum, of_part) in of_attention.iter_mut().flatten().zip(of_part.iter().flatten()) {
                *sum += of_part;
            }
            let top1 = [("top1", measured.top1)];
            output.add(&part, measured.loss, &top1, pass.stats().to_vec());
        }
        Ok((output, of_attention))
    }

    /// The loss of images that are where the network is, averaged; `weight` times its gradients are
    /// added to `into`, those of the attention are returned.
    pub(crate) fn differentiate(
        &mut self,
        network: &Network,
        given: TrainImages<'_>,
        targets: &Targets,
        weight: f64,
        pass: &mut TrainPass,
        into: &mut Gradients,
    ) -> Result<(Measured, Vec<Vec<f64>>)> {
        let loss = |logits| cross_entropy(logits, targets);
        let (loss, logits, of_attention) =
            self.engine.add_gradients_of(network, given, pass, loss, weight, into)?;
        let top1 = share_correct(&values(logits), targets);
        Ok((Measured { loss: f64::from(loss.into_scalar::<f32>()), top1 }, of_attention))
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
