//! Resizing luma and chroma, each from its own size to the size of the input.

use crate::decode::Plane;
use crate::{Interpolation, Region, Resize, Result, Window};
use fast_image_resize::Resizer;

/// Resizes planes that are stored column by column.
///
/// Weighted sums of whole rows are much faster than sums inside a row. So a plane is resized
/// across while it lies on its side, then put upright and resized down.
#[derive(Debug, Default)]
pub(crate) struct PlaneResizer {
    resizer: Resizer,
    /// Luma and chroma at the new size, row by row.
    pub(super) resized: [Vec<u8>; 3],
    on_its_side: Vec<u8>,
    upright: Vec<u8>,
}

impl PlaneResizer {
    /// What `resize` does to the image, done to its planes. Planes that are missing keep what they
    /// held before.
    pub(crate) fn run(&mut self, resize: &Resize, planes: &[Plane]) -> Result<()> {
        for (plane, resized) in planes.iter().zip(&mut self.resized) {
            let Resize { region, window, width, height, interpolation } = of_plane(resize, plane);
            let across = Resize {
                region: Region {
                    left: region.top,
                    top: region.left,
                    width: region.height,
                    height: region.width,
                },
                window: Window {
                    left: 0.0,
                    top: window.left,
                    width: region.height.into(),
                    height: window.width,
                },
                width: region.height,
                height: width,
                interpolation,
            };
            let size = (plane.height, plane.width, 1);
            across.run(&mut self.resizer, size, &plane.pixels, &mut self.on_its_side)?;
            let stored = (region.height as usize, width as usize);
            transpose(&self.on_its_side, stored, &mut self.upright);
            let down = Resize {
                region: Region::whole(width, region.height),
                window: Window {
                    left: 0.0,
                    top: window.top,
                    width: width.into(),
                    height: window.height,
                },
                width,
                height,
                interpolation,
            };
            let size = (width, region.height, 1);
            down.run(&mut self.resizer, size, &self.upright, resized)?;
        }
        Ok(())
    }
}

/// What `resize` does to the image, in pixels of one of its planes.
fn of_plane(resize: &Resize, plane: &Plane) -> Resize {
    let span = |origin: u32, from: f64, size: f64, scale: u32, start: u32, len: u32| {
        let scale = f64::from(scale);
        // Rounding must not reach past the plane.
        let first = ((f64::from(origin) + from) / scale - f64::from(start)).max(0.0);
        (first, (size / scale).min(f64::from(len) - first))
    };
    let (window, region, shown) = (resize.window, resize.region, plane.region);
    let (left, width) =
        span(region.left, window.left, window.width, plane.scale.0, shown.left, shown.width);
    let (top, height) =
        span(region.top, window.top, window.height, plane.scale.1, shown.top, shown.height);
    // Decoders enlarge chroma on straight lines, whatever the filter of the resize is.
    let is_enlarged = width < f64::from(resize.width) || height < f64::from(resize.height);
    let is_chroma = plane.scale != (1, 1);
    let interpolation = match resize.interpolation {
        Interpolation::Bicubic | Interpolation::Lanczos if is_chroma && is_enlarged => {
            Interpolation::Bilinear
        }
        interpolation => interpolation,
    };
    Resize {
        region: Region { left: shown.left - plane.left, top: shown.top - plane.top, ..shown },
        window: Window { left, top, width, height },
        interpolation,
        ..*resize
    }
}

/// Turns rows into columns; `output` is replaced.
fn transpose(input: &[u8], (width, height): (usize, usize), output: &mut Vec<u8>) {
    output.resize(width * height, 0);
    for (band, rows) in input.chunks(8 * width).enumerate() {
        let rows_here = rows.len() / width;
        for left in (0..width).step_by(8) {
            let columns_here = (width - left).min(8);
            let tile = if (rows_here, columns_here) == (8, 8) {
                transpose_tile(std::array::from_fn(|row| word(&rows[row * width + left..])))
            } else {
                std::array::from_fn(|column| {
                    std::array::from_fn(|row| {
                        let at = row * width + left + column;
                        if row < rows_here && column < columns_here { rows[at] } else { 0 }
                    })
                })
            };
            for (column, pixels) in tile.iter().enumerate().take(columns_here) {
                let start = (left + column) * height + 8 * band;
                output[start..start + rows_here].copy_from_slice(&pixels[..rows_here]);
            }
        }
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Transposes 8×8 bytes by swapping ever smaller squares of them.
fn transpose_tile(mut rows: [u64; 8]) -> [[u8; 8]; 8] {
    const STEPS: [(usize, u64); 3] =
        [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)];
    for (distance, mask) in STEPS {
        for row in (0..8).filter(|row| row & distance == 0) {
            let bits = 8 * distance;
            let swapped = ((rows[row] >> bits) ^ rows[row + distance]) & mask;
            rows[row + distance] ^= swapped;
            rows[row] ^= swapped << bits;
        }
    }
    rows.map(u64::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns_for_any_size() {
        for (width, height) in [(8, 8), (1, 1), (3, 9), (16, 24), (21, 13), (40, 7)] {
            let input: Vec<u8> = (0..width * height).map(|at| (at % 251) as u8).collect();
            let mut output = Vec::new();
            transpose(&input, (width, height), &mut output);
            for x in 0..width {
                for y in 0..height {
                    assert_eq!(output[x * height + y], input[y * width + x]);
                }
            }
        }
    }
}
