//! The nearest of many centroids, exactly.
//!
//! ```text
//! ‖x − c‖² = ‖x‖² − 2 · t      t = x · c − ‖c‖² / 2      nearest = the largest t
//! ```
//!
//! All t of a [`Panel`] of points with a few centroids at a time are computed in registers, as a matrix
//! product has them, and folded into the largest and the second largest before they leave these: no matrix
//! of distances is ever stored.
//!
//! **Exact** means: the answer is the centroid for which [`squared_distance`], a sum in double precision in
//! one fixed order, is least, and of equal ones that with the lowest index. Where the two largest t are
//! further apart than rounding can explain ([`NearestIndex::error`]), single precision has decided. Where
//! they are not, those within that margin are compared by `squared_distance`. So the answer is the same on
//! every instruction set and for any number of threads.
//!
//! Points and centroids are taken relative to an origin, so that what they have in common costs no digits.

mod decide;
mod distance;
mod index;
mod panel;
mod tile;

#[cfg(test)]
mod tests;

pub use distance::{add_rows, squared_distance, squared_distances};
pub use index::NearestIndex;
pub use panel::{PANEL, Panel};
pub use tile::Found;
