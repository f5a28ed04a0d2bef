//! Pixels as PNG.

use crate::ReportError;

/// Encodes pixels as a PNG file.
///
/// # Shapes
/// - `pixels`: `[height, width, channels]`; a channel is grey, three are red, green and blue
///
/// # Errors
/// When there are other channels than 1 or 3, no pixels, or not as many bytes as there should be.
pub fn encode_png(
    [height, width]: [usize; 2],
    channels: u8,
    pixels: &[u8],
) -> Result<Vec<u8>, ReportError> {
    let color = match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => {
            let reason = format!("{channels} channels, expected 1 or 3");
            return Err(ReportError::Picture { reason });
        }
    };
    let failed = |error: png::EncodingError| ReportError::Picture { reason: error.to_string() };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Width, height and the colours of all pixels.
#[cfg(test)]
pub(crate) fn decode(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width as usize, info.height as usize, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        for channels in [1, 3] {
            let pixels: Vec<u8> = (0..3 * 5 * channels).map(|at| at * 5).collect();
            let png = encode_png([3, 5], channels, &pixels).unwrap();
            assert_eq!(decode(&png), (5, 3, pixels));
        }
        assert!(encode_png([2, 2], 1, &[0; 3]).is_err());
        let error = encode_png([1, 1], 4, &[0; 4]).unwrap_err();
        assert!(error.to_string().contains("4 channels"), "{error}");
    }
}
