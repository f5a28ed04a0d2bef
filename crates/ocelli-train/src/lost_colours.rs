//! Pictures in colour that a network sees in grey.

use crate::Recipe;
use ocelli_data::{Channels, DecodeOptions, Image, Source};

/// How many pictures are looked at, evenly spread.
const LOOKED_AT: u64 = 8;
/// Compression and rounding tint greys by less.
const LEAST_TINT: u8 = 16;

/// Warns if the recipe's network has one channel and pictures of `source` have colours. Pictures
/// that cannot be read are passed over here.
pub fn warn_of_lost_colours(recipe: &Recipe, source: &dyn Source) {
    if recipe.input.channels != 1 {
        return;
    }
    let (limits, len) = (recipe.data.limits(), source.len());
    let options =
        DecodeOptions { channels: Channels::AsStored, limits, ..DecodeOptions::default() };
    let count = LOOKED_AT.min(len);
    let picture = |number: u64| {
        let index = (u128::from(number) * u128::from(len) / u128::from(count.max(1))) as u64;
        source.read(index).and_then(|record| record.decode(&options)).ok()
    };
    if (0..count).filter_map(picture).any(|image| is_coloured(&image)) {
        tracing::warn!(
            "{}: pictures are in colour, and the network sees them in grey (input.channels is 1)",
            recipe.data.source
        );
    }
}

fn is_coloured(image: &Image) -> bool {
    image.channels == 3
        && image.pixels.as_chunks::<3>().0.iter().any(|[red, green, blue]| {
            red.max(green).max(blue) - red.min(green).min(blue) > LEAST_TINT
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_that_are_stored_as_colours_are_no_colours() {
        let image = |channels, pixels: &[u8]| {
            let width = (pixels.len() / usize::from(channels)) as u32;
            Image { width, height: 1, channels, pixels: pixels.to_vec() }
        };
        assert!(!is_coloured(&image(1, &[0, 255])));
        assert!(!is_coloured(&image(3, &[9, 9, 9, 200, 202, 199])));
        assert!(is_coloured(&image(3, &[9, 9, 9, 200, 20, 199])));
    }
}
