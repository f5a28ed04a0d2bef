//! Networks for Ocelli: layers, backbones, the model registry, weights import and cost counting.
//!
//! A backbone describes itself once as a [`Graph`](graph::Graph) of operations; a [`Network`] is
//! such a graph with its [`Parameters`](parameter::Parameters). The registry knows every backbone
//! by name:
//!
//! ```
//! use ocelli_nn::{Cost, registry, registry::ModelOptions};
//!
//! let model = registry::find("ghostnet_100")?;
//! let graph = model.graph(&ModelOptions::default())?;
//! let cost = Cost::new(&graph, 224, 224)?;
//! assert_eq!((cost.params, cost.macs), (5_182_508, 141_150_512));
//! # Ok::<(), ocelli_nn::Error>(())
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod backbones;
pub mod ghostify;
pub mod graph;
pub mod init;
pub mod layers;
pub mod parameter;
pub mod registry;
pub mod weights;

mod batch_shares;
mod calibration;
mod cost;
mod delta_engine;
mod error;
mod execute;
mod fold;
mod given;
mod gradient_engine;
mod gradients;
mod infer_plan;
mod inference_engine;
mod int_plan;
mod lowering;
mod network;
mod node_id;
mod op;
mod packed;
mod pass;
mod route;
mod train_plan;
mod whole_biases;
mod wiring;

pub use calibration::{Calibration, TensorRange};
pub use cost::{Cost, LayerCost};
pub use delta_engine::{DeltaBase, DeltaEngine, EditBatch, LayerShare, PixelEdit};
pub use error::{Error, Result};
pub use given::{Given, RowValues};
pub use gradient_engine::{Differentiated, GradientEngine, Taped, Wanted};
pub use gradients::Gradients;
pub use inference_engine::InferenceEngine;
pub use int_plan::{IntegerLayers, StepLabel, StepTime};
pub use network::Network;
pub use ocelli_kernels::quantize::Grid;
pub use packed::{PackedFault, PackedShape, PackedTensor};
pub use pass::{BatchStats, Pass, Seen, TrainPass};
pub use route::Route;
