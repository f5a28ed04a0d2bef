//! What a step of SimCLR does.

use burn::tensor::{Tensor, TensorData};
use ocelli_data::Source;
use ocelli_kernels::{Rows, RowsMut, nt_xent};
use ocelli_nn::{Given, GradientEngine, Gradients, Network, Pass, Taped, TrainPass, Wanted};
use ocelli_train::{Error, Method, Part, Result, Step, StepOutput, give_back, images};

/// Contrastive training on two views of each picture.
#[derive(Debug)]
pub struct Simclr {
    engine: GradientEngine,
    temperature: f64,
}

impl Simclr {
    /// With the temperature τ of equation 1, which is above 0.
    pub fn new(temperature: f64) -> Self {
        Self { engine: GradientEngine::new(), temperature }
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
    /// - `own`: `[rows, channels]`, each row of length 1
    /// - result: the mean over the rows of all processes, and `[rows, channels]`
    fn loss(&self, step: &Step<'_>, own: &[f32], channels: usize) -> Result<(f64, Vec<f32>)> {
        let all = step.group.all_gather(own)?;
        let mut gradient = vec![0.0; all.len()];
        let found = nt_xent(
            Rows::dense(&all, channels),
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
        let mut projections: Vec<f32> = Vec::new();
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
            parts += 1;
            kept = Some((part, pass, taped, images));
        }
        if parts == 0 {
            return Ok(output);
        }
        let kept = kept.filter(|_| parts == 1);
        let (loss, slopes) = self.loss(&step, &projections, channels)?;
        let mut slopes = &slopes[..];
        let mut backward = |taped: Taped, mut part: Part, images: Tensor<4>, pass: &TrainPass| {
            let planes = taped.value(0);
            let [rows, ..] = planes.dims();
            let (now, later) = slopes.split_at(rows * channels);
            slopes = later;
            let data = TensorData::new(now.to_vec(), [rows, channels, 1, 1]);
            let gradient = Tensor::<4>::from_data(data, step.network.params().device());
            taped.backward(vec![Some(gradient)], gradients);
            give_back(&mut part.batch, images);
            output.add(&part, loss, &[], pass.stats().to_vec());
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
