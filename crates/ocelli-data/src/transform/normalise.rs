//! From bytes to normalised numbers.

use crate::Image;

/// Writes `image` as planes of `byte · scale + offset`, mirrored if `flip` says so.
///
/// # Shapes
/// - `image`: `[height, width, channels]`
/// - `output`: `[channels, height, width]`
pub(crate) fn normalise(
    image: &Image,
    scale_and_offset: &[(f32, f32); 3],
    flip: bool,
    output: &mut [f32],
) {
    let (width, height) = (image.width as usize, image.height as usize);
    let planes = output.split_at_mut_checked(width * height);
    match (image.channels, planes) {
        (3, Some((red, rest))) => {
            let Some((green, blue)) = rest.split_at_mut_checked(width * height) else { return };
            let rows = image.pixels.chunks_exact(3 * width);
            let planes = red
                .chunks_exact_mut(width)
                .zip(green.chunks_exact_mut(width))
                .zip(blue.chunks_exact_mut(width));
            for (row, ((red, green), blue)) in rows.zip(planes) {
                colour_row(row.as_chunks().0, scale_and_offset, [red, green, blue]);
            }
        }
        _ => grey(&image.pixels, scale_and_offset[0], output),
    }
    if flip {
        output.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
}

fn colour_row(row: &[[u8; 3]], scale_and_offset: &[(f32, f32); 3], planes: [&mut [f32]; 3]) {
    for (channel, plane) in planes.into_iter().enumerate() {
        let (scale, offset) = scale_and_offset[channel];
        for (output, pixel) in plane.iter_mut().zip(row) {
            *output = f32::from(pixel[channel]) * scale + offset;
        }
    }
}

fn grey(pixels: &[u8], (scale, offset): (f32, f32), output: &mut [f32]) {
    for (output, value) in output.iter_mut().zip(pixels) {
        *output = f32::from(*value) * scale + offset;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_planes() {
        let pixels = (1..=12).collect();
        let image = Image { width: 2, height: 2, channels: 3, pixels };
        let scale_and_offset = [(1.0, 0.0), (2.0, 0.0), (1.0, 0.5)];
        let mut output = [0.0; 12];
        normalise(&image, &scale_and_offset, false, &mut output);
        assert_eq!(output, [1.0, 4.0, 7.0, 10.0, 4.0, 10.0, 16.0, 22.0, 3.5, 6.5, 9.5, 12.5]);
        normalise(&image, &scale_and_offset, true, &mut output);
        assert_eq!(output, [4.0, 1.0, 10.0, 7.0, 10.0, 4.0, 22.0, 16.0, 6.5, 3.5, 12.5, 9.5]);
    }

    #[test]
    fn grey_pixels_become_one_plane() {
        let image = Image { width: 3, height: 1, channels: 1, pixels: vec![0, 100, 255] };
        let mut output = [0.0; 3];
        normalise(&image, &[(0.01, -1.0); 3], true, &mut output);
        assert!(output.iter().zip([1.55, 0.0, -1.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
