//! Values on few levels.

mod grid;

pub use grid::Grid;
