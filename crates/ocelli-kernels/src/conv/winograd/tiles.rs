//! From images to transformed tiles, and back.

#![expect(unsafe_code, reason = "the inner loops run on checked-once pointers")]

use super::transform::{POINTS, PRODUCTS, Products, Transform};
use crate::elementwise::Write;
use crate::geometry::{Axis, Geometry, Window};
use crate::rows::{Rows, RowsMut};
use crate::simd::{Kernel, Lanes, Simd, with_lanes};
use std::marker::PhantomData;
use std::ops::Range;

/// How the outputs of a batch fall into tiles, which are counted image by image and line by line.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    geometry: Geometry,
    /// Outputs of a tile on an axis.
    side: usize,
    down: usize,
    across: usize,
}

/// A tile.
#[derive(Clone, Copy)]
struct TilePosition {
    image: usize,
    /// Its first output's row and column.
    row: usize,
    column: usize,
}

impl Tiling {
    pub(super) fn new(geometry: Geometry, side: usize) -> Self {
        let [down, across] =
            [geometry.rows, geometry.columns].map(|axis| axis.output.div_ceil(side));
        Self { geometry, side, down, across }
    }

    pub(super) fn per_image(self) -> usize {
        self.down * self.across
    }

    pub(super) fn count(self) -> usize {
        self.geometry.batch * self.per_image()
    }

    pub(super) fn down(self) -> usize {
        self.down
    }

    pub(super) fn across(self) -> usize {
        self.across
    }

    /// Lines of tiles of the batch.
    pub(super) fn all_lines(self) -> usize {
        self.geometry.batch * self.down
    }

    /// Whether all lines of tiles have the same height.
    pub(super) fn has_even_lines(self) -> bool {
        self.geometry.rows.output.is_multiple_of(self.side)
    }

    /// Rows of the output's matrix before a line of tiles.
    pub(super) fn rows_before(self, line: usize) -> usize {
        let Geometry { rows, columns, .. } = self.geometry;
        let within = rows.output.min(line % self.down * self.side);
        (line / self.down * rows.output + within) * columns.output
    }

    /// The line of tiles that begins, or would begin, at a row of the output's matrix.
    pub(super) fn line_at(self, row: usize) -> usize {
        let Geometry { rows, columns, .. } = self.geometry;
        let line = row / columns.output;
        line / rows.output * self.down + (line % rows.output).div_ceil(self.side)
    }

    /// Where blocks of `count` lines of tiles end, in rows of the output's matrix after the first.
    pub(super) fn line_ends(self, lines: Range<usize>, count: usize) -> Vec<usize> {
        let start = self.rows_before(lines.start);
        let blocks = lines.clone().step_by(count).map(|line| lines.end.min(line + count));
        blocks.map(|line| self.rows_before(line) - start).collect()
    }

    /// The same tiles of the outputs themselves.
    pub(super) fn of_outputs(self) -> Self {
        let window = Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
        let axis = |axis: Axis| Axis { window, input: axis.output, output: axis.output };
        let Geometry { batch, rows, columns } = self.geometry;
        let geometry = Geometry { batch, rows: axis(rows), columns: axis(columns) };
        Self { geometry, ..self }
    }

    fn position(self, tile: usize) -> TilePosition {
        let (line, column) = (tile / self.across, tile % self.across);
        let (image, row) = (line / self.down, line % self.down);
        TilePosition { image, row: row * self.side, column: column * self.side }
    }
}

/// Transforms what tiles read, `FROM` pixels on each axis.
pub(super) struct Gather<'a, T, const FROM: usize> {
    pub(super) transform: PhantomData<T>,
    pub(super) tiling: Tiling,
    pub(super) x: Rows<'a>,
    /// The first tile, and how many there are.
    pub(super) first: usize,
    pub(super) tiles: usize,
    /// A pixel outside of the image.
    pub(super) outside: &'a [f32],
    /// `[36, tiles · room]`
    pub(super) v: RowsMut<'a>,
    /// Elements from a tile to the next, at least as many as channels.
    pub(super) room: usize,
}

impl<T: Transform<FROM, POINTS>, const FROM: usize> Kernel for Gather<'_, T, FROM> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Geometry { rows, columns, .. } = self.tiling.geometry;
        let channels = self.x.channels();
        assert!(self.v.count() == PRODUCTS && self.outside.len() == channels, "room for products");
        assert!(
            channels <= self.room && self.tiles * self.room == self.v.channels(),
            "room for tiles"
        );
        let (v, stride) = (self.v.as_mut_ptr(), self.v.stride());
        for index in 0..self.tiles {
            let position = self.tiling.position(self.first + index);
            let mut pixels = [[self.outside.as_ptr(); FROM]; FROM];
            for (line, pixels) in pixels.iter_mut().enumerate() {
                let Some(row) = rows.source(position.row + line, 0) else { continue };
                let first = (position.image * rows.input + row) * columns.input;
                for (column, pixel) in pixels.iter_mut().enumerate() {
                    if let Some(column) = columns.source(position.column + column, 0) {
                        *pixel = self.x.row(first + column).as_ptr();
                    }
                }
            }
            for channel in (0..channels).step_by(S::LANES) {
                let to = v.wrapping_add(index * self.room + channel);
                with_lanes!(simd.part(channels - channel), lanes => {
                    // SAFETY: every pixel has `channels` elements; V has 36 rows with room for as many per tile.
                    unsafe { gather::<S, T, FROM>(simd, lanes, &pixels, channel, to, stride) }
                });
            }
        }
    }
}

/// # Safety
/// The lanes must be readable at every pixel from `channel` on, and writable at `to` and the next 35
/// rows, `stride` apart.
#[inline(always)]
unsafe fn gather<S: Simd, T: Transform<FROM, POINTS>, const FROM: usize>(
    simd: S,
    lanes: impl Lanes<S>,
    pixels: &[[*const f32; FROM]; FROM],
    channel: usize,
    to: *mut f32,
    stride: usize,
) {
    let mut tile = [[simd.splat(0.0); FROM]; FROM];
    for line in 0..FROM {
        for column in 0..FROM {
            // SAFETY: the caller vouches for the pixels.
            tile[line][column] = unsafe { lanes.load(simd, pixels[line][column].add(channel)) };
        }
    }
    let made = T::tile(simd, &tile);
    for (product, made) in made.as_flattened().iter().enumerate() {
        // SAFETY: the caller vouches for V.
        unsafe { lanes.store(simd, to.wrapping_add(product * stride), *made) }
    }
}

/// Transforms products back to `SIDE` outputs on each axis.
pub(super) struct Scatter<'a, const SIDE: usize> {
    pub(super) tiling: Tiling,
    /// `[36, tiles · channels]`
    pub(super) m: Rows<'a>,
    /// Lines of tiles.
    pub(super) lines: Range<usize>,
    /// The rows of the output that they make.
    pub(super) y: RowsMut<'a>,
    pub(super) write: Write,
}

impl<const SIDE: usize> Kernel for Scatter<'_, SIDE>
where
    Products: Transform<POINTS, SIDE>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Geometry { rows, columns, .. } = self.tiling.geometry;
        let channels = self.y.channels();
        let [first, end] =
            [self.lines.start, self.lines.end].map(|line| self.tiling.rows_before(line));
        assert_eq!(self.y.count(), end - first, "outputs of lines of tiles");
        let tiles = self.lines.start * self.tiling.across..self.lines.end * self.tiling.across;
        assert!(self.m.count() == PRODUCTS && self.tiling.side == SIDE, "products of tiles");
        assert_eq!(self.m.channels(), tiles.len() * channels, "products of tiles");
        let (m, stride) = (self.m.as_ptr(), self.m.stride());
        for (index, tile) in tiles.enumerate() {
            let position = self.tiling.position(tile);
            let pixel =
                (position.image * rows.output + position.row) * columns.output + position.column;
            let height = SIDE.min(rows.output - position.row);
            let width = SIDE.min(columns.output - position.column);
            let mut outputs = [[None; SIDE]; SIDE];
            for (line, outputs) in outputs[..height].iter_mut().enumerate() {
                for (column, output) in outputs[..width].iter_mut().enumerate() {
                    let row = pixel - first + line * columns.output + column;
                    *output = Some(self.y.row_mut(row).as_mut_ptr());
                }
            }
            for channel in (0..channels).step_by(S::LANES) {
                let from = m.wrapping_add(index * channels + channel);
                with_lanes!(simd.part(channels - channel), lanes => {
                    // SAFETY: M has 36 rows of `channels` elements for each tile, and every output as many.
                    unsafe { scatter(simd, lanes, from, stride, &outputs, channel, self.write) }
                });
            }
        }
    }
}

/// # Safety
/// The lanes must be readable at `from` and the next 35 rows, `stride` apart, and writable at every output
/// from `channel` on.
#[inline(always)]
unsafe fn scatter<S: Simd, const SIDE: usize>(
    simd: S,
    lanes: impl Lanes<S>,
    from: *const f32,
    stride: usize,
    outputs: &[[Option<*mut f32>; SIDE]; SIDE],
    channel: usize,
    write: Write,
) where
    Products: Transform<POINTS, SIDE>,
{
    let mut products = [[simd.splat(0.0); POINTS]; POINTS];
    for (product, value) in products.as_flattened_mut().iter_mut().enumerate() {
        // SAFETY: the caller vouches for M.
        *value = unsafe { lanes.load(simd, from.wrapping_add(product * stride)) };
    }
    let made = Products::tile(simd, &products);
    for line in 0..SIDE {
        for column in 0..SIDE {
            let Some(to) = outputs[line][column] else { continue };
            let mut sum = made[line][column];
            // SAFETY: the caller vouches for the outputs.
            unsafe {
                let to = to.add(channel);
                if write == Write::Add {
                    sum = simd.add(lanes.load(simd, to), sum);
                }
                lanes.store(simd, to, sum);
            }
        }
    }
}
