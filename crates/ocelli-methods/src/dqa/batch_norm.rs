//! Statistics of batch normalisations, measured anew for other weights.

use ocelli_data::Loader;
use ocelli_nn::graph::Op;
use ocelli_nn::{BatchStats, Given, GradientEngine, Network, Pass, Seen, TrainPass, Wanted};
use ocelli_random::Seed;
use ocelli_train::{Result, give_back, images};

/// Puts the means of what batch normalisations see of the first `count` training images, or a few more to fill a
/// batch, in the place of their running statistics. All processes see the same images.
///
/// # Errors
/// When images cannot be read.
pub(super) fn reestimate(network: &mut Network, train: &Loader, count: u64) -> Result<()> {
    if count == 0 || !network.has_batch_norm() {
        return Ok(());
    }
    let loader = train.of_whole_batches();
    let mut engine = GradientEngine::new();
    let route = network.graph().classify();
    let mut sums: Vec<BatchStats> = Vec::new();
    let (mut seen, mut batches) = (0, 0_u32);
    let mut epoch = loader.epoch(0, 0);
    while seen < count {
        let Some(batch) = epoch.next() else { break };
        let mut batch = batch?;
        if batch.is_empty() {
            continue;
        }
        seen += batch.len() as u64;
        batches += 1;
        let images = images(&mut batch, network);
        let mut pass = TrainPass::new(Seed::default(), 0, 0);
        let given = vec![Given::Planes(images.clone())];
        let wanted = Wanted { params: false, inputs: false };
        drop(engine.forward(network, &route, given, wanted, Pass::Train(&mut pass))?);
        give_back(&mut batch, images);
        if sums.is_empty() {
            sums = pass.stats().to_vec();
            continue;
        }
        for (sum, own) in sums.iter_mut().zip(pass.stats()) {
            if let (Seen::Moments { mean, variance }, Seen::Moments { mean: m, variance: v }) =
                (&mut sum.seen, &own.seen)
            {
                *mean = mean.clone() + m.clone();
                *variance = variance.clone() + v.clone();
            }
        }
    }
    for BatchStats { node, seen } in sums {
        let Seen::Moments { mean, variance } = seen else { continue };
        let Op::BatchNorm(norm) = &network.graph().node(node).op else { continue };
        let (mean_id, variance_id) = (norm.running_mean, norm.running_var);
        let params = network.params_mut();
        params.set(mean_id, mean.div_scalar(batches))?;
        params.set(variance_id, variance.div_scalar(batches))?;
    }
    Ok(())
}
