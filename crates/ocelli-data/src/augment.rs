//! Augmentation: functions on one [`Image`](crate::Image), and what draws their parameters.
//!
//! The functions compute what Pillow's (`ImageOps`, `ImageEnhance`, `Image.transform`) compute,
//! so that published recipes mean the same here. Those that draw take the random stream of their
//! sample, which the loader derives from `(seed, AUGMENT, epoch, position)`.

mod blend;
mod crop;
mod erase;
mod filter;
mod geometry;
mod hue;
mod jitter;
mod mix;
mod point;
mod rand_augment;

pub use blend::{brightness, contrast, grey, saturation};
pub use crop::{PadCrop, Padding, RandomResizedCrop};
pub use erase::{EraseFill, RandomErasing};
pub use filter::{GaussianBlur, gaussian_blur, sharpness};
pub use geometry::{Affine, affine, cutout, flip_horizontal, rotate, shear_x, shear_y, translate};
pub use hue::hue;
pub use jitter::ColourJitter;
pub use mix::Mix;
pub use point::{auto_contrast, equalize, invert, posterize, solarize, solarize_add};
pub use rand_augment::{RandAugment, RandAugmentOp};

#[cfg(test)]
mod tests;
