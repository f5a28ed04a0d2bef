//! A decoded image in memory.

use std::io;

/// Eight-bit pixels in rows, channels interleaved.
///
/// # Shapes
/// - `pixels`: `[height, width, channels]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: u8,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}

impl Image {
    /// The image as a PNG file, which [`decode`](crate::decode) makes the same image of.
    ///
    /// # Errors
    /// When the image has no pixels, other channels than 1 or 3, or not as many bytes as it should.
    pub fn to_png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            channels => return Err(io::Error::other(format!("{channels} channels, not 1 or 3"))),
        });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecodeOptions, decode};

    #[test]
    fn png_files_are_decoded_to_the_same_pixels() {
        for channels in [1, 3] {
            let pixels = (0..3 * 5 * channels).map(|at| at * 5).collect();
            let image = Image { width: 5, height: 3, channels, pixels };
            let options = DecodeOptions {
                channels: if channels == 1 { crate::Channels::Grey } else { crate::Channels::Rgb },
                ..DecodeOptions::default()
            };
            assert_eq!(decode(&image.to_png().unwrap(), &options).unwrap(), image);
        }
        let image = Image { width: 2, height: 2, channels: 1, pixels: vec![0; 3] };
        assert!(image.to_png().is_err());
        let image = Image { width: 1, height: 1, channels: 4, pixels: vec![0; 4] };
        assert!(image.to_png().unwrap_err().to_string().contains("4 channels"));
    }
}
