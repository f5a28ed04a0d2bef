//! What a step of an autoencoder does.

use burn::tensor::{Tensor, TensorData};
use ocelli_data::Source;
use ocelli_nn::{Given, GradientEngine, Gradients, Network, Pass, Wanted};
use ocelli_random::Purpose;
use ocelli_train::{Error, Method, Part, Result, Step, StepOutput, give_back, images};
use rand_distr::{Distribution, StandardNormal};

/// The noise on what goes in.
const NOISE: Purpose = Purpose("autoencoder-noise");

/// Training to give back a picture that noise was added to.
#[derive(Debug)]
pub struct Autoencoder {
    engine: GradientEngine,
    noise: f64,
}

impl Autoencoder {
    /// With noise of this standard deviation.
    pub fn new(noise: f64) -> Self {
        Self { engine: GradientEngine::new(), noise }
    }

    /// The images of a part with noise, which follows from the step and each row's position.
    fn noisy(&self, step: &Step<'_>, part: &Part) -> Vec<f32> {
        let mut pixels = part.batch.images.clone();
        if self.noise == 0.0 {
            return pixels;
        }
        let rows = part.batch.shape[0].max(1);
        let length = (pixels.len() / rows).max(1);
        for (row, pixels) in (part.first_row..).zip(pixels.chunks_mut(length)) {
            let mut rng = step.seed.stream(NOISE, step.step, row);
            for pixel in pixels {
                let unit: f32 = StandardNormal.sample(&mut rng);
                *pixel += self.noise as f32 * unit;
            }
        }
        pixels
    }
}

impl Method for Autoencoder {
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        let _ = network;
        if data.is_empty() {
            return Err(Error::TooFewSamples { samples: 0, needed: 1 });
        }
        Ok(())
    }

    fn step(&mut self, mut step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        let mut output = StepOutput::default();
        let device = step.network.params().device().clone();
        let route = step.network.graph().classify();
        while let Some(mut part) = step.parts.next_part()? {
            let shape = part.batch.shape;
            let noisy = TensorData::new(self.noisy(&step, &part), shape);
            let given = vec![Given::Planes(Tensor::from_data(noisy, &device))];
            let clean = images(&mut part.batch, step.network);
            let mut pass = step.pass(&part);
            let taped = self.engine.forward(
                step.network,
                &route,
                given,
                Wanted::PARAMS,
                Pass::Train(&mut pass),
            )?;
            let made = taped.value(0);
            if made.dims() != shape {
                return Err(Error::OtherSize { made: made.dims(), expected: shape });
            }
            let difference = made - clean.clone();
            let elements = shape.iter().product::<usize>().max(1) as f64;
            let squares = difference.clone().square().sum().into_scalar::<f32>();
            let loss = f64::from(squares) / elements;
            let gradient = difference.mul_scalar((2.0 * part.weight / elements) as f32);
            taped.backward(vec![Some(gradient)], gradients);
            give_back(&mut part.batch, clean);
            output.add(&part, loss, &[], pass.stats().to_vec());
        }
        Ok(output)
    }
}
