//! Pixels as PNG.

use crate::ReportError;

/// Encodes `[height, width]` pixels of red, green and blue.
///
/// # Errors
/// When there are not as many pixels as the size says, or they are none.
pub(crate) fn encode(
    [height, width]: [usize; 2],
    pixels: &[[u8; 3]],
) -> Result<Vec<u8>, ReportError> {
    let failed = |error: png::EncodingError| ReportError::Picture { reason: error.to_string() };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels.as_flattened()).map_err(failed)?;
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
