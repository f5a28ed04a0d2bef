//! Values on few levels.

mod grid;
mod pack;

pub use grid::Grid;
pub use pack::{CodeBits, PackError, pack, unpack};
