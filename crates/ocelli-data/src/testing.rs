//! What the tests of several modules share.

use crate::Image;

/// Smooth waves with hard edges on top, as `bench/peers/make_pillow_fixtures.py` draws them.
pub(crate) fn test_pattern(width: u32, height: u32, channels: u8) -> Image {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..u32::from(channels) {
                let waves = (3 * x * x + 5 * y * y + 7 * x * y + 85 * c) % 256;
                let checks = (x / 7 + y / 5) % 2 * 90;
                pixels.push(((waves / 2 + checks) % 256) as u8);
            }
        }
    }
    Image { width, height, channels, pixels }
}

/// The mean absolute difference in levels of 255.
pub(crate) fn mean_difference(left: &[u8], right: &[u8]) -> f64 {
    assert_eq!(left.len(), right.len());
    let sum: u64 = left.iter().zip(right).map(|(l, r)| u64::from(l.abs_diff(*r))).sum();
    sum as f64 / left.len() as f64
}
