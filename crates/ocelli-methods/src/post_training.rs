//! Few bits for the weights of a network that is trained already, without training it further.
//!
//! Papers: Krishnamoorthi, *Quantizing deep convolutional networks for efficient inference*, 2018
//! (<https://arxiv.org/abs/1806.08342>), and Jacob et al., *Quantization and Training of Neural Networks for
//! Efficient Integer-Arithmetic-Only Inference*, CVPR 2018 (<https://arxiv.org/abs/1712.05877>).
//!
//! | paper | here |
//! | --- | --- |
//! | uniform affine quantizer: from the least to the greatest weight, zero is a level | [`Zero::Aligned`](ocelli_kernels::quantize::Zero) |
//! | weight-only quantization, per layer or per channel | [`PostTrainingConfig::per`] |
//! | batch normalisation folding (Jacob, section 3.2) | [`PostTraining::new`] |
//! | weights and activations: ranges of activations from some batches, frozen then | [`QuantizedActivations`] |
//!
//! The papers stop at 8 bits and give all layers as many. What is added here is ours:
//!
//! - One bit is ± the mean size of a filter's weights, as in BWN: two levels of which one is zero
//!   cannot tell signs apart.
//! - **Folding.** Per channel, normalisations are folded first and the folded weights are quantized: a
//!   channel's scale changes its step and not its codes. Per tensor, the weights before folding are
//!   quantized, as folding would spread the channels over one grid; the scale is then a multiplier of each
//!   channel. Either way the float result of the packed network is that of the quantized one to the bit.
//! - **Bits within a budget** ([`PostTraining::within`]). For each layer and each width the increase of the loss
//!   on calibration images is measured with that layer alone quantized; fewer bits never count as better.
//!   From 8 bits everywhere, the change that costs least loss for each byte it saves is made, to any lower
//!   width, until the file fits; then what is left is spent on the change that gains most for its bytes.
//!   That increases add up is assumed, and not checked.
//! - **Ranges of activations** are those seen, or leave out the same small share of each tensor's outermost values,
//!   whichever has the least loss on calibration images.

mod activations;
mod budget;
mod config;
mod error;
mod layers;
mod sensitivity;
#[cfg(test)]
mod tests;
mod trained_levels;
mod trained_sensitivity;

pub use activations::{COVERAGES, QuantizedActivations};
pub use config::{PostTrainingConfig, Width};
pub use error::PostTrainingError;
pub use layers::{PostTraining, QuantizedLayer};
pub use sensitivity::Sensitivity;
pub use trained_levels::{TrainedLayer, TrainedLevels};
pub use trained_sensitivity::{LayerSensitivity, TrainedSensitivity};
