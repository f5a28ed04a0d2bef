//! GIF: <https://www.w3.org/Graphics/GIF/spec-gif89a.txt>.
//!
//! The first frame is read, on a canvas that grows to hold it. What no frame covers has the
//! transparent colour, or the first one; transparency itself is dropped like all alpha.

mod blocks;
mod refusal;

use super::DecodeOptions;
use super::exif::Orientation;
use crate::{Image, Result};
use blocks::Frame;
use refusal::{bad, cut};
use weezl::BitOrder;
use weezl::decode::Decoder;

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<(Image, Orientation)> {
    let (frame, rest) = Frame::read(bytes)?;
    let (width, height) = frame.canvas();
    options.limits.check_pixels(width, height)?;
    let (data, rest) = blocks::joined(rest).ok_or_else(|| cut(bytes.len()))?;
    // Nothing is cut off if there is an end mark, whatever later frames hold.
    blocks::find_end(rest).ok_or_else(|| cut(bytes.len()))?;

    let mut indices = vec![0; frame.width as usize * frame.height as usize];
    unpack(&data, frame.code_size, &mut indices)?;
    let canvas = on_canvas(&frame, &indices, (width, height));
    let is_grey = is_grey_ramp(frame.palette);
    let pixels = if is_grey { canvas } else { colours(&canvas, frame.palette) };
    let channels = if is_grey { 1 } else { 3 };
    Ok((Image { width, height, channels, pixels }, Orientation::UPRIGHT))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u32, u32)> {
    Frame::read(bytes).map(|(frame, _)| frame.canvas())
}

/// Fills `indices` from compressed data; what is left of it does not matter.
fn unpack(mut data: &[u8], code_size: u8, indices: &mut [u8]) -> Result<()> {
    if !(1..=8).contains(&code_size) {
        return Err(bad(format!("codes of {code_size} bits, expected 1 to 8")));
    }
    let mut decoder = Decoder::new(BitOrder::Lsb, code_size);
    let mut filled = 0;
    while filled < indices.len() {
        let step = decoder.decode_bytes(data, &mut indices[filled..]);
        data = &data[step.consumed_in..];
        filled += step.consumed_out;
        if step.status.is_err() {
            return Err(bad("the compressed data is damaged"));
        }
        if step.consumed_in == 0 && step.consumed_out == 0 {
            return Err(bad("the compressed data ends before the last pixel"));
        }
    }
    Ok(())
}

/// The indices of the whole canvas.
fn on_canvas(frame: &Frame<'_>, indices: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let (width, frame_width) = (width as usize, frame.width as usize);
    let mut canvas = vec![frame.transparent.unwrap_or(0); width * height as usize];
    let rows = indices.chunks_exact(frame_width);
    for (row, y) in rows.zip(row_order(frame.height, frame.interlaced)) {
        let start = (frame.top + y) as usize * width + frame.left as usize;
        canvas[start..start + frame_width].copy_from_slice(row);
    }
    canvas
}

/// Where the rows of a frame lie, in the order in which they are stored.
fn row_order(height: u32, interlaced: bool) -> Vec<u32> {
    if !interlaced {
        return (0..height).collect();
    }
    [(0, 8), (4, 8), (2, 4), (1, 2)]
        .into_iter()
        .flat_map(|(first, step)| (first..height).step_by(step))
        .collect()
}

/// Whether every colour is the grey of its own number, so that indices are pixels. A palette that
/// is missing counts as that.
fn is_grey_ramp(palette: &[u8]) -> bool {
    palette.as_chunks::<3>().0.iter().zip(0..=255).all(|(colour, grey)| *colour == [grey; 3])
}

fn colours(indices: &[u8], palette: &[u8]) -> Vec<u8> {
    let palette = palette.as_chunks::<3>().0;
    // Like Pillow, indices without a colour are black.
    let colour = |index: &u8| palette.get(usize::from(*index)).copied().unwrap_or_default();
    indices.iter().flat_map(colour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interlaced_rows_come_in_four_passes() {
        assert_eq!(row_order(3, false), [0, 1, 2]);
        assert_eq!(row_order(10, true), [0, 8, 4, 2, 6, 1, 3, 5, 7, 9]);
        for height in 1..20 {
            let mut rows = row_order(height, true);
            rows.sort_unstable();
            assert_eq!(rows, row_order(height, false));
        }
    }

    #[test]
    fn a_grey_ramp_needs_no_palette() {
        assert!(is_grey_ramp(&[]));
        assert!(is_grey_ramp(&[0, 0, 0, 1, 1, 1]));
        assert!(!is_grey_ramp(&[0, 0, 0, 255, 255, 255]));
        assert_eq!(colours(&[1, 0, 2], &[1, 2, 3, 4, 5, 6]), [4, 5, 6, 1, 2, 3, 0, 0, 0]);
    }

    #[test]
    fn data_that_ends_early_or_makes_no_sense_is_an_error() {
        let data = weezl::encode::Encoder::new(BitOrder::Lsb, 2).encode(&[1, 2, 3, 0]).unwrap();
        let mut indices = [9; 4];
        unpack(&data, 2, &mut indices).unwrap();
        assert_eq!(indices, [1, 2, 3, 0]);
        let message = unpack(&data, 2, &mut [0; 5]).unwrap_err().to_string();
        assert_eq!(message, "GIF file: the compressed data ends before the last pixel");
        assert!(unpack(&data, 9, &mut [0; 4]).is_err());
        assert!(unpack(&[0xff; 9], 2, &mut [0; 4]).is_err());
    }
}
