//! Operations that move an image away from, or towards, a plainer version of itself
//! (`ImageEnhance` of Pillow): 0 gives the plain version, 1 the image, 2 the opposite.

use crate::Image;
use crate::decode::luma;

/// Towards black.
pub fn brightness(image: &mut Image, factor: f32) {
    for value in &mut image.pixels {
        *value = blend(0, *value, factor);
    }
}

/// Towards the mean grey of the image.
pub fn contrast(image: &mut Image, factor: f32) {
    let mean = mean_luma(image);
    for value in &mut image.pixels {
        *value = blend(mean, *value, factor);
    }
}

/// Towards its grey version; `Color` in Pillow and RandAugment.
pub fn saturation(image: &mut Image, factor: f32) {
    for pixel in image.pixels.as_chunks_mut::<3>().0.iter_mut().take(colour_pixels(image.channels))
    {
        let luma = luma(*pixel);
        *pixel = pixel.map(|value| blend(luma, value, factor));
    }
}

/// Makes a colour image grey, in as many channels as before.
pub fn grey(image: &mut Image) {
    if image.channels == 3 {
        for pixel in image.pixels.as_chunks_mut::<3>().0 {
            *pixel = [luma(*pixel); 3];
        }
    }
}

/// How many pixels have a colour: all, or none.
fn colour_pixels(channels: u8) -> usize {
    if channels == 3 { usize::MAX } else { 0 }
}

/// `plain + factor · (value − plain)`, cut to 0…255 and rounded down as Pillow does.
pub(super) fn blend(plain: u8, value: u8, factor: f32) -> u8 {
    let (plain, value) = (f32::from(plain), f32::from(value));
    // `as` saturates at 0 and 255.
    (plain + factor * (value - plain)) as u8
}

fn mean_luma(image: &Image) -> u8 {
    let sum: u64 = if image.channels == 3 {
        image.pixels.as_chunks().0.iter().map(|pixel| u64::from(luma(*pixel))).sum()
    } else {
        image.pixels.iter().map(|value| u64::from(*value)).sum()
    };
    let count = u64::from(image.width) * u64::from(image.height);
    (sum as f64 / count.max(1) as f64 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(operation: impl Fn(&mut Image)) -> Vec<u8> {
        let pixels = vec![255, 0, 0, 10, 200, 30];
        let mut image = Image { width: 2, height: 1, channels: 3, pixels };
        operation(&mut image);
        image.pixels
    }

    #[test]
    fn factor_one_changes_nothing() {
        for operation in [brightness, contrast, saturation] {
            assert_eq!(pixels(|image| operation(image, 1.0)), [255, 0, 0, 10, 200, 30]);
        }
    }

    #[test]
    fn factor_zero_gives_the_plain_version() {
        assert_eq!(pixels(|image| brightness(image, 0.0)), [0; 6]);
        assert_eq!(pixels(|image| contrast(image, 0.0)), [100; 6]);
        assert_eq!(pixels(|image| saturation(image, 0.0)), [76, 76, 76, 124, 124, 124]);
        assert_eq!(pixels(grey), [76, 76, 76, 124, 124, 124]);
    }

    #[test]
    fn more_than_one_exaggerates() {
        assert_eq!(pixels(|image| brightness(image, 1.5)), [255, 0, 0, 15, 255, 45]);
        assert_eq!(pixels(|image| contrast(image, 1.9)), [255, 0, 0, 0, 255, 0]);
    }
}
