//! How pictures are fitted to the input of a network.

use serde::{Deserialize, Serialize};

/// How new pixels are made from old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The old pixel at the centre of the new one.
    Nearest,
    /// Triangle filter, support 1.
    #[default]
    Bilinear,
    /// Catmull-Rom cubic (a = −0.5) as in Pillow, support 2.
    Bicubic,
    /// Windowed sinc, support 3.
    Lanczos,
}

/// How the picture is fitted to the input size. "Resized" means to `size / crop_pct`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropMode {
    /// The short side is resized, then the centre is cut out.
    #[default]
    #[serde(alias = "centre")]
    Center,
    /// Both sides are resized, whatever the aspect ratio was, then the centre is cut out.
    Squash,
    /// The long side is resized, then the centre is cut out; what is missing has the mean colour.
    Border,
    /// The centre is cut out without resizing; what is missing is black.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_centre_are_read_and_one_is_written() {
        for text in [r#""center""#, r#""centre""#] {
            assert_eq!(serde_json::from_str::<CropMode>(text).unwrap(), CropMode::Center, "{text}");
        }
        assert_eq!(serde_json::to_string(&CropMode::Center).unwrap(), r#""center""#);
    }
}
