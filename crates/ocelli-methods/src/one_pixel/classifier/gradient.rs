//! How the loss of a network changes with the values of an image, for attacks that may see its weights.

use super::normalised::normalised;
use crate::{Error, Result};
use burn::tensor::{Tensor, TensorData};
use ocelli_data::Image;
use ocelli_nn::{Network, Pass};

/// The gradient of the cross-entropy of `class` over 1 − its probability, for each value of `image`, 0 to
/// 255. The cross-entropy's own gradient has this factor and vanishes in f32 where a network is sure,
/// its direction does not.
///
/// # Shapes
/// - result: `[height, width, channels]`
///
/// # Errors
/// [`Error::NoGradient`] when the answer does not depend on the image.
pub(super) fn gradient(
    network: &Network,
    scale_and_offset: [(f32, f32); 3],
    image: &Image,
    class: u32,
) -> Result<Vec<f32>> {
    let (height, width) = (image.height as usize, image.width as usize);
    let channels = usize::from(image.channels);
    let planes = normalised(image, [channels, height, width], scale_and_offset);
    let device = network.params().device();
    let data = TensorData::new(planes, [1, channels, height, width]);
    let images = Tensor::<4>::from_data(data, device).autodiff().require_grad();
    let logits = network.forward(images.clone(), Pass::Eval);
    let [_, classes] = logits.dims();
    let numbers: Vec<f32> = logits.clone().without_autodiff().into_data().iter::<f32>().collect();
    let is_other = |other: &usize| *other != class as usize;
    let others = (0..classes).filter(is_other).map(|other| numbers[other]);
    let most = others.fold(f32::MIN, f32::max);
    // The logarithm of what the other classes have together, less the logit of the class.
    let mask = (0..classes).map(|other| if is_other(&other) { 1.0_f32 } else { 0.0 });
    let mask = TensorData::new(mask.collect::<Vec<f32>>(), [1, classes]);
    let mask = Tensor::<2>::from_data(mask, device).autodiff();
    let own = (logits.clone() * (mask.clone().neg().add_scalar(1.0))).sum();
    // The class itself is left out before the exponential, where it could overflow.
    let powers = ((logits.sub_scalar(most)) * mask.clone()).exp() * mask;
    let loss = powers.sum().log() - own;
    let gradient = images.grad(&loss.backward()).ok_or(Error::NoGradient)?;
    let planes: Vec<f32> = gradient.into_data().iter::<f32>().collect();
    let size = height * width;
    let scaled = |(pixel, channel): (usize, usize)| {
        planes[channel * size + pixel] * scale_and_offset[channel].0
    };
    let places = (0..size).flat_map(|pixel| (0..channels).map(move |c| (pixel, c)));
    Ok(places.map(scaled).collect())
}
