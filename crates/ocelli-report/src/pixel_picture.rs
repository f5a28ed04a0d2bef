//! One picture, enlarged so that single pixels can be seen, some of them in rings.

use crate::{ReportError, encode_png};

/// The side to which small pictures are enlarged, in pixels.
const SIDE: usize = 160;
/// A ring: light inside, dark outside, so that it shows on any picture.
const LIGHT: [u8; 3] = [0xff, 0xe6, 0x00];
const DARK: [u8; 3] = [0x10, 0x10, 0x10];

/// One picture with rings around some of its pixels.
#[derive(Clone, Debug, Default)]
pub struct PixelPicture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `[height, width, channels]`
    pub pixels: Vec<u8>,
    /// Column and row of each pixel that has a ring.
    pub rings: Vec<[usize; 2]>,
}

impl PixelPicture {
    /// Draws the picture, enlarged by a whole number if it is small.
    ///
    /// # Errors
    /// When there are not as many bytes as the size says.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let expected = self.height * self.width * self.channels;
        if expected == 0 || self.pixels.len() != expected || ![1, 3].contains(&self.channels) {
            let Self { height, width, channels, pixels, .. } = self;
            let found = pixels.len();
            let reason =
                format!("{found} bytes for {height}×{width} pixels of {channels} channels");
            return Err(ReportError::Picture { reason });
        }
        let factor = SIDE.div_ceil(self.height.max(self.width));
        let mut canvas = self.enlarged(factor);
        for ring in &self.rings {
            self.draw_ring(*ring, factor, &mut canvas);
        }
        encode_png([self.height, self.width].map(|side| side * factor), 3, canvas.as_flattened())
    }

    fn enlarged(&self, factor: usize) -> Vec<[u8; 3]> {
        let colour = |row: usize, column: usize| {
            let pixel = (row / factor * self.width + column / factor) * self.channels;
            std::array::from_fn(|channel| self.pixels[pixel + channel % self.channels])
        };
        let columns = self.width * factor;
        let pixels = (0..self.height * factor * columns).map(|at| (at / columns, at % columns));
        pixels.map(|(row, column)| colour(row, column)).collect()
    }

    /// A circle around the middle of an enlarged pixel, outside of its corners.
    fn draw_ring(&self, [x, y]: [usize; 2], factor: usize, canvas: &mut [[u8; 3]]) {
        let (height, width) = (self.height * factor, self.width * factor);
        let middle = |coordinate: usize| (coordinate as f64 + 0.5) * factor as f64;
        let inner = (factor as f64 * 0.75).max(5.0);
        let reach = inner.ceil() as usize + 4;
        let range = |coordinate: usize, end: usize| {
            let middle = middle(coordinate) as usize;
            middle.saturating_sub(reach)..(middle + reach + 1).min(end)
        };
        for row in range(y, height) {
            for column in range(x, width) {
                let down = row as f64 + 0.5 - middle(y);
                let across = column as f64 + 0.5 - middle(x);
                let distance = down.hypot(across) - inner;
                if (0.0..1.5).contains(&distance) {
                    canvas[row * width + column] = LIGHT;
                } else if (1.5..2.7).contains(&distance) {
                    canvas[row * width + column] = DARK;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png_file::decode;

    #[test]
    fn a_pixel_is_seen_inside_its_ring() {
        for channels in [1, 3] {
            let mut pixels = vec![128; 8 * 8 * channels];
            pixels[(2 * 8 + 5) * channels] = 200;
            let rings = vec![[5, 2]];
            let picture = PixelPicture { height: 8, width: 8, channels, pixels, rings };
            let (width, height, drawn) = decode(&picture.to_png().unwrap());
            assert_eq!((width, height), (160, 160));
            let at = |row: usize, column: usize| &drawn[3 * (row * width + column)..][..3];
            assert_eq!(at(50, 110)[0], 200, "the pixel's middle");
            assert_eq!(at(150, 10), [128; 3]);
            assert!((110..160).any(|column| at(50, column) == LIGHT), "a ring to its right");
            assert!((0..50).any(|row| at(row, 110) == DARK), "and above it");
        }
    }

    #[test]
    fn rings_at_corners_stay_inside_and_large_pictures_as_they_are() {
        let pixels = vec![0; 300 * 200];
        let rings = vec![[0, 0], [199, 299]];
        let picture = PixelPicture { height: 300, width: 200, channels: 1, pixels, rings };
        let (width, height, _) = decode(&picture.to_png().unwrap());
        assert_eq!((width, height), (200, 300));
    }

    #[test]
    fn bytes_of_another_size_are_refused() {
        let pixels = vec![0; 5];
        let picture = PixelPicture { height: 2, width: 2, channels: 1, pixels, rings: vec![] };
        assert!(picture.to_png().unwrap_err().to_string().contains("5 bytes for 2×2"));
        assert!(PixelPicture::default().to_png().is_err());
    }
}
