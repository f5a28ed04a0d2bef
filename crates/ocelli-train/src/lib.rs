//! Training for Ocelli: recipes, optimisers, the trainer, checkpoints and run folders.

pub mod checkpoint;
mod error;
pub mod optimizer;
pub mod recipe;
mod run_folder;
mod schedule;
mod span;

pub use error::{Error, Result};
pub use optimizer::Optimizer;
pub use recipe::Recipe;
pub use run_folder::{MetricsLog, Row, RunFolder};
pub use schedule::Schedule;
pub use span::{ParseSpanError, Span};
