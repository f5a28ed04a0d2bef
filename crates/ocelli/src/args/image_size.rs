//! Sizes of images, as they are typed.

use std::fmt;
use std::str::FromStr;

/// The size of an image in pixels: `224` or `192x160`, height first as in all shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageSize {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Sides beyond this are a typing error.
const LARGEST_SIDE: usize = 65_536;

impl ImageSize {
    /// As high as wide.
    pub(crate) fn square(side: usize) -> Self {
        Self { height: side, width: side }
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}×{}", self.height, self.width)
    }
}

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| match text.parse() {
            Ok(side) if (1..=LARGEST_SIDE).contains(&side) => Ok(side),
            _ => Err(format!("`{text}` is not a number of pixels from 1 to {LARGEST_SIDE}")),
        };
        match text.split_once(['x', '×']) {
            Some((height, width)) => Ok(Self { height: side(height)?, width: side(width)? }),
            None => side(text).map(Self::square),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_a_square_and_two_are_height_and_width() {
        assert_eq!("224".parse(), Ok(ImageSize::square(224)));
        assert_eq!("192x160".parse(), Ok(ImageSize { height: 192, width: 160 }));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for text in ["", "0", "-3", "12x", "x12", "1e3", "99999999999999999999", "70000"] {
            assert!(text.parse::<ImageSize>().is_err(), "{text}");
        }
    }
}
