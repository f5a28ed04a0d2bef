//! TIFF: <https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf>, and its form with 64-bit
//! offsets.
//!
//! The first page is read: grey of 1, 2, 4, 8 and 16 bits, palettes of up to 8, RGB of 8 and 16, in
//! strips or tiles, together or plane by plane, plain or packed with LZW, Deflate or PackBits. The
//! orientation is a part of the image here, as it is in Pillow, and is always applied.

mod chunks;
mod directory;
mod layout;
mod refusal;

use super::DecodeOptions;
use super::exif::Orientation;
use crate::{Image, Result};
use directory::Directory;
use layout::{Colours, Layout};
use refusal::bad;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let directory = Directory::read(bytes)?;
    let (width, height) = directory.size()?;
    options.limits.check_pixels(width, height)?;
    let layout = Layout::read(&directory, (width, height))?;
    let samples = chunks::read(&directory, &layout, options.limits)?;
    let channels = if matches!(layout.colours, Colours::Grey { .. }) { 1 } else { 3 };
    let pixels = to_pixels(samples, &layout)?;
    let image = orientation(&directory).apply(Image { width, height, channels, pixels });
    Ok((image, Orientation::UPRIGHT))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    let directory = Directory::read(bytes)?;
    let (width, height) = directory.size()?;
    Ok(if orientation(&directory).is_turned() { (height, width) } else { (width, height) })
}

fn orientation(directory: &Directory<'_>) -> Orientation {
    let number = directory.number(directory::ORIENTATION).ok().flatten();
    number.map_or(Orientation::UPRIGHT, Orientation::from_number)
}

/// The pixels that samples of up to eight bits stand for.
fn to_pixels(samples: Vec<u8>, layout: &Layout) -> Result<Vec<u8>> {
    Ok(match &layout.colours {
        Colours::Grey { white_is_zero } => {
            let scale = match layout.bits {
                1 => 255,
                2 => 85,
                4 => 17,
                _ => 1,
            };
            let invert = if *white_is_zero { 255 } else { 0 };
            samples.into_iter().map(|sample| sample.wrapping_mul(scale) ^ invert).collect()
        }
        Colours::Rgb if layout.kept == 3 => samples,
        Colours::Rgb => samples.as_chunks().0.iter().flat_map(|pixel| divided(*pixel)).collect(),
        Colours::Palette(palette) => {
            let colour = |index: u8| palette.get(usize::from(index)).copied();
            let colours: Option<Vec<[u8; 3]>> = samples.into_iter().map(colour).collect();
            colours.ok_or_else(|| bad("a pixel has no colour in the palette"))?.into_flattened()
        }
    })
}

/// A colour that is multiplied with its alpha without that, as Pillow does.
fn divided([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    [red, green, blue].map(|sample| {
        let divided = (u32::from(sample) * 255).checked_div(alpha.into());
        divided.unwrap_or(0).min(255) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_divided_by_their_alpha() {
        assert_eq!(divided([10, 20, 255, 128]), [19, 39, 255]);
        assert_eq!(divided([10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(divided([10, 20, 30, 0]), [0; 3]);
    }
}
