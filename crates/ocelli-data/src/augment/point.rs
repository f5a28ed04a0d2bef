//! Operations that look at one value at a time: a table of 256 entries per channel.

use crate::Image;

type Table = [u8; 256];

/// Stretches each channel so that its darkest value becomes 0 and its lightest 255
/// (`ImageOps.autocontrast` without cut-off).
pub fn auto_contrast(image: &mut Image) {
    map_channels(image, |histogram| {
        let low = histogram.iter().position(|count| *count > 0)?;
        let high = histogram.iter().rposition(|count| *count > 0)?;
        if high <= low {
            return None;
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        Some(table(|value| (f64::from(value) * scale + offset).clamp(0.0, 255.0) as u8))
    });
}

/// Spreads the values of each channel evenly (`ImageOps.equalize`).
pub fn equalize(image: &mut Image) {
    map_channels(image, |histogram| {
        let last = histogram.iter().rfind(|count| **count > 0)?;
        let step = (histogram.iter().sum::<u64>() - last) / 255;
        if step == 0 {
            return None;
        }
        let mut sum = step / 2;
        Some(table(|value| {
            let level = sum / step;
            sum += histogram[usize::from(value)];
            level.min(255) as u8
        }))
    });
}

/// 255 minus every value.
pub fn invert(image: &mut Image) {
    map(image, |value| 255 - value);
}

/// Keeps the `bits` highest bits of every value; 8 or more keep all, 0 gives black.
pub fn posterize(image: &mut Image, bits: u32) {
    let mask = 0xff_u8.checked_shl(8_u32.saturating_sub(bits)).unwrap_or(0);
    map(image, |value| value & mask);
}

/// Inverts the values of `threshold` and above; 256 or more changes nothing.
pub fn solarize(image: &mut Image, threshold: u32) {
    map(image, |value| if u32::from(value) < threshold { value } else { 255 - value });
}

/// Adds `addition` to the values below 128.
pub fn solarize_add(image: &mut Image, addition: u8) {
    map(image, |value| if value < 128 { value.saturating_add(addition) } else { value });
}

fn table(mut entry: impl FnMut(u8) -> u8) -> Table {
    std::array::from_fn(|value| entry(value as u8))
}

fn map(image: &mut Image, entry: impl Fn(u8) -> u8) {
    let table = table(entry);
    for value in &mut image.pixels {
        *value = table[usize::from(*value)];
    }
}

/// Maps each channel by the table made from its histogram, if there is one.
fn map_channels(image: &mut Image, make: impl Fn(&[u64; 256]) -> Option<Table>) {
    let channels = usize::from(image.channels);
    for channel in 0..channels {
        let mut histogram = [0; 256];
        for value in image.pixels.iter().skip(channel).step_by(channels) {
            histogram[usize::from(*value)] += 1;
        }
        let Some(table) = make(&histogram) else { continue };
        for value in image.pixels.iter_mut().skip(channel).step_by(channels) {
            *value = table[usize::from(*value)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pixels: &[u8]) -> Image {
        Image { width: pixels.len() as u32, height: 1, channels: 1, pixels: pixels.to_vec() }
    }

    fn mapped(pixels: &[u8], operation: impl Fn(&mut Image)) -> Vec<u8> {
        let mut image = row(pixels);
        operation(&mut image);
        image.pixels
    }

    #[test]
    fn auto_contrast_stretches_to_the_ends() {
        assert_eq!(mapped(&[50, 100, 150], auto_contrast), [0, 127, 255]);
        assert_eq!(mapped(&[7, 7], auto_contrast), [7, 7]);
    }

    #[test]
    fn equalizing_a_flat_or_tiny_image_changes_nothing() {
        assert_eq!(mapped(&[9; 600], equalize), [9; 600]);
        assert_eq!(mapped(&[1, 2, 3], equalize), [1, 2, 3]);
    }

    #[test]
    fn posterize_keeps_the_high_bits() {
        assert_eq!(mapped(&[255, 200, 63], |image| posterize(image, 2)), [192, 192, 0]);
        assert_eq!(mapped(&[255, 200, 63], |image| posterize(image, 0)), [0, 0, 0]);
        assert_eq!(mapped(&[255, 200, 63], |image| posterize(image, 10)), [255, 200, 63]);
    }

    #[test]
    fn solarize_inverts_from_its_threshold_on() {
        assert_eq!(mapped(&[127, 128, 255], |image| solarize(image, 128)), [127, 127, 0]);
        assert_eq!(mapped(&[0, 255], |image| solarize(image, 256)), [0, 255]);
        assert_eq!(mapped(&[100, 127, 128], |image| solarize_add(image, 110)), [210, 237, 128]);
        assert_eq!(mapped(&[0, 255], invert), [255, 0]);
    }
}
