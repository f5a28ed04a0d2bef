//! Measuring a surface point by point.

use super::{Directions, LossSurfaceGrid, SurfaceJournal, SurfacePoint, SurfaceScore};
use crate::Result;
use ocelli_data::Loader;
use ocelli_nn::Network;
use ocelli_train::{Exact, Local, evaluate};
use std::sync::atomic::{AtomicBool, Ordering};

/// Networks that are made of one, each with its name.
pub type NamedNetworks = Vec<(&'static str, Network)>;

/// What the networks of a point are made of.
pub struct SurfaceSubject<'a> {
    /// The network whose weights are moved.
    pub network: &'a Network,
    /// What is made of a moved network, each with its name; none means that it is used as it is.
    pub models: &'a dyn Fn(&Network) -> Result<NamedNetworks>,
    /// The images, each of which it visits once.
    pub images: &'a Loader,
}

/// The name of a network that is used as it is.
const PLAIN: &str = "network";

impl SurfaceSubject<'_> {
    /// The networks of the point to which `network` was moved.
    ///
    /// # Errors
    /// When a method cannot make them.
    pub fn networks(&self, network: Network) -> Result<NamedNetworks> {
        let models = (self.models)(&network)?;
        Ok(if models.is_empty() { vec![(PLAIN, network)] } else { models })
    }
}

/// Measures the points of `grid` that `journal` has not, until all are measured or `stop` is set; says whether all
/// are. `progress` hears how many are.
///
/// # Errors
/// When images cannot be read, or the journal cannot be written.
pub fn measure_surface(
    grid: &LossSurfaceGrid,
    directions: &Directions,
    subject: &SurfaceSubject<'_>,
    journal: &mut SurfaceJournal,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<bool> {
    for point in journal.points().len()..grid.len() {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let moved = directions.at(subject.network, grid.point(point))?;
        let networks = subject.networks(moved)?;
        let mut scores = Vec::with_capacity(networks.len());
        for (_, network) in networks {
            scores.push(score(&network, subject.images)?);
        }
        journal.add(SurfacePoint { point, scores })?;
        progress(point as u64 + 1);
    }
    Ok(true)
}

/// Far from the trained weights logits may be too large for any loss.
fn score(network: &Network, images: &Loader) -> Result<SurfaceScore> {
    match evaluate(network, images, &Local, &mut |_| ()) {
        Ok(found) => {
            let (loss, top1) = (found.scores.loss, found.scores.top1);
            Ok(SurfaceScore { loss: Some(Exact(loss)), top1: Some(Exact(top1)) })
        }
        Err(ocelli_train::Error::OutputNotFinite { .. }) => {
            Ok(SurfaceScore { loss: None, top1: None })
        }
        Err(error) => Err(error.into()),
    }
}
