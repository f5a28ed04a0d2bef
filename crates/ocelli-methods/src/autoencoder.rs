//! Denoising autoencoders: features by which pictures are clustered before they are contrasted.
//!
//! Paper: Chakraborty, Gosthipaty and Paul, *G-SimCLR: Self-Supervised Contrastive Learning with Guided Projection
//! via Pseudo Labelling*, 2020 (<https://arxiv.org/abs/2009.12007>), step 1, and its public notebooks.
//!
//! | paper, notebooks | here |
//! | --- | --- |
//! | shallow and deep encoder | the networks `dae_shallow` and `dae_deep` (`backbones::autoencoder`) |
//! | decoder | [`ocelli_nn::graph::Decoder`], `form` |
//! | Gaussian noise of σ = 0.01 on values of 0 to 1, in training only | [`AutoencoderConfig::noise`] |
//! | mean squared error to the clean image | [`Autoencoder`] |
//! | the bottleneck, averaged over its pixels | `graph.embed()`, which `ocelli embed` writes |
//!
//! Any other network of the registry can be the encoder (`widths`): its last feature map is decoded.
//!
//! Deviations:
//! - what is evaluated is the part that the recipe holds out or tests; the notebooks stop early on the
//!   test set;
//! - the noise is drawn for each sample of each step; it is in the units of the network's input, which the
//!   recipes leave at 0 to 1.

mod config;
mod method;
#[cfg(test)]
mod tests;

pub use config::{AutoencoderConfig, AutoencoderKind, Form};
pub use method::Autoencoder;
