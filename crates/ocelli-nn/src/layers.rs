//! Groups of operations that several backbones share.

mod conv_norm_act;
mod ghost;
mod mbconv;
mod rounding;
mod squeeze_excite;

pub use conv_norm_act::conv_norm_act;
pub use ghost::{GhostModule, ghost_module};
pub use mbconv::{MbConv, fused_mbconv, mbconv};
pub use rounding::{make_divisible, round_channels};
pub use squeeze_excite::{SqueezeExcite, squeeze_excite};
