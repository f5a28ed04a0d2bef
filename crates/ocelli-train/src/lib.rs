//! Training for Ocelli: recipes, optimisers, the trainer, checkpoints and run folders.

pub mod checkpoint;
mod ema;
mod error;
pub mod loss;
pub mod metrics;
pub mod optimizer;
mod process_group;
pub mod recipe;
mod run_folder;
mod schedule;
mod span;

pub use ema::Ema;
pub use error::{Error, Result};
pub use optimizer::Optimizer;
pub use process_group::{Local, ProcessGroup};
pub use recipe::Recipe;
pub use run_folder::{MetricsLog, Row, RunFolder};
pub use schedule::Schedule;
pub use span::{ParseSpanError, Span};
