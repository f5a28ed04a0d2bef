//! DQA: weights and activations on few levels, by a learnt mixture of quantizers that hardens while it is trained.
//!
//! Paper: Boukli Hacene, Mauch, Uhlich and Cardinaux, *DNN Quantization with Attention*, 2021
//! (<https://arxiv.org/abs/2103.13322>).
//!
//! | paper | here |
//! | --- | --- |
//! | `q = Σ_k a_k · Q_k(w; n_k)`, section 3, equation 3 | [`ocelli_kernels::quantize::Mixture`], for each layer in `weights` |
//! | `a = softmax(α / T)`, α divided by its deviation, algorithm 1 | [`Attention`] |
//! | `T(b) = T(0) · ψᵇ`, algorithm 1 | [`Anneal`] |
//! | start of α, equation 7 | [`Start::Eq7`] |
//! | `r = λ · gᵀ a / S`, equation 6 | [`Regulariser`], `penalty` |
//! | the same for activations | `activations`, with [`ocelli_nn::graph::Quantize`] |
//! | quantizers, appendix A.1 | [`ocelli_kernels::quantize::Quantizer`] |
//! | Binary-Relax in its 2-way and 3-way form, section 4 | [`Scheme::BinaryRelax2`], [`Scheme::BinaryRelax3`] |
//! | figure 2: the quantization error by temperature | [`error_curve`], for trained weights |
//! | the network that is used afterwards | [`Harden`]: the lowest quantizer of each layer, or that of the largest share |
//!
//! Weights are reparametrised outside the graph: a step runs the network with q(w) in the place of w, and pulls the
//! gradient of q back to w, α and the steps of LSQ. A single quantizer is plain quantization-aware training
//! with a straight-through estimator, the paper's baseline, and has no α.
//!
//! Deviations, most where the paper is silent:
//! - α is normalised for use, not overwritten, and divided by `√(variance + 10⁻⁶)`: equal ones are uniform then.
//!   Its gradient flows through the division. It learns with the optimiser of the weights, without decay, at a
//!   hundredth of their rate (`alpha_lr`): at the same rate, which the paper may mean, shares of the lowest and the next
//!   quantizer come close to each other in short runs, and hardening to the lowest costs much.
//! - ranges and moments of weights have no gradient. What is scored and saved has one quantizer in each layer; the
//!   mixture is measured beside it (`soft/…`).
//! - Binary-Relax's ω grows exponentially from 1 to `relax_end` over the run: the paper's 2 % an epoch would end a short run
//!   near 1, where little is quantized.
//! - SAWB at 8 bits clips at the largest weight, as in IBM's code. BWN has a size for each filter.
//! - all convolutions and linear layers are quantized, first and last too, unless `keep` says otherwise.

mod activations;
mod anneal;
mod attention;
mod batch_norm;
mod config;
mod error_curve;
mod errors;
mod few_bits;
mod hardened;
mod layer;
mod method;
mod mixtures;
mod names;
mod products;
mod quantizer_lists;
mod settings;
mod shares;
mod slices;
#[cfg(test)]
mod tests;

pub use anneal::Anneal;
pub use attention::{Attention, eq7};
pub use config::{DqaConfig, DqaKind, PerChoice};
pub use error_curve::{ErrorPoint, error_curve};
pub use errors::DqaError;
pub use few_bits::FewBits;
pub use method::Dqa;
pub use settings::{DqaSettings, Harden, Regulariser, Scheme, Start};
