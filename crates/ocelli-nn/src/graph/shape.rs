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
            Self::Conv2d(Conv2d { groups, in_channels, out_channels, .. })
                if *groups == 0
                    || !in_channels.is_multiple_of(*groups)
                    || !out_channels.is_multiple_of(*groups) =>
            {
                let channels = format!("{in_channels} and {out_channels} channels");
                Err(first.refuse(layer, format!("{channels} are not in {groups} equal groups")))
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
            Self::Concat { keep } => concatenate(layer, inputs, *keep),
            Self::GlobalAvgPool => Ok(Shape::vector(first.channels)),
            Self::Flatten => Ok(Shape::vector(first.len())),
            Self::PadShortcut { out_channels, .. } if *out_channels < first.channels => {
                Err(first.refuse(layer, format!("it makes {out_channels} channels")))
            }
            Self::PadShortcut { stride: 0, .. } => Err(first.refuse(layer, "its stride is zero")),
            Self::PadShortcut { out_channels, stride } => Ok(Shape {
                channels: *out_channels,
                height: first.height.div_ceil(*stride),
                width: first.width.div_ceil(*stride),
            }),
            Self::LocalResponseNorm(norm) if norm.size.is_multiple_of(2) => {
                let reason = format!("its sums are of {} channels, no odd number", norm.size);
                Err(first.refuse(layer, reason))
            }
            Self::Scale => match inputs.get(1) {
                Some(gate) if *gate != Shape::vector(first.channels) => {
                    Err(gate.refuse(layer, format!("it is a gate of {first:?}")))
                }
                _ => Ok(first),
            },
            Self::BatchNorm(_)
            | Self::LocalResponseNorm(_)
            | Self::Activation(_)
            | Self::Dropout { .. }
            | Self::DropPath { .. } => Ok(first),
        }
    }
}

fn concatenate(layer: &str, inputs: &[Shape], keep: usize) -> Result<Shape> {
    let Some(&first) = inputs.first() else { return Ok(Shape::vector(keep)) };
    let differs = |other: &&Shape| [other.height, other.width] != [first.height, first.width];
    if let Some(other) = inputs.iter().find(differs) {
        return Err(other.refuse(layer, format!("it stands beside {first:?}")));
    }
    let all: usize = inputs.iter().map(|input| input.channels).sum();
    let whole = Shape { channels: all, ..first };
    if keep > all {
        return Err(whole.refuse(layer, format!("it keeps {keep} channels")));
    }
    Ok(Shape { channels: keep, ..first })
}

fn slide(
    layer: &str,
    input: Shape,
    padding: Padding,
    windows: [Window; 2],
    channels: usize,
) -> Result<Shape> {
    let is_empty = |window: &Window| [window.kernel, window.stride, window.dilation].contains(&0);
    if windows.iter().any(is_empty) {
        return Err(input.refuse(layer, "its kernel, stride or dilation is zero"));
    }
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
    use crate::graph::{Builder, ConvSettings, LocalResponseNorm, NormSettings};

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

    fn reason(op: &Op, inputs: &[Shape]) -> String {
        let image = Shape { channels: 3, height: 33, width: 33 };
        op.output_shape("layer", image, inputs).unwrap_err().to_string()
    }

    #[test]
    fn parts_of_different_sizes_do_not_stand_side_by_side() {
        let [one, other] = [17, 16].map(|size| Shape { channels: 4, height: size, width: size });
        let message = reason(&Op::Concat { keep: 8 }, &[one, other]);
        assert!(message.contains("shape [4, 16, 16]: it stands beside"), "{message}");
        let message = reason(&Op::Concat { keep: 9 }, &[one, one]);
        assert!(message.contains("shape [8, 17, 17]: it keeps 9 channels"), "{message}");
    }

    #[test]
    fn a_gate_is_a_pixel_of_as_many_channels() {
        let x = Shape { channels: 4, height: 5, width: 5 };
        assert!(Op::Scale.output_shape("layer", x, &[x, Shape::vector(4)]).is_ok());
        for gate in [Shape::vector(3), x] {
            let message = reason(&Op::Scale, &[x, gate]);
            assert!(message.contains("it is a gate of"), "{message}");
        }
    }

    #[test]
    fn layers_that_contradict_themselves_are_refused() {
        let scheme = crate::init::InitScheme::FanInUniform;
        let settings = ConvSettings::new(8, 3);
        for (settings, words) in [
            (settings.groups(0), "12 and 8 channels are not in 0 equal groups"),
            (settings.groups(8), "12 and 8 channels are not in 8 equal groups"),
            (settings.groups(12), "12 and 8 channels are not in 12 equal groups"),
            (settings.stride(0), "its kernel, stride or dilation is zero"),
            (ConvSettings { kernel: 0, ..settings }, "its kernel, stride or dilation is zero"),
            (ConvSettings { dilation: 0, ..settings }, "its kernel, stride or dilation is zero"),
        ] {
            let (mut b, image) = Builder::new(12, scheme, NormSettings::default());
            let conv = b.conv("conv", image, settings);
            let message = b.finish(conv, conv, conv).shapes(33, 33).unwrap_err().to_string();
            assert!(message.ends_with(words), "{message}");
        }
        let x = Shape { channels: 4, height: 5, width: 5 };
        let shortcut = |out_channels, stride| Op::PadShortcut { out_channels, stride };
        let response = LocalResponseNorm { size: 4, alpha: 1.0, beta: 0.75, k: 1.0 };
        for (op, words) in [
            (shortcut(3, 2), "it makes 3 channels"),
            (shortcut(8, 0), "its stride is zero"),
            (Op::LocalResponseNorm(response), "its sums are of 4 channels, no odd number"),
        ] {
            let message = reason(&op, &[x]);
            assert!(message.ends_with(words), "{message}");
        }
    }
}
