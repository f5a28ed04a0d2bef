//! ONNX files of Ocelli's networks.
//!
//! [`OnnxFile::from_network`] writes a network as a graph of standard operations, [`OnnxFile::compare`] reads
//! what was written, runs it by the definitions of the standard and tells how far its values are from the
//! network's own.
//!
//! Normalisations that follow a convolution or a linear layer are folded into it, so that a file has the
//! operations of inference and no others; one that stands elsewhere stays a `BatchNormalization`. Dropout and
//! stochastic depth are no operations of inference and leave no trace. The batch may have any size, while
//! height and width are those of the export, because TensorFlow's padding and linear layers on maps depend on
//! them.
//!
//! Weights of few bits are integers of eight bits with a scale for the tensor or for each output channel
//! (`DequantizeLinear`), where their levels are multiples of a step: aligned grids, SAWB (±1 and ±3 times a third
//! of the clip at 2 bits), BWN and TWN. Other levels, those of `paper` ranges, are written by their values.
//! Quantized activations are pairs of `QuantizeLinear` and `DequantizeLinear` on unsigned bytes, and the bias of a
//! layer that reads one is an integer of 32 bits at the product of both scales, as runtimes on integers want it.
//!
//! ```
//! use ocelli_nn::registry::{self, ModelOptions};
//! use ocelli_onnx::{ExportOptions, OnnxFile};
//! use ocelli_random::Seed;
//!
//! let model = registry::find("resnet20_cifar")?;
//! let network = model.network(&model.options(), Seed(0), &burn::tensor::Device::flex())?;
//! let file = OnnxFile::from_network(&network, &ExportOptions::new("resnet20_cifar", [32, 32]))?;
//! assert!(file.compare(&network)?.is_close());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod compare;
mod error;
mod evaluate;
mod file;
mod names;
mod opset;
mod proto;
mod weights_form;
mod write;

pub use compare::Comparison;
pub use error::{Error, Result};
pub use file::{ExportOptions, OnnxFile};
pub use names::{INPUT, OUTPUT};
pub use opset::Opset;
pub use weights_form::WeightsForm;
