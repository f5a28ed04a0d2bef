//! From and to the layout of image files and of other libraries.

use crate::rows::RowsMut;
use rayon::prelude::*;

/// Reorders images to channels-last.
///
/// # Shapes
/// - `planes`: `[images, channels, pixels]`, `rows`: `[images · pixels, channels]`
///
/// # Panics
/// When the lengths differ.
pub fn channels_last(planes: &[f32], images: usize, rows: RowsMut<'_>) {
    let channels = rows.channels();
    assert_eq!(planes.len(), rows.count() * channels, "length of the images");
    let pixels = (rows.count() / images.max(1)).max(1);
    rows.blocks(pixels).zip(planes.par_chunks_exact(pixels * channels)).for_each(
        |(mut rows, planes)| {
            for pixel in 0..pixels {
                for (channel, value) in rows.row_mut(pixel).iter_mut().enumerate() {
                    *value = planes[channel * pixels + pixel];
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        let planes = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 4.0, 5.0, 6.0, 40.0, 50.0, 60.0];
        let mut rows = [0.0; 12];
        channels_last(&planes, 2, RowsMut::dense(&mut rows, 2));
        let expected = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, 6.0, 60.0];
        assert_eq!(rows, expected);
    }
}
