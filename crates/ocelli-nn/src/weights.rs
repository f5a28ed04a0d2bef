//! Weights in files: reading, naming, loading and converting them.
//!
//! [`StateDict::open`] reads safetensors and PyTorch's `.pth` without executing anything;
//! [`safetensors::write`] writes the one format that Ocelli itself uses.
//!
//! | format | read | written |
//! | --- | --- | --- |
//! | safetensors | yes | yes, as a whole or not at all |
//! | `.pth`, `.pt`: zip (PyTorch 1.6 and later) | yes | no |
//! | `.pth`, `.th`: legacy (PyTorch 0.1.10 to 1.5) | yes | no |

pub mod atomic;
pub mod safetensors;

mod dtype;
mod error;
mod limits;
mod load;
mod pickle;
mod pth;
mod source;
mod state_dict;
mod view;

pub use dtype::DType;
pub use error::{Result, WeightsError};
pub use limits::Limits;
pub use load::Misfit;
pub use pickle::{PickleError, PickleFault};
pub use state_dict::{ReadOptions, StateDict, TensorEntry};
