//! How the loss changes around the weights of a trained network, on a plane through them.
//!
//! Papers: Li, Xu, Taylor, Studer and Goldstein, *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018
//! (<https://arxiv.org/abs/1712.09913>); Boukli Hacene, Mauch, Uhlich and Cardinaux, *DNN Quantization with
//! Attention*, 2021 (<https://arxiv.org/abs/2103.13322>), figure 4, which compares networks so.
//!
//! | paper | here |
//! | --- | --- |
//! | `f(α, β) = L(θ* + α δ + β η)`, section 3, with Gaussian δ and η | [`Directions::at`] |
//! | filter normalisation, `d_ij ← d_ij / ‖d_ij‖ · ‖θ_ij‖`, section 4 | [`Directions::new`] |
//! | biases and parameters of batch normalisations are not moved | [`Directions::new`] |
//! | surfaces of quantized networks, DQA's figure 4 | [`SurfaceSubject::models`] |
//!
//! Deviations, where the papers are silent or measure by eye:
//! - a filter is all that one output channel has; of a linear layer that is a row of its matrix. A filter of
//!   zeros is not moved.
//! - statistics of batch normalisations stay as they were saved, at every point.
//! - of quantized training the latent weights are moved, and quantized anew at each point; attention and
//!   learnt steps are not moved.
//! - [`SurfaceSummary::roughness`] and [`SurfaceSummary::concavity`] are ours.

mod config;
mod directions;
mod journal;
mod run;
mod summary;
#[cfg(test)]
mod tests;

pub use config::{LossSurfaceConfig, LossSurfaceGrid};
pub use directions::Directions;
pub use journal::{SurfaceIdentity, SurfaceJournal};
pub use run::{NamedNetworks, SurfaceSubject, measure_surface};
pub use summary::{SurfacePoint, SurfaceScore, SurfaceSummary, summaries};
