//! Which way a network's candidates are computed.

use super::{Classifier, Delta, Dense, Inference, Session};
use crate::{Error, Result};
use burn::tensor::Device;
use ocelli_data::{Image, InputConfig};
use ocelli_nn::Network;

/// A network compiled for attacks, one way or the other.
#[derive(Debug)]
pub enum Compiled {
    /// Computes whole images.
    Dense(Box<Dense>),
    /// Computes what pixels change.
    Delta(Box<Delta>),
}

impl Compiled {
    /// Compiles `network` for images as `input` says.
    ///
    /// # Errors
    /// When the network takes no such images, or not in the way that is asked for.
    pub fn new(network: &Network, input: &InputConfig, inference: Inference) -> Result<Self> {
        let is_cpu = *network.params().device() == Device::flex();
        let dense = || Dense::new(network, input).map(|dense| Self::Dense(Box::new(dense)));
        let delta = || Delta::new(network, input).map(|delta| Self::Delta(Box::new(delta)));
        match inference {
            Inference::Dense => dense(),
            Inference::Delta if !is_cpu => Err(Error::NoDelta),
            Inference::Delta => delta(),
            Inference::Auto if !is_cpu => dense(),
            Inference::Auto => match delta() {
                Err(Error::NoDelta) => dense(),
                delta => delta,
            },
        }
    }

    /// The way that was chosen.
    pub fn inference(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Delta(_) => "delta",
        }
    }

    fn inner(&self) -> &dyn Classifier {
        match self {
            Self::Dense(dense) => &**dense,
            Self::Delta(delta) => &**delta,
        }
    }
}

impl Classifier for Compiled {
    fn classes(&self) -> usize {
        self.inner().classes()
    }

    fn shape(&self) -> [usize; 3] {
        self.inner().shape()
    }

    fn begin<'a>(&'a mut self, image: &'a Image) -> Result<Box<dyn Session + 'a>> {
        match self {
            Self::Dense(dense) => dense.begin(image),
            Self::Delta(delta) => delta.begin(image),
        }
    }
}
