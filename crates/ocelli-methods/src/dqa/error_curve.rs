//! How far trained weights are from what quantizers make of them, at every temperature (figure 2).

use super::mixtures::Mixtures;
use super::{DqaSettings, Scheme};
use ocelli_nn::Network;
use ocelli_train::Result;

/// The errors at one moment of the schedule, each relative to the squares of the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorPoint {
    /// T.
    pub temperature: f64,
    /// Of the learnt mixture.
    pub mixture: f64,
    /// Of Binary-Relax between the lowest quantizer and the weights, with the ω of the same moment.
    pub binary_relax: f64,
}

/// The errors of the weights of `network`, as it is trained, at `count` moments that are spread evenly over the
/// schedule; by falling temperature. None where no attention is learnt, or its temperature is constant.
///
/// # Errors
/// When a weight is not finite, or the network was not prepared for the settings.
pub fn error_curve(
    network: &Network,
    settings: &DqaSettings,
    count: u64,
) -> Result<Vec<ErrorPoint>> {
    let temperature = settings.temperature;
    let is_constant = (temperature.start - temperature.end).abs() < f64::EPSILON;
    if settings.scheme != Scheme::Dqa || !settings.has_attention() || is_constant || count < 2 {
        return Ok(Vec::new());
    }
    let mixtures = Mixtures::new(network, settings, 0, 1)?;
    let products = mixtures.products(network);
    let squares: f64 = products.iter().map(|layer| layer.squares).sum();
    let last = count - 1;
    let point = |step: u64| {
        let attention = settings.attention(step, last);
        let relax = settings.omega.at(step, last);
        let share = relax / (relax + 1.0);
        let (mut mixture, mut binary_relax) = (0.0, 0.0);
        for layer in &products {
            mixture += layer.of(&attention.shares(&layer.alpha));
            binary_relax += share * share * layer.of_residuals[0];
        }
        let relative = |error: f64| if squares > 0.0 { error / squares } else { 0.0 };
        ErrorPoint {
            temperature: attention.temperature,
            mixture: relative(mixture),
            binary_relax: relative(binary_relax),
        }
    };
    Ok((0..count).map(point).collect())
}
