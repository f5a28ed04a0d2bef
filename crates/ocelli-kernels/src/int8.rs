//! Inference on integers: activations are unsigned bytes, weights signed ones, sums have 32 bits.
//!
//! A [`ByteGrid`] says what the codes of a value stand for, a [`QuantizedLayer`] what those of a weight do
//! and what becomes of its sums. Products are exact on every instruction set (`simd`), and what follows a
//! sum are single `f32` operations in one order (`finish`): the codes that come out are the same to the
//! bit on all of them, and for any number of threads.
//!
//! | file | contents |
//! | --- | --- |
//! | `grid`, `weight`, `constants` | what codes stand for; weights as signed bytes; factors of sums |
//! | `simd` | AVX-512 VNNI, AVX-VNNI, exact AVX2, and plain Rust |
//! | `panels`, `source`, `tile` | packed weights; where windows are read; sums in registers |
//! | `operands`, `finish` | addends and outputs; from a sum to a code or value |
//! | `conv`, `depthwise`, `groups` | layers; a linear layer is a convolution of single pixels |
//! | `rescale`, `gate`, `pool` | single codes; gates; maxima and means |
//! | `image` | images as codes |
//! | `threads`, `peak` | what is too small to be shared out; how fast products could be |

mod constants;
mod conv;
mod depthwise;
mod finish;
mod gate;
mod grid;
mod groups;
mod image;
mod operands;
mod panels;
mod peak;
mod pool;
mod rescale;
mod scratch;
mod simd;
mod source;
#[cfg(test)]
mod tests;
mod threads;
mod tile;
mod weight;

pub use constants::MOST_PRODUCTS;
pub use conv::PackedConv;
pub use depthwise::PackedDepthwise;
pub use gate::scale_codes;
pub use grid::ByteGrid;
pub use groups::PackedGroups;
pub use image::quantize_planes;
pub use operands::{Addend, Output};
pub use peak::peak_products_per_second;
pub use pool::{MeanOutput, avg_pool, max_pool, mean, pad_shortcut};
pub use rescale::{add_codes, copy_codes, dequantize, look_up, quantize, table};
pub use weight::{AddendKind, OutputKind, QuantizedLayer, signed_step};
