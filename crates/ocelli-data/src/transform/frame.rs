//! Which part of a picture lands where on the square canvas of the input: arithmetic only.

use super::config::EvalConfig;
use crate::{Region, Resize, Window};
use ocelli_common::{CropMode, Interpolation};

/// A part of a picture, and the part of the canvas that it is stretched over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) resize: Resize,
    /// Columns of the canvas to the left of it.
    pub(crate) left: u32,
    /// Rows of the canvas above it.
    pub(crate) top: u32,
}

impl Frame {
    /// `region`, cut out and stretched over the whole canvas.
    pub(crate) fn stretched(region: Region, size: u32, interpolation: Interpolation) -> Self {
        let window = Region::whole(region.width, region.height).into();
        let resize = Resize { region, window, width: size, height: size, interpolation };
        Self { resize, left: 0, top: 0 }
    }

    /// A picture of `width` by `height` as it is evaluated.
    pub(crate) fn evaluated(
        config: &EvalConfig,
        (width, height): (u32, u32),
        size: u32,
        interpolation: Interpolation,
    ) -> Self {
        let (scaled_width, scaled_height) = scaled(config, width, height, size);
        let across = FrameAxis::centred(width, scaled_width, size);
        let down = FrameAxis::centred(height, scaled_height, size);
        let resize = Resize {
            region: Region::whole(width, height),
            window: Window {
                left: across.start,
                top: down.start,
                width: across.len,
                height: down.len,
            },
            width: across.target_len,
            height: down.target_len,
            interpolation,
        };
        Self { resize, left: across.target_start, top: down.target_start }
    }
}

/// The size to which the whole picture would be resized.
fn scaled(config: &EvalConfig, width: u32, height: u32, size: u32) -> (u32, u32) {
    let target = (f64::from(size) / config.crop_pct).floor() as u32;
    match config.crop_mode {
        CropMode::None => (width, height),
        CropMode::Squash => (target, target),
        CropMode::Center => {
            let short = u64::from(width.min(height).max(1));
            let long = |side: u32| (u64::from(target) * u64::from(side) / short) as u32;
            if width <= height { (target, long(height)) } else { (long(width), target) }
        }
        CropMode::Border => {
            let ratio = f64::from(width.max(height).max(1)) / f64::from(target);
            let resized = |side: u32| (f64::from(side) / ratio).round_ties_even().max(1.0) as u32;
            (resized(width), resized(height))
        }
    }
}

/// One direction of a frame.
struct FrameAxis {
    start: f64,
    len: f64,
    target_start: u32,
    target_len: u32,
}

impl FrameAxis {
    /// The middle `size` pixels of `len` pixels that are resized to `scaled`.
    fn centred(len: u32, scaled: u32, size: u32) -> Self {
        if scaled <= size {
            let target_start = (size - scaled) / 2;
            return Self { start: 0.0, len: len.into(), target_start, target_len: scaled };
        }
        let step = f64::from(len) / f64::from(scaled);
        let start = (f64::from(scaled - size) / 2.0).round_ties_even() * step;
        // Rounding must not reach past the picture.
        let len = (f64::from(size) * step).min(f64::from(len) - start);
        Self { start, len, target_start: 0, target_len: size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(crop_mode: CropMode, crop_pct: f64, width: u32, height: u32, size: u32) -> Frame {
        let config = EvalConfig { crop_pct, crop_mode };
        Frame::evaluated(&config, (width, height), size, Interpolation::Bilinear)
    }

    #[test]
    fn the_centre_of_a_resized_photo() {
        // 500×375 becomes 341×256, of which 224×224 is cut out at (58, 16).
        let frame = frame(CropMode::Center, 0.875, 500, 375, 224);
        let window = frame.resize.window;
        assert!((window.left - 58.0 * 500.0 / 341.0).abs() < 1e-9);
        assert!((window.top - 16.0 * 375.0 / 256.0).abs() < 1e-9);
        assert!((window.width - 224.0 * 500.0 / 341.0).abs() < 1e-9);
        assert_eq!(
            (frame.resize.width, frame.resize.height, frame.left, frame.top),
            (224, 224, 0, 0)
        );
    }

    #[test]
    fn a_photo_of_the_right_size_is_only_cropped() {
        // Most networks for 224 pixels keep 0.875 of a photo whose short side is 256.
        for (width, height) in [(256, 256), (256, 301), (387, 256)] {
            let [centre, none] = [CropMode::Center, CropMode::None]
                .map(|mode| frame(mode, 0.875, width, height, 224));
            assert_eq!(centre, none);
        }
    }

    #[test]
    fn squash_takes_the_whole_photo() {
        let frame = frame(CropMode::Squash, 1.0, 500, 375, 480);
        assert_eq!(frame.resize.window, Region::whole(500, 375).into());
        assert_eq!((frame.resize.width, frame.resize.height), (480, 480));
    }

    #[test]
    fn border_leaves_room_above_and_below() {
        let frame = frame(CropMode::Border, 1.0, 500, 375, 224);
        assert_eq!((frame.resize.width, frame.resize.height), (224, 168));
        assert_eq!((frame.left, frame.top), (0, 28));
    }

    #[test]
    fn without_resizing_pixels_are_only_moved() {
        let larger = frame(CropMode::None, 0.875, 301, 256, 224);
        // 38.5 is rounded to the even 38, as Python does.
        assert_eq!(
            larger.resize.window,
            Window { left: 38.0, top: 16.0, width: 224.0, height: 224.0 }
        );
        let smaller = frame(CropMode::None, 0.875, 28, 28, 32);
        assert_eq!((smaller.resize.width, smaller.left, smaller.top), (28, 2, 2));
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn frames_lie_inside_picture_and_canvas(
            width in 1_u32..3000,
            height in 1_u32..3000,
            size in 1_u32..600,
            crop_pct in 0.05_f64..=1.0,
            mode in 0_usize..4,
        ) {
            let modes = [CropMode::Center, CropMode::Squash, CropMode::Border, CropMode::None];
            let Frame { resize, left, top } = frame(modes[mode], crop_pct, width, height, size);
            prop_assert!(left + resize.width <= size && top + resize.height <= size);
            prop_assert!(resize.width > 0 && resize.height > 0);
            let window = resize.window;
            prop_assert!(window.left >= 0.0 && window.left + window.width <= width.into());
            prop_assert!(window.top >= 0.0 && window.top + window.height <= height.into());
            prop_assert!(window.width > 0.0 && window.height > 0.0);
        }
    }
}
