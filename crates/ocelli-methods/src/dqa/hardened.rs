//! What the network is used as: one quantizer in each layer, and the mixture beside it.

use super::DqaSettings;
use super::activations::ActivationMixtures;
use super::batch_norm::reestimate;
use super::mixtures::Mixtures;
use super::names::PREFIX;
use super::settings::FLOAT_BITS;
use ocelli_nn::Network;
use ocelli_train::{Moment, Result};

/// The hardened network, which is scored and saved, without α and steps: a network like any other. Then the
/// mixture, where there is one.
///
/// # Errors
/// When the network is another one, or images for its normalisations cannot be read.
pub(super) fn models(
    network: &Network,
    settings: &DqaSettings,
    moment: Moment<'_>,
) -> Result<Vec<(&'static str, Network)>> {
    if settings.quantizers.is_empty() {
        return Ok(Vec::new());
    }
    let mixtures = Mixtures::new(network, settings, moment.step, moment.total_steps)?;
    let activations = ActivationMixtures::new(network, settings, moment.step, moment.total_steps)?;
    let mut hard = activations.hard(mixtures.hard(network)?.without_free(PREFIX)?)?;
    reestimate(&mut hard, moment.train, settings.bn_reestimate)?;
    let mut models = vec![("hardened", hard)];
    if settings.is_mixture() {
        let soft = mixtures.soft(network)?.without_free(PREFIX)?;
        models.push(("soft", activations.soft(soft)?));
    }
    Ok(models)
}

/// Shares, bits and quantization errors of each layer.
///
/// # Errors
/// When the network is another one.
pub(super) fn measure(
    network: &Network,
    settings: &DqaSettings,
    moment: Moment<'_>,
) -> Result<Vec<(String, f64)>> {
    if settings.quantizers.is_empty() {
        return Ok(Vec::new());
    }
    let mixtures = Mixtures::new(network, settings, moment.step, moment.total_steps)?;
    let [soft, hard] = [mixtures.soft(network)?, mixtures.hard(network)?];
    let mut values = Vec::new();
    let (mut bits, mut weights, mut squares, mut errors) = (0.0, 0.0, 0.0, [0.0; 2]);
    for mixture in &mixtures.layers {
        let layer = &mixture.layer;
        let of = |network: &Network| network.params().to_values(layer.weight);
        let own = of(network);
        let square: f64 = own.iter().map(|w| f64::from(*w).powi(2)).sum();
        let error = |other: &Network| -> f64 {
            own.iter().zip(of(other)).map(|(w, q)| f64::from(w - q).powi(2)).sum()
        };
        let chosen = settings.quantizers[mixture.hardened(settings.harden)].bits();
        let found = [error(&soft), error(&hard)];
        let relative = |error: f64| if square > 0.0 { error / square } else { 0.0 };
        if settings.quantizers.len() > 1 {
            for (quantizer, share) in settings.quantizers.iter().zip(&mixture.shares.values) {
                values.push((format!("dqa/attention/{}/{quantizer}", layer.name), *share));
            }
        }
        values.push((format!("dqa/bits/{}", layer.name), f64::from(chosen)));
        values.push((format!("dqa/error/{}", layer.name), relative(found[0])));
        bits += f64::from(chosen) * layer.len as f64;
        weights += layer.len as f64;
        squares += square;
        errors.iter_mut().zip(found).for_each(|(sum, error)| *sum += error);
    }
    let relative = |error: f64| if squares > 0.0 { error / squares } else { 0.0 };
    values.push(("dqa/bits".to_owned(), bits / f64::max(weights, 1.0)));
    values.push(("dqa/error".to_owned(), relative(errors[0])));
    values.push(("dqa/error_hardened".to_owned(), relative(errors[1])));
    let activations = ActivationMixtures::new(network, settings, moment.step, moment.total_steps)?;
    values.extend(of_activations(&activations, settings));
    let count = settings.quantizers.len().max(settings.activations.len());
    if settings.has_attention(count) {
        let temperature = settings.temperature.at(moment.step, moment.total_steps);
        values.push(("dqa/temperature".to_owned(), temperature));
        let penalty = mixtures.penalty() + activations.penalty();
        values.push(("dqa/penalty".to_owned(), penalty));
    } else if settings.is_mixture() {
        let omega = settings.omega.at(moment.step, moment.total_steps);
        values.push(("dqa/omega".to_owned(), omega));
    }
    Ok(values)
}

/// Shares and bits of each quantized tensor, and the mean of the bits.
fn of_activations(mixtures: &ActivationMixtures<'_>, settings: &DqaSettings) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    let mut sum = 0.0;
    for tensor in &mixtures.tensors {
        let shares = &tensor.shares;
        if settings.activations.len() > 1 {
            for (quantizer, share) in settings.activations.iter().zip(&shares.values) {
                values.push((format!("dqa/attention/{}/{quantizer}", tensor.name), *share));
            }
        }
        let chosen = settings.activations.get(shares.hardened(settings.harden));
        let bits = chosen.and_then(|quantizer| quantizer.bits()).unwrap_or(FLOAT_BITS);
        values.push((format!("dqa/bits/{}", tensor.name), f64::from(bits)));
        sum += f64::from(bits);
    }
    if !mixtures.tensors.is_empty() {
        values.push(("dqa/activation_bits".to_owned(), sum / mixtures.tensors.len() as f64));
    }
    values
}
