//! CPU kernels and their backward passes for Ocelli; the only crate with unsafe code.
//!
//! Values are channels-last ([`Rows`], [`RowsMut`]). Every kernel has a forward pass, a data
//! gradient and a weight gradient; all run on rayon's threads, and none gives another result for
//! another number of threads: blocks are cut, and their sums joined, by the size of the problem.

#![expect(
    clippy::inline_always,
    reason = "code that is not inlined into its dispatcher is compiled for the oldest machine"
)]

mod activation;
mod blocks;
mod contrast;
mod conv;
mod depthwise;
mod elementwise;
mod finish;
mod gate;
mod gemm;
mod geometry;
mod grouped;
pub mod int8;
mod keep;
mod layout;
mod local_response;
pub mod nearest;
mod norm;
mod patches;
mod pool;
pub mod quantize;
mod repeat;
mod rows;
mod scratch;
mod simd;
#[cfg(test)]
mod testing;
mod unit;
mod upsample;

pub use activation::Activation;
pub use blocks::in_pool;
pub use contrast::{
    Comparison, Contrast, ContrastiveLoss, Partner, nt_xent, nt_xent_masked, two_towers,
};
pub use conv::{Conv, PackedWeight, bias_gradient};
pub use depthwise::{Depthwise, PackedDepthwise};
pub use elementwise::{Write, activate, activation_gradient, add, copy};
pub use finish::{Finish, add_bias};
pub use gate::{gate_gradient, mean, mean_gradient, scale};
pub use geometry::{Axis, Geometry, Window};
pub use grouped::{GroupedConv, PackedGroups};
pub use keep::keep;
pub use layout::{channels_last, flatten, flatten_gradient};
pub use local_response::LocalResponse;
pub use norm::{Norm, NormGradients, Statistics};
pub use patches::{Patches, patch_size};
pub use pool::{avg_pool, avg_pool_gradient, avg_pool_patches};
pub use pool::{max_pool, max_pool_gradient, max_pool_patches};
pub use pool::{pad_shortcut, pad_shortcut_gradient, pad_shortcut_patches};
pub use repeat::{repeat_channels, repeat_channels_gradient};
pub use rows::{Rows, RowsMut};
pub use unit::{unit, unit_gradient};
pub use upsample::Upsample;
