//! The published methods of Ocelli, one folder a paper.

mod error;
pub mod ghost_redundancy;
mod ledger;
pub mod one_pixel;
pub mod search;

pub use error::{Error, Result, Work};
