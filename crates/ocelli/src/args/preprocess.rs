//! What a picture goes through, where it shall not be what the weights ask for.

use clap::ValueEnum;
use ocelli::data::{CropMode, Interpolation};
use ocelli::train::Trained;

/// Options that replace the preprocessing which the weights expect.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Preprocessing (by default what the weights expect)")]
pub(crate) struct PreprocessArgs {
    /// Height and width of the network's input, in pixels
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=8192))]
    size: Option<u32>,
    /// How a picture becomes square
    #[arg(long, value_name = "MODE")]
    crop: Option<Crop>,
    /// The share of the resized picture that the crop keeps, up to 1
    #[arg(long, value_name = "SHARE")]
    crop_pct: Option<f64>,
    /// How pictures are resized
    #[arg(long, value_name = "FILTER")]
    interpolation: Option<Filter>,
    /// Turn pictures as their EXIF orientation says
    #[arg(long)]
    exif: bool,
    /// The most pixels that a picture may have; larger ones count as unreadable [default: those of
    /// the run, or 100000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_pixels: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Crop {
    /// Resize the short side to SIZE / SHARE (256 for 224 and 0.875), cut out the centre
    #[value(alias = "centre")]
    Center,
    /// Resize both sides, whatever the aspect ratio was
    Squash,
    /// Resize the long side, fill what is missing with the mean colour
    Border,
    /// Cut out the centre without resizing, for pictures that were made to size
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Filter {
    Nearest,
    Bilinear,
    Bicubic,
    Lanczos,
}

impl PreprocessArgs {
    /// Changes what was asked for.
    pub(crate) fn apply(&self, trained: &mut Trained) {
        if let Some(size) = self.size {
            trained.input.size = size;
        }
        if let Some(crop) = self.crop {
            trained.eval.crop_mode = match crop {
                Crop::Center => CropMode::Center,
                Crop::Squash => CropMode::Squash,
                Crop::Border => CropMode::Border,
                Crop::None => CropMode::None,
            };
        }
        if let Some(share) = self.crop_pct {
            trained.eval.crop_pct = share;
        }
        if let Some(filter) = self.interpolation {
            trained.input.interpolation = match filter {
                Filter::Nearest => Interpolation::Nearest,
                Filter::Bilinear => Interpolation::Bilinear,
                Filter::Bicubic => Interpolation::Bicubic,
                Filter::Lanczos => Interpolation::Lanczos,
            };
        }
        trained.input.apply_orientation |= self.exif;
        if let Some(pixels) = self.max_pixels {
            trained.limits.pixels = pixels;
        }
    }
}
