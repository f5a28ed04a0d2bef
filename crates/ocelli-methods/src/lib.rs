//! The published methods of Ocelli, one folder a paper.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod autoencoder;
pub mod dqa;
mod error;
pub mod ghost_redundancy;
mod ledger;
pub mod loss_surface;
pub mod one_pixel;
pub mod post_training;
pub mod search;
pub mod simclr;

pub use error::{Error, Result, WorkKind};
use ocelli_train::Methods;

/// The methods that a recipe can choose by a section, beside supervised training.
pub const METHODS: Methods =
    Methods::new(&[&autoencoder::AutoencoderKind, &dqa::DqaKind, &simclr::SimclrKind]);
