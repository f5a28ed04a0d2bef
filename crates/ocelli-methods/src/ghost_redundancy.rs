//! How similar the feature maps of a trained network are, and how well a cheap operation makes one
//! of another.
//!
//! Paper: Han et al., *GhostNet: More Features from Cheap Operations*, CVPR 2020
//! (<https://arxiv.org/abs/1911.11907>), figure 1 and section 4.1.
//!
//! | paper | here |
//! | --- | --- |
//! | figure 1: maps after the first residual group, three similar pairs | [`Config::layer`], [`Study::pairs`] |
//! | "one map as input and the other as output" of a small depthwise convolution | [`NormalEquations`] |
//! | d of 1, 3, 5 and 7 | [`Config::kernels`] |
//! | MSE of each pair and d (table 1 of section 4.1) | [`PairFit::mse`] |
//! | redundancy in feature maps, section 1 | [`Redundancy`] |
//!
//! Deviations: the paper trains its filters; here they are fitted in closed form, by the normal
//! equations over the d² shifted copies of the source, with a bias unless it is turned off. It
//! chooses its pairs by eye; here pairs are the most correlated over all images, each map in one
//! pair at most. It does not say on which scale its errors are: here every error is also given
//! relative to the variance of the target, and that is what the threshold of redundancy is
//! compared with. Maps that are constant on an image (dead channels) count in no share.

mod config;
mod errors;
mod fit;
mod maps;
mod similarity;
mod study;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use fit::{Fit, NormalEquations};
pub use maps::{MOST_MAPS, Maps};
pub use similarity::{correlations, most_similar};
pub use study::{PairFit, Redundancy, Study, study};
