//! From and to the layout of image files and of other libraries.

use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use rayon::prelude::*;

/// Reorders images to channels-last.
///
/// # Shapes
/// - `planes`: `[images, channels, pixels]`, `rows`: `[images · pixels, channels]`
///
/// # Panics
/// When the lengths differ, or the images do not share the rows evenly.
pub fn channels_last(planes: &[f32], images: usize, rows: RowsMut<'_>) {
    let channels = rows.channels();
    assert_eq!(planes.len(), rows.count() * channels, "length of the images");
    let fits = rows.count().is_multiple_of(images);
    assert!(fits, "{} rows of {images} images", rows.count());
    let pixels = (rows.count() / images.max(1)).max(1);
    rows.blocks(pixels).zip(planes.par_chunks_exact((pixels * channels).max(1))).for_each(
        |(mut rows, planes)| {
            for pixel in 0..pixels {
                for (channel, value) in rows.row_mut(pixel).iter_mut().enumerate() {
                    *value = planes[channel * pixels + pixel];
                }
            }
        },
    );
}

/// All elements of an image in one row, in the order channel, row, column.
///
/// # Shapes
/// - `x`: `[images · pixels, channels]`, `y`: `[images, channels · pixels]`
///
/// # Panics
/// When the shapes do not fit.
pub fn flatten<T: Copy + Send + Sync>(x: Rows<'_, T>, y: RowsMut<'_, T>) {
    let pixels = pixels_per_image((x.count(), x.channels()), (y.count(), y.channels()));
    y.blocks(1).enumerate().for_each(|(image, mut y)| {
        let y = y.row_mut(0);
        for pixel in 0..pixels {
            for (channel, value) in x.row(image * pixels + pixel).iter().enumerate() {
                y[channel * pixels + pixel] = *value;
            }
        }
    });
}

/// The gradient of [`flatten`]'s input, or added to `dx`.
///
/// # Shapes
/// As for [`flatten`], with `dy` for `y` and `dx` for `x`.
///
/// # Panics
/// When the shapes do not fit.
pub fn flatten_gradient(dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
    let pixels = pixels_per_image((dx.count(), dx.channels()), (dy.count(), dy.channels()));
    dx.blocks(pixels).enumerate().for_each(|(image, mut dx)| {
        let dy = dy.row(image);
        for pixel in 0..pixels {
            for (channel, value) in dx.row_mut(pixel).iter_mut().enumerate() {
                let new = dy[channel * pixels + pixel];
                *value = if write == Write::Add { *value + new } else { new };
            }
        }
    });
}

fn pixels_per_image((count, channels): (usize, usize), (images, length): (usize, usize)) -> usize {
    let pixels = count / images.max(1);
    assert_eq!((pixels * images, pixels * channels), (count, length), "shape of flattened values");
    pixels.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::values;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn flattened_images_are_planes_side_by_side(
            images in 1_usize..4, pixels in 1_usize..20, channels in 1_usize..20, gap in 0_usize..3,
        ) {
            let (width, stride) = (pixels * channels, channels + gap);
            let planes = values(images * width, 1);
            let mut x = vec![9.0; images * pixels * stride];
            let rows = RowsMut::strided(&mut x, images * pixels, channels, stride);
            channels_last(&planes, images, rows);
            let mut flat = vec![9.0; planes.len()];
            let rows = Rows::strided(&x, images * pixels, channels, stride);
            flatten(rows, RowsMut::dense(&mut flat, width));
            prop_assert_eq!(&flat, &planes);

            let mut dx = vec![1.0; planes.len()];
            let (dy, to) = (Rows::dense(&planes, width), RowsMut::dense(&mut dx, channels));
            flatten_gradient(dy, to, Write::Add);
            let rows = rows_of(&x, channels, stride);
            prop_assert!(dx.iter().zip(rows).all(|(dx, x)| *dx == x + 1.0));
        }
    }

    /// The elements of rows without the gaps between them.
    fn rows_of(strided: &[f32], channels: usize, stride: usize) -> impl Iterator<Item = f32> {
        strided.chunks(stride).flat_map(move |row| row[..channels].iter().copied())
    }

    #[test]
    fn planes_become_pixels() {
        let planes = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 4.0, 5.0, 6.0, 40.0, 50.0, 60.0];
        let mut rows = [0.0; 12];
        channels_last(&planes, 2, RowsMut::dense(&mut rows, 2));
        let expected = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, 6.0, 60.0];
        assert_eq!(rows, expected);
    }

    #[test]
    #[should_panic(expected = "4 rows of 3 images")]
    fn rows_that_images_do_not_share_evenly_are_refused() {
        channels_last(&[1.0; 4], 3, RowsMut::dense(&mut [0.0; 4], 1));
    }

    #[test]
    fn images_of_no_channels_are_no_numbers() {
        channels_last(&[], 2, RowsMut::strided(&mut [], 6, 0, 0));
    }
}
