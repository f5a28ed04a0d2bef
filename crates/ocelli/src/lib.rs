//! Train, compress, attack and extend image classifiers.
//!
//! This crate gathers the parts of Ocelli under short names; each is a crate of its own and is
//! documented there. The command `ocelli` is a thin layer over them.
//!
//! ```
//! use ocelli::nn::{Cost, registry, registry::ModelOptions};
//!
//! let model = registry::find("ghostnet_100")?;
//! let cost = Cost::new(&model.graph(&ModelOptions::default())?, 224, 224)?;
//! assert_eq!(cost.params, 5_182_508);
//! # Ok::<(), ocelli::nn::Error>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod recipes;
pub mod results;

pub use ocelli_codebooks as codebooks;
pub use ocelli_common as common;
pub use ocelli_data as data;
pub use ocelli_evolution as evolution;
pub use ocelli_kernels as kernels;
pub use ocelli_methods as methods;
pub use ocelli_nn as nn;
pub use ocelli_onnx as onnx;
pub use ocelli_random as random;
pub use ocelli_report as report;
pub use ocelli_train as train;
