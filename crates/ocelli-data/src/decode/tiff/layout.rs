//! What the samples of a TIFF file are and how they are cut into strips or tiles.

use super::directory::{self as tag, Directory};
use super::refusal::bad;
use crate::Result;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Lzw,
    Deflate,
    PackBits,
}

/// What samples mean.
#[derive(Debug)]
pub(super) enum Colours {
    Grey { white_is_zero: bool },
    Rgb,
    Palette(Vec<[u8; 3]>),
}

/// What is where.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colours: Colours,
    /// Bits per sample: 1, 2, 4, 8 or 16.
    pub(super) bits: u8,
    /// Samples per pixel in the file.
    pub(super) samples: usize,
    /// How many of them are needed, from the first on.
    pub(super) kept: usize,
    /// Whether each sample has chunks of its own.
    pub(super) is_planar: bool,
    pub(super) packing: Packing,
    /// Whether samples are the differences to the pixels on their left.
    pub(super) is_predicted: bool,
    /// Width and height of a strip or tile in pixels.
    pub(super) chunk: (u32, u32),
    pub(super) is_tiled: bool,
}

/// No pixel has more samples; the files of satellites have a few hundred.
const MOST_SAMPLES: u64 = 1024;

impl Layout {
    pub(super) fn read(directory: &Directory<'_>, (width, height): (u32, u32)) -> Result<Self> {
        let number = |tag, default| Result::<u64>::Ok(directory.number(tag)?.unwrap_or(default));
        let samples = number(tag::SAMPLES_PER_PIXEL, 1)?;
        if !(1..=MOST_SAMPLES).contains(&samples) {
            return Err(bad(format!("{samples} samples per pixel are not supported")));
        }
        let bits = same_of_all(directory, tag::BITS_PER_SAMPLE, 1, "bits per sample")?;
        if same_of_all(directory, tag::SAMPLE_FORMAT, 1, "kinds of samples")? != 1 {
            return Err(bad("samples that are signed or floating are not supported"));
        }
        if number(tag::FILL_ORDER, 1)? != 1 {
            return Err(bad("bytes whose low bits come first are not supported"));
        }
        let extra = directory.values(tag::EXTRA_SAMPLES)?;
        let is_multiplied = extra.first() == Some(&1);
        let photometric = number(tag::PHOTOMETRIC, u64::MAX)?;
        let (colours, kept) = match (photometric, bits) {
            (0, 1 | 2 | 4 | 8) => (Colours::Grey { white_is_zero: true }, 1),
            (1, 1 | 2 | 4 | 8 | 16) => (Colours::Grey { white_is_zero: false }, 1),
            (2, 8 | 16) if samples > 3 && is_multiplied => (Colours::Rgb, 4),
            (2, 8 | 16) if samples >= 3 => (Colours::Rgb, 3),
            (3, 1 | 2 | 4 | 8) => (Colours::Palette(palette(directory, bits)?), 1),
            _ => return Err(unsupported(photometric, bits, samples)),
        };
        if is_multiplied && kept == 1 {
            return Err(bad("greys that are multiplied with their alpha are not supported"));
        }
        let packing = packing(number(tag::COMPRESSION, 1)?)?;
        // Only these packings know of prediction.
        let is_predicted = match number(tag::PREDICTOR, 1)? {
            _ if matches!(packing, Packing::Plain | Packing::PackBits) => false,
            1 => false,
            2 if bits >= 8 => true,
            other => return Err(bad(format!("predictor {other} is not supported"))),
        };
        let is_tiled = directory.number(tag::TILE_OFFSETS)?.is_some();
        let chunk = if is_tiled {
            (number(tag::TILE_WIDTH, 0)?, number(tag::TILE_LENGTH, 0)?)
        } else {
            (width.into(), number(tag::ROWS_PER_STRIP, height.into())?.min(height.into()))
        };
        // The sides of a tile are of the size of an image at most.
        let side = |side: u64| u32::try_from(side).ok().filter(|side| *side > 0);
        let (Some(across), Some(down)) = (side(chunk.0), side(chunk.1)) else {
            return Err(bad(format!("parts of {}×{} pixels", chunk.0, chunk.1)));
        };
        Ok(Self {
            width,
            height,
            colours,
            bits: bits as u8,
            samples: samples as usize,
            kept,
            is_planar: number(tag::PLANAR_CONFIGURATION, 1)? == 2,
            packing,
            is_predicted,
            chunk: (across, down),
            is_tiled,
        })
    }

    /// Samples per pixel of a chunk.
    pub(super) fn samples_of_chunk(&self) -> usize {
        if self.is_planar { 1 } else { self.samples }
    }

    /// The bytes of a row of a chunk.
    pub(super) fn row_bytes(&self) -> u64 {
        let samples = u64::from(self.chunk.0) * self.samples_of_chunk() as u64;
        (samples * u64::from(self.bits)).div_ceil(8)
    }
}

/// The one number that a tag has for every sample.
fn same_of_all(directory: &Directory<'_>, tag: u16, default: u64, what: &str) -> Result<u64> {
    let values = directory.values(tag)?;
    let first = values.first().copied().unwrap_or(default);
    if values.iter().all(|number| *number == first) {
        return Ok(first);
    }
    Err(bad(format!("several {what} in one image are not supported")))
}

fn packing(compression: u64) -> Result<Packing> {
    let name = match compression {
        1 => return Ok(Packing::Plain),
        5 => return Ok(Packing::Lzw),
        8 | 32_946 => return Ok(Packing::Deflate),
        32_773 => return Ok(Packing::PackBits),
        2..=4 => "fax",
        6 | 7 => "JPEG",
        34_712 => "JPEG 2000",
        34_925 => "LZMA",
        50_000 => "Zstandard",
        50_001 => "WebP",
        _ => return Err(bad(format!("compression {compression} is not supported"))),
    };
    Err(bad(format!("{name} compression is not supported, only LZW, Deflate and PackBits")))
}

fn unsupported(photometric: u64, bits: u64, samples: u64) -> crate::Error {
    let name = match photometric {
        0 | 1 => "grey",
        2 => "RGB",
        3 => "a palette",
        5 => "CMYK",
        6 => "YCbCr",
        8..=10 => "Lab",
        u64::MAX => return bad("it does not say what its colours are"),
        other => return bad(format!("colours of kind {other} are not supported")),
    };
    bad(format!("{name} with {samples} × {bits} bits per pixel is not supported"))
}

/// The colours by number: all reds, all greens, all blues, of which high bytes count.
fn palette(directory: &Directory<'_>, bits: u64) -> Result<Vec<[u8; 3]>> {
    let map = directory.values(tag::COLOUR_MAP)?;
    let count = 1 << bits;
    let (Some(reds), Some(greens), Some(blues)) =
        (map.get(..count), map.get(count..2 * count), map.get(2 * count..3 * count))
    else {
        return Err(bad(format!("the palette has {} numbers, expected {}", map.len(), 3 * count)));
    };
    let high = |number: u64| (number >> 8) as u8;
    let colours = reds.iter().zip(greens).zip(blues);
    Ok(colours.map(|((r, g), b)| [high(*r), high(*g), high(*b)]).collect())
}
