//! Weights in files: reading, naming, loading and converting them.
//!
//! [`StateDict::open`] reads safetensors and PyTorch's `.pth` without executing anything; [`load`]
//! copies what it read into a network, whichever project's names it has; [`save`] writes the one
//! format that Ocelli itself uses, and [`convert()`] turns any of the others into it.
//!
//! | format | read | written |
//! | --- | --- | --- |
//! | safetensors | yes | yes, as a whole or not at all |
//! | packed safetensors: codes of few bits | yes | yes, as a whole or not at all |
//! | `.pth`, `.pt`: zip (PyTorch 1.6 and later) | yes | no |
//! | `.pth`, `.th`: legacy (PyTorch 0.1.10 to 1.5) | yes | no |
//!
//! ```
//! use ocelli_nn::{registry, weights};
//! use ocelli_random::Seed;
//!
//! let model = registry::find("resnet20_cifar")?;
//! let device = burn::tensor::Device::flex();
//! let network = model.network(&model.options(), Seed(0), &device)?;
//! let file = weights::safetensors::to_bytes(&weights::state_dict(&network)?)?;
//!
//! let mut copy = model.network(&model.options(), Seed(1), &device)?;
//! let options = weights::ReadOptions::default();
//! let dict = weights::StateDict::from_bytes("model.safetensors", file, &options)?;
//! let report = weights::load(&mut copy, &dict, &weights::LoadOptions::default())?;
//! assert!(report.is_complete());
//! # Ok::<(), ocelli_nn::Error>(())
//! ```

pub mod safetensors;

mod activations;
mod convert;
mod dtype;
mod error;
mod fit;
mod format;
mod identify;
mod limits;
mod load;
mod location;
mod names;
mod packed;
mod pickle;
mod pth;
mod read;
mod report;
mod source;
mod state_dict;
mod tensor_entry;
mod view;

pub use activations::KEY as ACTIVATIONS;
pub use convert::{convert, save, state_dict};
pub use dtype::DType;
pub use error::{Result, WeightsError};
pub use identify::{identify, model_of, options_of};
pub use limits::Limits;
pub use load::{LoadOptions, load, network_from};
pub use location::WeightsLocation;
pub use packed::{PackedLayout, PackedSize, network_from_packed, packed_bytes, write_packed};
pub use pickle::{PickleError, PickleFault};
pub use report::{LoadReport, Misfit, NonFinite};
pub use state_dict::{ReadOptions, StateDict};
pub use tensor_entry::TensorEntry;
