//! What a step of SimCLR does.

use super::collisions::StepCollisions;
use burn::tensor::{Tensor, TensorData};
use ocelli_data::{Batch, Source};
use ocelli_kernels::{Rows, RowsMut, nt_xent_masked};
use ocelli_nn::{Given, GradientEngine, Gradients, Network, Pass, Taped, TrainPass, Wanted};
use ocelli_train::{Error, Method, Part, Result, Step, StepOutput, give_back, images};
use std::iter::repeat_n;
use std::sync::Arc;

/// What a view is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negatives {
    /// The views of all other pictures.
    All,
    /// Those of pictures with other labels: an oracle.
    OtherLabels,
    /// Those of pictures in other clusters.
    OtherClusters,
}

/// Contrastive training on two views of each picture.
#[derive(Debug)]
pub struct Simclr {
    engine: GradientEngine,
    temperature: f64,
    negatives: Negatives,
    /// The cluster of each sample of the training set, where it is known.
    clusters: Option<Arc<[u32]>>,
}

impl Simclr {
    /// With the temperature τ of equation 1, which is above 0, and the cluster of each sample of the training
    /// set, if it is known.
    pub fn new(temperature: f64, negatives: Negatives, clusters: Option<Arc<[u32]>>) -> Self {
        Self { engine: GradientEngine::new(), temperature, negatives, clusters }
    }

    /// The group of each row of a part, of which no two are told from each other; empty where all are.
    ///
    /// # Errors
    /// When a picture has no label, or is none of those that were clustered.
    fn groups(&self, batch: &Batch) -> Result<Vec<u32>> {
        let of_samples = match self.negatives {
            Negatives::All => return Ok(Vec::new()),
            Negatives::OtherLabels => batch.targets.classes(),
            Negatives::OtherClusters => {
                let of = |index: &u64| self.clusters.as_ref()?.get(*index as usize).copied();
                batch.indices.iter().filter_map(of).collect()
            }
        };
        if of_samples.len() != batch.len() {
            return Err(Error::Ungrouped { rows: batch.len(), grouped: of_samples.len() });
        }
        Ok(of_samples.into_iter().flat_map(|group| repeat_n(group, batch.views)).collect())
    }

    /// The projections of a part's rows, and its images, whose memory goes home after the tape's.
    fn forward(
        &mut self,
        step: &Step<'_>,
        part: &mut Part,
        pass: &mut TrainPass,
    ) -> Result<(Taped, Tensor<4>)> {
        let images = images(&mut part.batch, step.network);
        let route = step.network.graph().classify();
        let pass = Pass::Train(pass);
        let given = vec![Given::Planes(images.clone())];
        let taped = self.engine.forward(step.network, &route, given, Wanted::PARAMS, pass)?;
        Ok((taped, images))
    }

    /// The loss of the projections of all processes, and the gradient of this one's rows.
    ///
    /// # Shapes
    /// - `own`: `[rows, channels]`, each row of length 1; `groups`: `[rows]`, or none
    /// - result: the mean over the rows of all processes, and `[rows, channels]`
    fn loss(
        &self,
        step: &Step<'_>,
        own: &[f32],
        groups: &[u32],
        channels: usize,
    ) -> Result<(f64, Vec<f32>)> {
        let all = step.group.all_gather(own)?;
        // Fewer than 2²⁴ groups are exact as floats.
        let groups: Vec<f32> = groups.iter().map(|group| *group as f32).collect();
        let groups = step.group.all_gather(&groups)?;
        let groups: Vec<u32> = groups.into_iter().map(|group| group as u32).collect();
        let mut gradient = vec![0.0; all.len()];
        let found = nt_xent_masked(
            Rows::dense(&all, channels),
            &groups,
            self.temperature.recip(),
            RowsMut::dense(&mut gradient, channels),
        );
        let before: usize = if step.group.world_size() == 1 {
            0
        } else {
            // Shares may differ in length: those of lower ranks stand before.
            let mut lengths = vec![0.0; step.group.world_size()];
            lengths[step.group.rank()] = own.len() as f64;
            step.group.all_reduce_f64(&mut lengths)?;
            lengths[..step.group.rank()].iter().sum::<f64>() as usize
        };
        Ok((found.loss, gradient[before..before + own.len()].to_vec()))
    }
}

impl Method for Simclr {
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        let _ = network;
        if data.len() < 2 {
            return Err(Error::TooFewSamples { samples: data.len(), needed: 2 });
        }
        Ok(())
    }

    fn step(&mut self, mut step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        let mut output = StepOutput::default();
        // Of a single part the tape is kept; of several only projections are, for a second pass.
        let (mut projections, mut groups): (Vec<f32>, Vec<u32>) = Default::default();
        let mut collisions = StepCollisions::default();
        let (mut channels, mut parts) = (1, 0);
        let mut kept: Option<(Part, TrainPass, Taped, Tensor<4>)> = None;
        while let Some(mut part) = step.parts.next_part()? {
            // One tape at a time: its memory is most of what a part takes.
            if let Some((mut before, _, taped, images)) = kept.take() {
                drop(taped);
                give_back(&mut before.batch, images);
            }
            let mut pass = step.pass(&part);
            let (taped, images) = self.forward(&step, &mut part, &mut pass)?;
            let rows = taped.rows(0);
            channels = rows.shape.channels;
            projections.extend(rows.values);
            groups.extend(self.groups(&part.batch)?);
            collisions.add(&part.batch, self.clusters.as_deref());
            parts += 1;
            kept = Some((part, pass, taped, images));
        }
        if parts == 0 {
            return Ok(output);
        }
        let kept = kept.filter(|_| parts == 1);
        let (loss, slopes) = self.loss(&step, &projections, &groups, channels)?;
        let mut slopes = &slopes[..];
        let metrics = collisions.metrics();
        let mut backward = |taped: Taped, mut part: Part, images: Tensor<4>, pass: &TrainPass| {
            let planes = taped.value(0);
            let [rows, ..] = planes.dims();
            let (now, later) = slopes.split_at(rows * channels);
            slopes = later;
            let data = TensorData::new(now.to_vec(), [rows, channels, 1, 1]);
            let gradient = Tensor::<4>::from_data(data, step.network.params().device());
            taped.backward(vec![Some(gradient)], gradients);
            give_back(&mut part.batch, images);
            output.add(&part, loss, &metrics, pass.stats().to_vec());
        };
        if let Some((part, pass, taped, images)) = kept {
            backward(taped, part, images, &pass);
            return Ok(output);
        }
        step.parts.again();
        while let Some(mut part) = step.parts.next_part()? {
            let mut pass = step.pass(&part);
            let (taped, images) = self.forward(&step, &mut part, &mut pass)?;
            backward(taped, part, images, &pass);
        }
        Ok(output)
    }
}
