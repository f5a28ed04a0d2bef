//! The shapes of results, computed without running anything.

use super::op::{Conv2d, Op, Padding, Pool, Window};
use crate::{Error, Result};

/// The shape of one sample's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// A vector: one value per channel.
    pub fn vector(channels: usize) -> Self {
        Self { channels, height: 1, width: 1 }
    }

    /// How many numbers it holds.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn refuse(self, layer: &str, reason: impl Into<String>) -> Error {
        Error::Shape {
            layer: layer.to_owned(),
            shape: [self.channels, self.height, self.width],
            reason: reason.into(),
        }
    }
}

impl Conv2d {
    /// The window on an axis (0 rows, 1 columns).
    pub fn window(&self, axis: usize) -> Window {
        Window {
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            dilation: self.dilation[axis],
        }
    }
}

impl Pool {
    /// The window on an axis (0 rows, 1 columns).
    pub fn window(&self, axis: usize) -> Window {
        Window { kernel: self.kernel[axis], stride: self.stride[axis], dilation: 1 }
    }
}

impl Op {
    /// The shape of the result. `image` is the network's input, `inputs` the shapes of this
    /// operation's inputs.
    pub(crate) fn output_shape(
        &self,
        layer: &str,
        image: Shape,
        inputs: &[Shape],
    ) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        let slide = |padding: Padding, window: [Window; 2], channels| {
            slide(layer, first, padding, window, channels)
        };
        match self {
            Self::Input if image.is_empty() => Err(image.refuse(layer, "it has no pixels")),
            Self::Input => Ok(image),
            Self::Conv2d(conv) if conv.in_channels != first.channels => {
                Err(first.refuse(layer, format!("it takes {} channels", conv.in_channels)))
            }
            Self::Conv2d(conv) => {
                slide(conv.padding, [conv.window(0), conv.window(1)], conv.out_channels)
            }
            Self::AvgPool(pool) | Self::MaxPool(pool) => {
                let padding = Padding::Symmetric(pool.padding);
                slide(padding, [pool.window(0), pool.window(1)], first.channels)
            }
            Self::Linear(linear) if linear.in_features != first.len() => {
                Err(first.refuse(layer, format!("it takes {} values", linear.in_features)))
            }
            Self::Linear(linear) => Ok(Shape::vector(linear.out_features)),
            Self::Add => match inputs.iter().find(|other| **other != first) {
                Some(other) => Err(other.refuse(layer, format!("it is added to {first:?}"))),
                None => Ok(first),
            },
            Self::Concat { keep } => Ok(Shape { channels: *keep, ..first }),
            Self::GlobalAvgPool => Ok(Shape::vector(first.channels)),
            Self::Flatten => Ok(Shape::vector(first.len())),
            Self::PadShortcut { out_channels, stride } => Ok(Shape {
                channels: *out_channels,
                height: first.height.div_ceil(*stride),
                width: first.width.div_ceil(*stride),
            }),
            Self::BatchNorm(_)
            | Self::LocalResponseNorm(_)
            | Self::Activation(_)
            | Self::Scale
            | Self::Dropout { .. }
            | Self::DropPath { .. } => Ok(first),
        }
    }
}

fn slide(
    layer: &str,
    input: Shape,
    padding: Padding,
    windows: [Window; 2],
    channels: usize,
) -> Result<Shape> {
    let axis = |axis: usize, size: usize| {
        let (before, after) = padding.amounts(axis, size, windows[axis]);
        let room = (before + size + after).checked_sub(windows[axis].extent());
        room.filter(|_| size > 0).map(|room| room / windows[axis].stride + 1).ok_or_else(|| {
            input.refuse(layer, format!("its window spans {} pixels", windows[axis].extent()))
        })
    };
    Ok(Shape { channels, height: axis(0, input.height)?, width: axis(1, input.width)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_zero_after() {
        let window = Window { kernel: 3, stride: 2, dilation: 1 };
        assert_eq!(Padding::Same.amounts(0, 224, window), (0, 1));
        assert_eq!(Padding::Same.amounts(0, 225, window), (1, 1));
        let window = Window { stride: 1, ..window };
        assert_eq!(Padding::Same.amounts(0, 7, window), (1, 1));
    }

    #[test]
    fn an_image_without_pixels_is_refused() {
        let image = Shape { channels: 3, height: 0, width: 7 };
        let error = Op::Input.output_shape("input", image, &[]);
        let message = error.map_err(|e| e.to_string());
        assert!(message.is_err_and(|message| message.ends_with("[3, 0, 7]: it has no pixels")));
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused_by_name() {
        let input = Shape { channels: 4, height: 2, width: 9 };
        let pool = Pool { kernel: [3, 3], stride: [1, 1], padding: [0, 0] };
        let error = Op::AvgPool(pool).output_shape("pool", input, &[input]);
        let message = error.map_err(|e| e.to_string());
        assert_eq!(
            message,
            Err("layer `pool` cannot take an input of shape [4, 2, 9]: its window spans 3 pixels"
                .to_owned())
        );
    }
}
