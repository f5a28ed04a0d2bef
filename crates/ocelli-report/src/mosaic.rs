//! Many small grey pictures side by side, as PNG.

use crate::{ReportError, encode_png};

/// The colours of frames with their names; the first three are those of GhostNet's figure 1.
pub const FRAME_COLOURS: [(&str, [u8; 3]); 6] = [
    ("red", [0xd6, 0x27, 0x28]),
    ("green", [0x2c, 0xa0, 0x2c]),
    ("blue", [0x1f, 0x77, 0xb4]),
    ("orange", [0xff, 0x7f, 0x0e]),
    ("purple", [0x94, 0x67, 0xbd]),
    ("cyan", [0x17, 0xbe, 0xcf]),
];

/// The sides between which a tile is drawn, in pixels.
const SMALLEST: usize = 48;
const LARGEST: usize = 96;
/// The width of a frame, and of what is between frames, in pixels.
const FRAME: usize = 3;
const GAP: usize = 2;
const PAPER: [u8; 3] = [0xff; 3];

/// Tiles in rows, all of one size.
#[derive(Clone, Debug, Default)]
pub struct Mosaic {
    /// Rows of a tile.
    pub height: usize,
    /// Columns of a tile.
    pub width: usize,
    /// How many tiles are side by side.
    pub columns: usize,
    /// The tiles.
    pub tiles: Vec<Tile>,
}

/// One picture.
#[derive(Clone, Debug, Default)]
pub struct Tile {
    /// Its values row by row, of which the least is black and the greatest white.
    pub values: Vec<f32>,
    /// The index of its frame's colour in [`FRAME_COLOURS`], if it has one.
    pub frame: Option<usize>,
}

impl Mosaic {
    /// Draws all tiles, small ones enlarged by a whole number and large ones sampled.
    ///
    /// # Errors
    /// When there is no tile, or one has another size than the mosaic says.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let size = self.height * self.width;
        let wrong = self.tiles.iter().position(|tile| tile.values.len() != size);
        if size == 0 || self.tiles.is_empty() || wrong.is_some() {
            let reason = match wrong {
                Some(tile) => format!("tile {tile} is not of {}×{}", self.height, self.width),
                None => "no tiles".to_owned(),
            };
            return Err(ReportError::Picture { reason });
        }
        let mut canvas = Canvas::new(self);
        for (index, tile) in self.tiles.iter().enumerate() {
            canvas.draw(tile, index);
        }
        encode_png([canvas.height, canvas.width], 3, canvas.pixels.as_flattened())
    }
}

struct Canvas<'a> {
    mosaic: &'a Mosaic,
    /// Height and width of a tile as drawn, without its frame.
    drawn: [usize; 2],
    columns: usize,
    height: usize,
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl<'a> Canvas<'a> {
    fn new(mosaic: &'a Mosaic) -> Self {
        let side = mosaic.height.max(mosaic.width);
        let (larger, smaller) = (SMALLEST.div_ceil(side), side.div_ceil(LARGEST));
        let drawn = [mosaic.height, mosaic.width].map(|side| (side * larger).div_ceil(smaller));
        let columns = mosaic.columns.clamp(1, mosaic.tiles.len());
        let rows = mosaic.tiles.len().div_ceil(columns);
        let height = rows * (drawn[0] + 2 * FRAME + GAP) + GAP;
        let width = columns * (drawn[1] + 2 * FRAME + GAP) + GAP;
        Self { mosaic, drawn, columns, height, width, pixels: vec![PAPER; height * width] }
    }

    fn draw(&mut self, tile: &Tile, index: usize) {
        let [height, width] = self.drawn;
        let top = GAP + index / self.columns * (height + 2 * FRAME + GAP);
        let left = GAP + index % self.columns * (width + 2 * FRAME + GAP);
        let colour = tile.frame.map(|colour| FRAME_COLOURS[colour % FRAME_COLOURS.len()].1);
        self.fill([top, left], [height + 2 * FRAME, width + 2 * FRAME], colour.unwrap_or(PAPER));
        let finite = tile.values.iter().copied().filter(|value| value.is_finite());
        let (least, most) = finite.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
        let scale = if most > least { 255.0 / (most - least) } else { 0.0 };
        for row in 0..height {
            let from = row * self.mosaic.height / height * self.mosaic.width;
            let to = (top + FRAME + row) * self.width + left + FRAME;
            for (column, pixel) in self.pixels[to..to + width].iter_mut().enumerate() {
                let value = tile.values[from + column * self.mosaic.width / width];
                *pixel = [((value - least) * scale).round() as u8; 3];
            }
        }
    }

    fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: [u8; 3]) {
        for row in top..top + height {
            self.pixels[row * self.width + left..][..width].fill(colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png_file::decode;

    #[test]
    fn tiles_are_enlarged_stretched_and_framed() {
        let ramp = Tile { values: vec![-1.0, 0.0, 1.0, 3.0], frame: Some(1) };
        let flat = Tile { values: vec![7.0; 4], frame: None };
        let mosaic = Mosaic { height: 2, width: 2, columns: 2, tiles: vec![ramp, flat] };
        let (width, height, pixels) = decode(&mosaic.to_png().unwrap());
        let side = SMALLEST + 2 * FRAME;
        assert_eq!((width, height), (2 * (side + GAP) + GAP, side + 2 * GAP));
        let at = |row: usize, column: usize| &pixels[3 * (row * width + column)..][..3];
        assert_eq!(at(0, 0), PAPER);
        assert_eq!(at(GAP, GAP), FRAME_COLOURS[1].1, "the frame");
        let inside = GAP + FRAME;
        assert_eq!(at(inside, inside), [0; 3], "the least is black");
        assert_eq!(at(inside, inside + SMALLEST / 2), [64; 3]);
        assert_eq!(at(inside + SMALLEST - 1, inside + SMALLEST - 1), [255; 3]);
        assert_eq!(at(inside, inside + side + GAP), [0; 3], "a flat tile");
    }

    #[test]
    fn large_tiles_are_sampled() {
        let tile = Tile { values: vec![0.0; 300 * 200], frame: None };
        let mosaic = Mosaic { height: 300, width: 200, columns: 9, tiles: vec![tile] };
        let (width, height, _) = decode(&mosaic.to_png().unwrap());
        assert!(width <= LARGEST + 10 && height <= LARGEST + 10, "{width}×{height}");
    }

    #[test]
    fn tiles_of_another_size_are_refused() {
        let tiles = |sizes: &[usize]| -> Vec<Tile> {
            sizes.iter().map(|size| Tile { values: vec![0.0; *size], frame: None }).collect()
        };
        for (height, sizes) in [(2, &[4, 6][..]), (2, &[]), (0, &[0])] {
            let mosaic = Mosaic { height, width: 2, columns: 1, tiles: tiles(sizes) };
            assert!(matches!(mosaic.to_png(), Err(ReportError::Picture { .. })));
        }
    }
}
