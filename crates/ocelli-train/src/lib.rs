//! Training for Ocelli: recipes, optimisers, the trainer, checkpoints and run folders.

mod error;
pub mod optimizer;
pub mod recipe;
mod schedule;
mod span;

pub use error::{Error, Result};
pub use optimizer::Optimizer;
pub use recipe::Recipe;
pub use schedule::Schedule;
pub use span::{ParseSpanError, Span};
