//! What the network is used as: one quantizer in each layer, and the mixture beside it.

use super::DqaSettings;
use super::batch_norm::reestimate;
use super::mixtures::Mixtures;
use super::names::PREFIX;
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
    let mut hard = mixtures.hard(network)?.without_free(PREFIX)?;
    reestimate(&mut hard, moment.train, settings.bn_reestimate)?;
    let mut models = vec![("hardened", hard)];
    if settings.is_mixture() {
        models.push(("soft", mixtures.soft(network)?.without_free(PREFIX)?));
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
        if settings.is_mixture() {
            for (quantizer, share) in settings.quantizers.iter().zip(&mixture.shares) {
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
    if settings.has_attention() {
        let temperature = settings.temperature.at(moment.step, moment.total_steps);
        values.push(("dqa/temperature".to_owned(), temperature));
        values.push(("dqa/penalty".to_owned(), mixtures.penalty()));
    } else if settings.is_mixture() {
        let omega = settings.omega.at(moment.step, moment.total_steps);
        values.push(("dqa/omega".to_owned(), omega));
    }
    Ok(values)
}
