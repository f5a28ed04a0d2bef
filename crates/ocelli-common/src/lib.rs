//! What several crates share and none of them owns.
//!
//! | module | what is in it |
//! |---|---|
//! | `preprocessing` | how pictures are resized and cropped, in the words of recipes and weights |
//! | `whole_file` | the one way to write a file, whole or not at all |
//! | `likeness` | the names that are most like one that nobody knows |

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod likeness;
mod preprocessing;
mod whole_file;

pub use likeness::{likeness, most_alike};
pub use preprocessing::{CropMode, Interpolation};
pub use whole_file::{UNFINISHED, write_whole};
