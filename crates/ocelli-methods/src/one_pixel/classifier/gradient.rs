//! How the loss of a network changes with the values of an image, for attacks that may see its weights.

use super::normalised::normalised;
use crate::{Error, Result};
use burn::tensor::{Tensor, TensorData};
use ocelli_data::Image;
use ocelli_nn::{Given, GradientEngine, Gradients, Network, Pass, Wanted};

/// A network whose loss is differentiated for its image.
#[derive(Debug)]
pub(super) struct InputGradient {
    /// Its memory is shared with the network that is attacked.
    network: Network,
    engine: GradientEngine,
    /// What to multiply a value with and what to add then, for each channel.
    scale_and_offset: [(f32, f32); 3],
}

impl InputGradient {
    pub(super) fn new(network: &Network, scale_and_offset: [(f32, f32); 3]) -> Self {
        Self { network: network.clone(), engine: GradientEngine::new(), scale_and_offset }
    }

    /// The gradient of the cross-entropy of `class` over 1 − its probability, for each value of `image`,
    /// 0 to 255. The cross-entropy's own gradient has this factor and vanishes in f32 where a network is
    /// sure, its direction does not.
    ///
    /// # Shapes
    /// - result: `[height, width, channels]`
    ///
    /// # Errors
    /// [`Error::NoGradient`] when the loss does not depend on the image.
    pub(super) fn compute(&mut self, image: &Image, class: u32) -> Result<Vec<f32>> {
        let (height, width) = (image.height as usize, image.width as usize);
        let channels = usize::from(image.channels);
        let planes = normalised(image, [channels, height, width], self.scale_and_offset);
        let data = TensorData::new(planes, [1, channels, height, width]);
        let images = Tensor::<4>::from_data(data, self.network.params().device());
        let route = self.network.graph().classify();
        let given = vec![Given::Planes(images)];
        let taped =
            self.engine.forward(&self.network, &route, given, Wanted::INPUTS, Pass::Eval)?;
        let logits = taped.value(0);
        let slope = slope(&logits, class as usize).ok_or(Error::NoGradient)?;
        let found = taped.backward(vec![Some(slope)], &mut Gradients::new()).swap_remove(0);
        let planes: Vec<f32> = found.ok_or(Error::NoGradient)?.into_data().iter::<f32>().collect();
        let size = height * width;
        let scaled = |(pixel, channel): (usize, usize)| {
            planes[channel * size + pixel] * self.scale_and_offset[channel].0
        };
        let values = (0..size).flat_map(|pixel| (0..channels).map(move |c| (pixel, c)));
        Ok(values.map(scaled).collect())
    }
}

/// The gradient of the loss for the logits: the logarithm of what the other classes have together, less
/// the logit of the class.
///
/// # Shapes
/// - `logits` and result: `[1, classes, 1, 1]`
fn slope(logits: &Tensor<4>, class: usize) -> Option<Tensor<4>> {
    let shape = logits.dims();
    let classes: usize = shape.iter().product();
    let values: Vec<f32> = logits.to_data().iter::<f32>().collect();
    let is_other = |other: &usize| *other != class;
    let others = (0..classes).filter(is_other).map(|other| values[other]);
    let most = others.fold(f32::MIN, f32::max);
    let mask = (0..classes).map(|other| if is_other(&other) { 1.0_f32 } else { 0.0 });
    let mask = TensorData::new(mask.collect::<Vec<f32>>(), [1, classes]);
    let mask = Tensor::<2>::from_data(mask, &logits.device()).autodiff();
    let leaf = logits.clone().reshape([1, classes]).autodiff().require_grad();
    let own = (leaf.clone() * (mask.clone().neg().add_scalar(1.0))).sum();
    // The class itself is left out before the exponential, where it could overflow.
    let powers = ((leaf.clone().sub_scalar(most)) * mask.clone()).exp() * mask;
    let loss = powers.sum().log() - own;
    Some(leaf.grad(&loss.backward())?.reshape(shape))
}
