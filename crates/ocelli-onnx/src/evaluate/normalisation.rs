//! Normalisations.

use super::settings::Settings;
use super::tensor::Values;
use crate::Result;

/// `BatchNormalization` with running statistics.
pub(super) fn batch_norm(settings: Settings<'_>, inputs: [&Values; 5]) -> Result<Values> {
    let at = settings.name();
    let [x, params @ ..] = inputs;
    let channels = x.shape.get(1).copied().unwrap_or(1);
    let pixels: usize = x.shape.iter().skip(2).product();
    let epsilon = settings.float("epsilon")?;
    let mut vectors = [[].as_slice(); 4];
    for (vector, param) in vectors.iter_mut().zip(params) {
        *vector = param.as_floats(at)?;
        if vector.len() != channels {
            return Err(settings.wrong(format!("{} values for {channels} channels", vector.len())));
        }
    }
    let [scale, shift, mean, variance] = vectors;
    let mut y = x.as_floats(at)?.to_vec();
    for (index, map) in y.chunks_mut(pixels).enumerate() {
        let channel = index % channels;
        let factor = scale[channel] / (variance[channel] + epsilon).sqrt();
        for x in map {
            *x = (*x - mean[channel]) * factor + shift[channel];
        }
    }
    Values::floats(y, &x.shape)
}

/// `LRN`
pub(super) fn local_response(settings: Settings<'_>, x: &Values) -> Result<Values> {
    let [_, channels, height, width] = x.as_map(settings.name())?;
    let (size, pixels) = (settings.int("size")?, height * width);
    let (alpha, beta) = (settings.float("alpha")?, settings.float("beta")?);
    let bias = settings.float("bias")?;
    let elements = x.as_floats(settings.name())?;
    let mut y = Vec::with_capacity(elements.len());
    for image in elements.chunks(channels * pixels) {
        for channel in 0..channels {
            let first = channel.saturating_sub((size - 1) / 2);
            let end = (channel + size / 2 + 1).min(channels);
            for pixel in 0..pixels {
                let near = image[first * pixels..end * pixels].iter().skip(pixel).step_by(pixels);
                let sum: f32 = near.map(|x| x * x).sum();
                let divisor = (bias + alpha / size as f32 * sum).powf(beta);
                y.push(image[channel * pixels + pixel] / divisor);
            }
        }
    }
    Values::floats(y, &x.shape)
}

/// `ReduceL2` of the channels, whose axis stays.
pub(super) fn length(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let axes = match inputs.get(1) {
        Some(axes) => axes.as_integers(at)?.iter().map(|axis| *axis as usize).collect(),
        None => settings.list("axes").unwrap_or_default(),
    };
    let x = inputs[0];
    let ([1], [_, channels, rest @ ..], 1) =
        (axes.as_slice(), x.shape.as_slice(), settings.int("keepdims")?)
    else {
        return Err(settings.wrong("another axis than the channels"));
    };
    let pixels: usize = rest.iter().product();
    let mut y = Vec::with_capacity(x.shape[0] * pixels);
    for image in x.as_floats(at)?.chunks(channels * pixels) {
        for pixel in 0..pixels {
            let squares = image.iter().skip(pixel).step_by(pixels).map(|x| x * x);
            y.push(squares.sum::<f32>().sqrt());
        }
    }
    let mut shape = x.shape.clone();
    shape[1] = 1;
    Values::floats(y, &shape)
}
