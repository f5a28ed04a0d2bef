//! The headers of a BMP file: what its pixels are.

use super::super::input::Input;
use super::refusal::{bad, cut};
use crate::Result;

/// The bytes before the header that says how long it is.
const FILE_HEADER: usize = 14;
/// The header of OS/2 1.x and Windows 2.
const CORE_HEADER: u32 = 12;
/// The header of Windows 3, after which masks are separate.
const INFO_HEADER: u32 = 40;
/// The header of OS/2 2.x, whose compressions are others.
const OS2_HEADER: u32 = 64;

/// What the headers say.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Whether the first row stored is the uppermost.
    pub(super) is_top_down: bool,
    /// Bits per pixel.
    pub(super) bits: u16,
    pub(super) storage: Storage,
    /// Where the pixels start.
    pub(super) offset: usize,
}

/// How pixels are stored.
#[derive(Debug)]
pub(super) enum Storage {
    /// Numbers of colours.
    Indices(Palette),
    /// The same, run-length encoded.
    RunLength(Palette),
    /// Red, green and blue.
    Colours([Mask; 3]),
}

/// The colours by number.
#[derive(Debug)]
pub(super) struct Palette(Vec<[u8; 3]>);

impl Palette {
    /// The channels and pixels that these numbers of colours stand for. One without a colour is black.
    pub(super) fn apply(&self, indices: impl Iterator<Item = u8>) -> (u8, Vec<u8>) {
        let colour = |index: u8| self.0.get(usize::from(index)).copied().unwrap_or_default();
        if self.is_grey() {
            return (1, indices.map(|index| colour(index)[0]).collect());
        }
        (3, indices.flat_map(colour).collect())
    }

    /// Black and white, or greys whose number is their value.
    fn is_grey(&self) -> bool {
        let ramp = |(colour, grey): (&[u8; 3], u8)| *colour == [grey; 3];
        *self.0 == [[0; 3], [255; 3]] || self.0.iter().zip(0..=255).all(ramp)
    }
}

/// The bits of a pixel that hold one colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mask(u32);

impl Mask {
    /// The colour of a pixel, scaled to 0…255 as Pillow does.
    pub(super) fn sample(self, pixel: u32) -> u8 {
        let shift = self.0.trailing_zeros();
        ((pixel & self.0) >> shift).saturating_mul(255).checked_div(self.0 >> shift).unwrap_or(0)
            as u8
    }

    /// Whether it is one run of up to eight bits.
    fn is_usual(self) -> bool {
        let ones = self.0.count_ones();
        (1..=8).contains(&ones) && self.0 >> self.0.trailing_zeros() == (1 << ones) - 1
    }
}

const MASKS_OF_16: [u32; 3] = [0x7c00, 0x3e0, 0x1f];
const MASKS_OF_32: [u32; 3] = [0xff_0000, 0xff00, 0xff];

/// The fields of the second header.
struct Fields {
    size: u32,
    width: i64,
    height: i64,
    bits: u16,
    compression: u32,
    colours: u32,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut input = Input(bytes);
        let missing = || cut(bytes.len());
        input.take(10).ok_or_else(missing)?;
        let offset = input.u32().ok_or_else(missing)? as usize;
        let fields = read_fields(&mut input).ok_or_else(missing)?;
        let Fields { size, bits, compression, .. } = fields;
        if ![12, 40, 52, 56, 64, 108, 124].contains(&size) {
            return Err(bad(format!("a header of {size} bytes is not supported")));
        }
        let width = u32::try_from(fields.width).unwrap_or(0);
        let height = u32::try_from(fields.height.unsigned_abs()).unwrap_or(0);
        if width == 0 || height == 0 {
            return Err(bad("the image has no pixels"));
        }
        let masks = match compression {
            3 if size != OS2_HEADER => Some(input.array().ok_or_else(missing)?),
            _ => None,
        };
        // Longer headers have the masks in them.
        let before_palette = match masks {
            Some(_) if size == INFO_HEADER => FILE_HEADER + size as usize + 12,
            _ => FILE_HEADER + size as usize,
        };
        let entry = if size == CORE_HEADER { 3 } else { 4 };
        let palette_bytes = match bits {
            1..=8 => entry * fields.colours as usize,
            _ => 0,
        };
        let palette = || {
            let count = fields.colours.min(256) as usize;
            let end = before_palette + entry * count;
            let table = bytes.get(before_palette..end).ok_or_else(missing)?;
            let colour = |at: &[u8]| [at[2], at[1], at[0]];
            Result::<Palette>::Ok(Palette(table.chunks_exact(entry).map(colour).collect()))
        };
        let storage = match (compression, bits) {
            (0, 1 | 4 | 8) => Storage::Indices(palette()?),
            (1, 8) | (2, 4) => Storage::RunLength(palette()?),
            (0, 16) => Storage::Colours(MASKS_OF_16.map(Mask)),
            (0, 24 | 32) => Storage::Colours(MASKS_OF_32.map(Mask)),
            (3, 16 | 24 | 32) if masks.is_some() => Storage::Colours(read_masks(masks, bits)?),
            _ => return Err(unsupported(compression, bits)),
        };
        // Some programs leave out the palette where they say that pixels start.
        let offset = match offset {
            0 => before_palette + palette_bytes,
            offset if bits <= 8 && offset == FILE_HEADER + size as usize => offset + palette_bytes,
            offset => offset,
        };
        Ok(Self { width, height, is_top_down: fields.height < 0, bits, storage, offset })
    }
}

fn read_fields(input: &mut Input<'_>) -> Option<Fields> {
    let size = input.u32()?;
    if size == CORE_HEADER {
        let (width, height) = (input.u16()?.into(), input.u16()?.into());
        let (_planes, bits) = (input.u16()?, input.u16()?);
        let colours = 1_u32.checked_shl(bits.into()).unwrap_or(0);
        return Some(Fields { size, width, height, bits, compression: 0, colours });
    }
    let side = |value: u32| i64::from(value as i32);
    let (width, height) = (side(input.u32()?), side(input.u32()?));
    let (_planes, bits) = (input.u16()?, input.u16()?);
    let compression = input.u32()?;
    let [_data_bytes, _across, _down] = [input.u32()?, input.u32()?, input.u32()?];
    let colours = match input.u32()? {
        0 => 1_u32.checked_shl(bits.into()).unwrap_or(0),
        given => given,
    };
    let _important = input.u32()?;
    Some(Fields { size, width, height, bits, compression, colours })
}

fn read_masks(masks: Option<[u8; 12]>, bits: u16) -> Result<[Mask; 3]> {
    let masks = masks.unwrap_or_default();
    let [red, green, blue] = [0, 4, 8].map(|at| {
        Mask(u32::from_le_bytes([masks[at], masks[at + 1], masks[at + 2], masks[at + 3]]))
    });
    let masks = [red, green, blue];
    if masks == [Mask(0); 3] && bits == 32 {
        return Ok(MASKS_OF_32.map(Mask));
    }
    let fits = |mask: &Mask| mask.is_usual() && u64::from(mask.0) < 1 << bits;
    if masks.iter().all(fits) {
        return Ok(masks);
    }
    let [red, green, blue] = masks.map(|mask| mask.0);
    Err(bad(format!("colours in the bits {red:#x}, {green:#x}, {blue:#x} are not supported")))
}

fn unsupported(compression: u32, bits: u16) -> crate::Error {
    match compression {
        0 => bad(format!("{bits} bits per pixel are not supported, only 1, 4, 8, 16, 24, 32")),
        4 => bad("a JPEG inside is not supported"),
        5 => bad("a PNG inside is not supported"),
        kind => bad(format!("compression {kind} of {bits} bits per pixel is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_scale_to_bytes() {
        let [red, green, blue] = MASKS_OF_16.map(Mask);
        assert_eq!([red, green, blue].map(|mask| mask.sample(0x7fff)), [255; 3]);
        assert_eq!(blue.sample(16), 131);
        assert_eq!(Mask(0xff00_0000).sample(0x8900_1234), 0x89);
        assert!(!Mask(0).is_usual() && !Mask(0b101).is_usual() && !Mask(0x3ff).is_usual());
    }

    #[test]
    fn greys_in_their_order_are_grey() {
        let palette = |greys: &[u8]| Palette(greys.iter().map(|grey| [*grey; 3]).collect());
        assert_eq!(palette(&[0, 255]).apply([1, 0].into_iter()), (1, vec![255, 0]));
        assert_eq!(palette(&[0, 1, 2]).apply([2].into_iter()), (1, vec![2]));
        assert_eq!(palette(&[255, 0]).apply([1].into_iter()), (3, vec![0; 3]));
    }
}
