//! Flips, affine maps and cut-outs.

use crate::{Image, Interpolation, Region};

/// Mirrors left and right.
pub fn flip_horizontal(image: &mut Image) {
    let channels = usize::from(image.channels);
    for row in image.pixels.chunks_exact_mut((image.width as usize * channels).max(1)) {
        row.reverse();
        if channels > 1 {
            row.chunks_exact_mut(channels).for_each(<[u8]>::reverse);
        }
    }
}

/// Where the pixels of the new image come from, in pixels from the top left corner:
/// `x' = a·x + b·y + c`, `y' = d·x + e·y + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// `[a, b, c]`
    pub x: [f64; 3],
    /// `[d, e, f]`
    pub y: [f64; 3],
}

/// The image under an affine map; what comes from outside is `fill` in every channel.
///
/// Like `Image.transform(size, AFFINE, …)` of Pillow. Filters other than
/// [`Nearest`](Interpolation::Nearest) are taken for [`Bilinear`](Interpolation::Bilinear).
pub fn affine(image: &mut Image, map: Affine, interpolation: Interpolation, fill: u8) {
    let channels = usize::from(image.channels);
    let (width, height) = (image.width as usize, image.height as usize);
    let mut output = vec![fill; image.pixels.len()];
    let mut pixels = output.chunks_exact_mut(channels.max(1));
    for row in 0..height {
        for column in 0..width {
            let Some(pixel) = pixels.next() else { return };
            let (x, y) = (column as f64 + 0.5, row as f64 + 0.5);
            let from_x = map.x[0] * x + map.x[1] * y + map.x[2];
            let from_y = map.y[0] * x + map.y[1] * y + map.y[2];
            let inside = (0.0..width as f64).contains(&from_x);
            if !inside || !(0.0..height as f64).contains(&from_y) {
                continue;
            }
            if interpolation == Interpolation::Nearest {
                let at = (from_y as usize * width + from_x as usize) * channels;
                pixel.copy_from_slice(&image.pixels[at..at + channels]);
            } else {
                bilinear(image, from_x - 0.5, from_y - 0.5, pixel);
            }
        }
    }
    image.pixels = output;
}

/// The weighted mean of the four pixels around `(x, y)`, rounded down as Pillow does; the border
/// is repeated outwards.
fn bilinear(image: &Image, x: f64, y: f64, pixel: &mut [u8]) {
    let (width, height) = (image.width as usize, image.height as usize);
    let channels = usize::from(image.channels);
    let columns = [x.floor().max(0.0) as usize, ((x.floor() + 1.0) as usize).min(width - 1)];
    let rows = [y.floor().max(0.0) as usize, ((y.floor() + 1.0) as usize).min(height - 1)];
    let (right, below) = (x - x.floor(), y - y.floor());
    let at = |row: usize, column: usize, channel: usize| {
        f64::from(image.pixels[(row * width + column) * channels + channel])
    };
    for (channel, value) in pixel.iter_mut().enumerate() {
        let [upper, lower] = rows.map(|row| {
            at(row, columns[0], channel) * (1.0 - right) + at(row, columns[1], channel) * right
        });
        *value = (upper * (1.0 - below) + lower * below) as u8;
    }
}

/// Turns counter-clockwise around the centre.
pub fn rotate(image: &mut Image, degrees: f64, interpolation: Interpolation, fill: u8) {
    let (sin, cos) = (-degrees.to_radians()).sin_cos();
    let (x, y) = (f64::from(image.width) / 2.0, f64::from(image.height) / 2.0);
    let map =
        Affine { x: [cos, sin, x - cos * x - sin * y], y: [-sin, cos, y + sin * x - cos * y] };
    affine(image, map, interpolation, fill);
}

/// Row `y` comes from `slope · y` pixels further right.
pub fn shear_x(image: &mut Image, slope: f64, interpolation: Interpolation, fill: u8) {
    let map = Affine { x: [1.0, slope, 0.0], y: [0.0, 1.0, 0.0] };
    affine(image, map, interpolation, fill);
}

/// Column `x` comes from `slope · x` pixels further down.
pub fn shear_y(image: &mut Image, slope: f64, interpolation: Interpolation, fill: u8) {
    let map = Affine { x: [1.0, 0.0, 0.0], y: [slope, 1.0, 0.0] };
    affine(image, map, interpolation, fill);
}

/// Every pixel comes from `right` pixels further right and `down` pixels further down.
pub fn translate(
    image: &mut Image,
    (right, down): (f64, f64),
    interpolation: Interpolation,
    fill: u8,
) {
    let map = Affine { x: [1.0, 0.0, right], y: [0.0, 1.0, down] };
    affine(image, map, interpolation, fill);
}

/// Paints the part of `region` that lies in the image.
pub fn cutout(image: &mut Image, region: Region, fill: u8) {
    let channels = usize::from(image.channels);
    let left = region.left.min(image.width) as usize;
    let right = region.left.saturating_add(region.width).min(image.width) as usize;
    let rows = image.pixels.chunks_exact_mut((image.width as usize * channels).max(1));
    for row in rows.skip(region.top as usize).take(region.height as usize) {
        row[left * channels..right * channels].fill(fill);
    }
}
