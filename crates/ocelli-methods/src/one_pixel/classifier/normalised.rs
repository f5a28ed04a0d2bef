//! Images as networks want them.

use ocelli_data::Image;

/// An image as a network wants it.
///
/// # Shapes
/// - result: `[channels, height, width]`
pub(super) fn normalised(
    image: &Image,
    [channels, height, width]: [usize; 3],
    scale_and_offset: [(f32, f32); 3],
) -> Vec<f32> {
    let mut planes = vec![0.0; channels * height * width];
    for (channel, plane) in planes.chunks_exact_mut((height * width).max(1)).enumerate() {
        let (scale, offset) = scale_and_offset[channel];
        let bytes = image.pixels.iter().skip(channel).step_by(channels);
        let pairs = plane.iter_mut().zip(bytes);
        pairs.for_each(|(to, byte)| *to = f32::from(*byte) * scale + offset);
    }
    planes
}
