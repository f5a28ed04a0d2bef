//! A pixel that changes, and an image under such changes.

use ocelli_data::Image;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;

/// A pixel and what it is to become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelChange {
    /// The column, from the left, from zero.
    pub x: u32,
    /// The row, from the top, from zero.
    pub y: u32,
    /// The new value of each channel, 0 to 255.
    pub value: Vec<f32>,
}

impl PixelChange {
    /// Where the pixel begins in the memory of `image`.
    pub(super) fn offset(&self, image: &Image) -> usize {
        (self.y as usize * image.width as usize + self.x as usize) * usize::from(image.channels)
    }
}

impl fmt::Display for PixelChange {
    /// `x,y,r,g,b`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)?;
        self.value.iter().try_for_each(|value| write!(f, ",{value}"))
    }
}

/// An image under changes, of which later ones win. Real values are rounded to bytes.
pub fn apply(image: &Image, changes: &[PixelChange]) -> Image {
    let mut changed = image.clone();
    for change in changes {
        let offset = change.offset(image);
        let pixel = changed.pixels.iter_mut().skip(offset);
        for (byte, value) in pixel.zip(&change.value) {
            *byte = value.round() as u8;
        }
    }
    changed
}

/// The mean absolute change of a channel of the pixels that change, 0 to 255.
pub(super) fn distortion(image: &Image, changes: &[PixelChange]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    // The last change of a pixel is the one that counts.
    let mut seen = HashSet::new();
    for change in changes.iter().rev().filter(|change| seen.insert((change.x, change.y))) {
        let before = image.pixels.iter().skip(change.offset(image));
        for (before, after) in before.zip(&change.value) {
            sum += (f64::from(*before) - f64::from(*after)).abs();
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_changes_of_a_pixel_win() {
        let image = Image { width: 2, height: 1, channels: 3, pixels: vec![10; 6] };
        let change = |x, value: f32| PixelChange { x, y: 0, value: vec![value, 10.0, 10.0] };
        let changes = [change(1, 250.0), change(1, 40.0)];
        assert_eq!(apply(&image, &changes).pixels, [10, 10, 10, 40, 10, 10]);
        assert_eq!(distortion(&image, &changes), 10.0);
        assert_eq!(distortion(&image, &[]), 0.0);
        assert_eq!(changes[0].to_string(), "1,0,250,10,10");
    }
}
