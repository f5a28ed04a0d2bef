//! Resizing that agrees with Pillow's.
//!
//! Filters are widened when an image is made smaller (antialiasing), as `PIL.Image.resize` and
//! torchvision with `antialias=True` do. The convolutions are those of `fast_image_resize`.

use crate::{Error, Image, Result};
use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use ocelli_common::Interpolation;

fn algorithm(interpolation: Interpolation) -> ResizeAlg {
    match interpolation {
        Interpolation::Nearest => ResizeAlg::Nearest,
        Interpolation::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Interpolation::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        Interpolation::Lanczos => ResizeAlg::Convolution(FilterType::Lanczos3),
    }
}

/// How far from the centre of a new pixel old pixels count, in pixels of the larger of both.
fn support(interpolation: Interpolation) -> f64 {
    match interpolation {
        Interpolation::Nearest => 0.5,
        Interpolation::Bilinear => 1.0,
        Interpolation::Bicubic => 2.0,
        Interpolation::Lanczos => 3.0,
    }
}

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Region {
    /// Columns to the left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Region {
    /// All of an image of this size.
    pub fn whole(width: u32, height: u32) -> Self {
        Self { left: 0, top: 0, width, height }
    }
}

/// A rectangle whose edges may lie inside pixels; unlike those of a [`Region`], the pixels around
/// it take part in the filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Distance from the left edge in pixels.
    pub left: f64,
    /// Distance from the top edge in pixels.
    pub top: f64,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
}

impl From<Region> for Window {
    fn from(region: Region) -> Self {
        Self {
            left: region.left.into(),
            top: region.top.into(),
            width: region.width.into(),
            height: region.height.into(),
        }
    }
}

/// What becomes of an image: first `region` is cut out of it, then `window` of that is stretched
/// to the new size, in one pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize {
    /// The part of the image that exists for this operation, in pixels of the image.
    pub region: Region,
    /// What is stretched, in pixels of the region.
    pub window: Window,
    /// The new width in pixels.
    pub width: u32,
    /// The new height in pixels.
    pub height: u32,
    /// How new pixels are made.
    pub interpolation: Interpolation,
}

impl Resize {
    /// How many old pixels become one: across or down, whichever is less.
    pub(crate) fn reduction(&self) -> f64 {
        match self.interpolation {
            // It does not average pixels but picks them.
            Interpolation::Nearest => 1.0,
            _ => (self.window.width / f64::from(self.width.max(1)))
                .min(self.window.height / f64::from(self.height.max(1))),
        }
    }

    /// The part of the image that has any influence, if its colours are stored at half size.
    pub(crate) fn visible(&self) -> Region {
        let span = |start: u32, len: u32, from: f64, size: f64, target: u32| {
            let step = (size / f64::from(target.max(1))).max(2.0);
            let margin = support(self.interpolation) * step + 2.0;
            let first = (from - margin).floor().clamp(0.0, len.into()) as u32;
            let end = (from + size + margin).ceil().clamp(0.0, len.into()) as u32;
            (start + first, end - first)
        };
        let (region, window) = (self.region, self.window);
        let (left, width) = span(region.left, region.width, window.left, window.width, self.width);
        let (top, height) = span(region.top, region.height, window.top, window.height, self.height);
        Region { left, top, width, height }
    }

    /// Resizes `pixels`, an image of `width` by `height`, into `output`, which is made as long as
    /// needed.
    ///
    /// # Errors
    /// When the sizes, the region and the length of `pixels` do not fit together.
    pub(crate) fn run(
        &self,
        resizer: &mut Resizer,
        (width, height, channels): (u32, u32, u8),
        pixels: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<()> {
        output.resize(self.width as usize * self.height as usize * usize::from(channels), 0);
        let resized = if channels == 1 {
            self.stretch::<U8>(resizer, (width, height), pixels, output)
        } else {
            self.stretch::<U8x3>(resizer, (width, height), pixels, output)
        };
        resized.map_err(|reason| Error::Resize { width, height, reason })
    }

    fn stretch<P: PixelTrait>(
        &self,
        resizer: &mut Resizer,
        (width, height): (u32, u32),
        pixels: &[u8],
        output: &mut [u8],
    ) -> Result<(), String> {
        let message = |error: &dyn std::error::Error| error.to_string();
        let whole = TypedImageRef::<P>::from_buffer(width, height, pixels)
            .map_err(|error| message(&error))?;
        let Region { left, top, width, height } = self.region;
        let source = TypedCroppedImage::from_ref(&whole, left, top, width, height)
            .map_err(|error| message(&error))?;
        let mut target = TypedImage::<P>::from_buffer(self.width, self.height, output)
            .map_err(|error| message(&error))?;
        let Window { left, top, width, height } = self.window;
        let options = ResizeOptions::new()
            .resize_alg(algorithm(self.interpolation))
            .crop(left, top, width, height)
            .use_alpha(false);
        resizer.resize_typed(&source, &mut target, &options).map_err(|error| message(&error))
    }
}

/// `image` at a new size.
///
/// # Errors
/// When a side is 0 pixels or the image's fields do not fit together.
///
/// ```
/// use ocelli_data::{Image, Interpolation, resize};
///
/// let image = Image { width: 4, height: 2, channels: 1, pixels: vec![0, 0, 90, 90, 0, 0, 90, 90] };
/// let half = resize(&image, 2, 1, Interpolation::Bilinear)?;
/// assert_eq!((half.width, half.height), (2, 1));
/// assert!(half.pixels[0] < half.pixels[1]);
/// # Ok::<(), ocelli_data::Error>(())
/// ```
pub fn resize(
    image: &Image,
    width: u32,
    height: u32,
    interpolation: Interpolation,
) -> Result<Image> {
    let region = Region::whole(image.width, image.height);
    let size = (image.width, image.height, image.channels);
    if [width, height, image.width, image.height].contains(&0) {
        let reason = format!("a side of the image or of its new size {width}×{height} is 0 pixels");
        return Err(Error::Resize { width: image.width, height: image.height, reason });
    }
    let plan = Resize { region, window: region.into(), width, height, interpolation };
    let mut pixels = Vec::new();
    plan.run(&mut Resizer::new(), size, &image.pixels, &mut pixels)?;
    Ok(Image { width, height, channels: image.channels, pixels })
}

#[cfg(test)]
mod tests;
