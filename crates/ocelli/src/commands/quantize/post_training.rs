//! Few bits without training.

use ocelli::data::Loader;
use ocelli::methods;
use ocelli::methods::post_training::{PostTraining, PostTrainingConfig, Sensitivity, Width};
use ocelli::nn::weights::PackedLayout;
use ocelli::train::{Local, evaluate};

use super::args::{Args, Share};
use super::result::{ActivationRanges, Activations, Calibration, LayerJson, QuantizedLayers};
use super::subject::QuantizeSubject;
use crate::failure::{BadUsage, Done};
use crate::settings::Settings;
use crate::talk::Progress;

/// Where no choice of bits depends on it, the loss of each layer is measured on so many calibration images.
const SHOWN_IMAGES: u64 = 128;

pub(super) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    let config = config(args)?;
    let subject = QuantizeSubject::open(args, &settings)?;
    let QuantizeSubject { trained, images, .. } = &subject;
    let found = PostTraining::new(&trained.network, &config)?;
    if !images.is_apart {
        tracing::warn!(
            "the dataset has one part: calibration images are among those of the result"
        );
    }

    let (bits, sensitivity, measured) = match config.width {
        Width::Bits(bits) => {
            let bits = vec![bits; found.layers().len()];
            let shown = images.calibration(SHOWN_IMAGES.min(args.calibration))?;
            let sensitivity = sensitivity(&found, &shown, |layer| vec![bits[layer]])?;
            (bits, sensitivity, shown.source().len())
        }
        Width::Budget(budget) => {
            let all = images.calibration(args.calibration)?;
            let sensitivity = sensitivity(&found, &all, |_| found.widths().to_vec())?;
            let size = |layout: &PackedLayout| Ok(trained.packed_size(layout)?);
            (found.within(budget, &sensitivity, size)?, sensitivity, all.source().len())
        }
    };

    let predicted = trained.packed_size(&found.layout(&bits))?;
    let chosen: Vec<Option<u32>> = bits.iter().copied().map(Some).collect();
    let mut network = found.network(&chosen)?;
    let mut activations = None;
    if let Some(bits) = args.activations {
        let ranges = images.ranges(args.calibration, &network)?;
        network = ranges.network;
        let (coverage, losses) = (ranges.coverage, ranges.losses);
        let images = images.count(args.calibration);
        let calibration = Some(ActivationRanges { images, coverage, losses });
        activations = Some(Activations { bits, calibration });
    }
    let (seed, is_apart) = (images.seed, images.is_apart);
    let calibration = Some(Calibration { images: measured, seed, is_apart });
    let found = QuantizedLayers {
        bits: found.mean_bits(&bits),
        layers: layers(&found, &bits, &sensitivity, config.width),
        per: Some(config.per),
        activations,
        calibration,
        run: None,
    };
    subject.finish(network, predicted, &found, settings)
}

fn config(args: &Args) -> anyhow::Result<PostTrainingConfig> {
    let width = match (&args.bits[..], args.budget) {
        ([], Some(budget)) => Width::Budget(budget.0),
        ([], None) => Width::Bits(8),
        ([bits], _) => Width::Bits(*bits),
        _ => {
            let message = "--bits: one number with --post-training, or --budget for several";
            return Err(BadUsage(message.to_owned()).into());
        }
    };
    let per = args.per.unwrap_or(Share::Channel).into();
    let (keep, activations) = (args.keep.clone(), args.activations);
    Ok(PostTrainingConfig { width, per, keep, activations })
}

fn sensitivity(
    found: &PostTraining,
    calibration: &Loader,
    widths: impl Fn(usize) -> Vec<u32>,
) -> anyhow::Result<Sensitivity> {
    let networks: usize = (0..found.layers().len()).map(|layer| widths(layer).len()).sum();
    let progress = Progress::start("layers", networks as u64 + 1, "networks");
    let mut done = 0;
    let sensitivity = found.sensitivity(widths, |network| {
        let evaluation = evaluate(network, calibration, &Local, &mut |_| ())?;
        done += 1;
        progress.set(done);
        Ok::<_, methods::Error>(evaluation.scores.loss)
    })?;
    Ok(sensitivity)
}

fn layers(
    found: &PostTraining,
    bits: &[u32],
    sensitivity: &Sensitivity,
    width: Width,
) -> Vec<LayerJson> {
    let measured = |bits: u32| match width {
        Width::Bits(_) => Some(0),
        Width::Budget(_) => found.widths().iter().position(|width| *width == bits),
    };
    let quantized = found.layers().iter().zip(bits).zip(&sensitivity.increases);
    let quantized = quantized.map(|((layer, bits), increases)| LayerJson {
        name: layer.name.clone(),
        weights: layer.weights,
        bits: *bits,
        bytes: found.bytes(layer, *bits),
        loss_increase: measured(*bits).and_then(|at| increases.get(at).copied()),
    });
    let kept = found.kept().map(|(name, weights)| LayerJson {
        name: name.to_owned(),
        weights,
        bits: 32,
        bytes: 4 * weights as u64,
        loss_increase: None,
    });
    quantized.chain(kept).collect()
}
