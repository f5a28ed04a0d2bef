//! Values on few levels: quantizers of weights and activations, and mixtures of them.
//!
//! A [`Quantizer`] has a name in recipes. Fitted to a tensor or a channel it is [`Levels`]: almost always a
//! [`Grid`], and how its gradient is estimated. A [`Branch`] has the levels of a whole tensor, and a
//! [`Mixture`] weighs several branches, forward and backward in one pass each.
//!
//! | file | contents |
//! | --- | --- |
//! | `grid` | evenly spaced levels |
//! | `quantizer` | the quantizers by name and number of bits |
//! | `statistics` | what a quantizer is fitted to |
//! | `levels` | a quantizer that is fitted, with the formulas and their sources |
//! | `weights` | the weights of a layer, and branches for them |
//! | `mixture` | `q = Σ a_k · Q_k(w)` and its gradients |
//! | `lanes` | the same on vectors |
//! | `pack` | codes without gaps between them |

mod activations;
mod grid;
mod lanes;
mod levels;
mod mixture;
mod pack;
mod quantizer;
mod statistics;
#[cfg(test)]
mod tests;
mod weights;

pub use activations::{
    FakeQuantizer, FakeQuantizerGradients, fake_quantize, fake_quantize_gradient,
};
pub use grid::Grid;
pub use levels::{Levels, Zero};
pub use mixture::{MAX_BRANCHES, Mixture, MixtureGradients};
pub use pack::{CodeBits, PackError, pack, unpack};
pub use quantizer::{Quantizer, QuantizerError};
pub use statistics::{NotFinite, Statistics};
pub use weights::{Branch, Per, Weights};
