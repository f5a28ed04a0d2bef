//! Convolutions one by one: every shape that a network has, forward and backward.
//!
//! A convolution alone finds its input in the last cache more often than in a network.

use clap::value_parser;
use ocelli::kernels::{Axis, Conv, Depthwise, Geometry, Rows, RowsMut, Window, Write, in_pool};
use ocelli::nn::graph::{Conv2d, Graph, Op, Shape};
use serde_json::json;
use std::fmt;

use super::contest::{Case, Contest, filled};
use super::model_at_size::{ModelAtSize, SizedModel};
use crate::talk;

const PEERS: &[&str] = &["pytorch", "pytorch-channels-last"];

/// What can be typed after `ocelli bench kernels`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The networks whose convolutions are timed, as `ocelli models` lists them, each with an image
    /// size if it is not to be the network's own
    #[arg(value_name = "MODEL[@SIZE]", required = true)]
    models: Vec<ModelAtSize>,
    /// Images per pass
    #[arg(long, value_name = "N", default_value_t = 16)]
    #[arg(value_parser = value_parser!(u16).range(1..=4096))]
    batch: u16,
}

/// Times every shape once, in the order in which the networks have them.
pub(super) fn run(args: &Args, contest: &mut Contest) -> anyhow::Result<()> {
    let mut layers: Vec<Layer> = Vec::new();
    for model in &args.models {
        let SizedModel { model, size } = model.try_into()?;
        for layer in layers_of(&model.graph(&model.options())?, size, args.batch.into())? {
            if !layers.contains(&layer) {
                layers.push(layer);
            }
        }
    }
    for layer in layers {
        match layer.pass() {
            // On a thread of the pool, as in a network.
            Some(mut pass) => contest.hold(&layer.case(), || {
                in_pool(&mut pass);
                Ok(())
            })?,
            None => talk::warning(&format!("{layer}: no kernel for so many groups")),
        }
    }
    Ok(())
}

/// A convolution with the sizes of its input and output.
#[derive(Clone, Debug, PartialEq)]
struct Layer {
    in_channels: usize,
    out_channels: usize,
    groups: usize,
    geometry: Geometry,
    /// The first convolution of a network needs no gradient of its input.
    is_first: bool,
}

fn layers_of(graph: &Graph, size: usize, batch: usize) -> anyhow::Result<Vec<Layer>> {
    let shapes = graph.shapes(size, size)?;
    let convolutions = graph.nodes().iter().zip(&shapes).filter_map(|(node, output)| {
        let Op::Conv2d(conv) = &node.op else { return None };
        let input = node.inputs.first()?;
        Some(Layer {
            in_channels: conv.in_channels,
            out_channels: conv.out_channels,
            groups: conv.groups,
            geometry: geometry(conv, shapes[input.index()], *output, batch),
            is_first: matches!(graph.node(*input).op, Op::Input(_)),
        })
    });
    Ok(convolutions.collect())
}

fn geometry(conv: &Conv2d, input: Shape, output: Shape, batch: usize) -> Geometry {
    let axis = |axis: usize, input: usize, output: usize| {
        let window = conv.window(axis);
        let (before, _) = conv.padding.amounts(axis, input, window);
        let ocelli::nn::graph::Window { kernel, stride, dilation } = window;
        Axis { window: Window { kernel, stride, dilation, before }, input, output }
    };
    Geometry {
        batch,
        rows: axis(0, input.height, output.height),
        columns: axis(1, input.width, output.width),
    }
}

/// How many zeros stand after an axis.
fn after(axis: Axis) -> usize {
    let Window { kernel, stride, dilation, before } = axis.window;
    let reach = (axis.output - 1) * stride + (kernel - 1) * dilation + 1;
    reach.saturating_sub(axis.input + before)
}

impl Layer {
    fn case(&self) -> Case {
        let Geometry { batch, rows, columns } = self.geometry;
        let request = json!({
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "groups": self.groups,
            "kernel": [rows.window.kernel, columns.window.kernel],
            "stride": [rows.window.stride, columns.window.stride],
            "dilation": [rows.window.dilation, columns.window.dilation],
            "size": [rows.input, columns.input],
            "padding": [columns.window.before, after(columns), rows.window.before, after(rows)],
            "data_gradient": !self.is_first,
        });
        let (subject, task) = (self.to_string(), "forward and backward");
        Case { subject, task, images: batch, peers: PEERS, request }
    }

    /// The output, then the gradients of the weights and, unless it is the first of its network, of
    /// the input. `None` where there is no kernel for it.
    fn pass(&self) -> Option<Box<dyn FnMut() + Send>> {
        let Self { in_channels, out_channels, groups, geometry, is_first } = *self;
        let is_depthwise = groups == in_channels && groups == out_channels && groups > 1;
        if groups != 1 && !is_depthwise {
            return None;
        }
        let x = filled(geometry.input_pixels() * in_channels);
        let weight = filled(geometry.taps() * in_channels / groups * out_channels);
        let mut y = filled(geometry.output_pixels() * out_channels);
        let (dy, mut dx, mut dweight) = (y.clone(), x.clone(), weight.clone());
        Some(if is_depthwise {
            let kernel = Depthwise { geometry, channels: in_channels };
            Box::new(move || {
                kernel.forward(rows(&x, in_channels), &weight, rows_mut(&mut y, in_channels), None);
                kernel.weight_gradient(rows(&x, in_channels), rows(&dy, in_channels), &mut dweight);
                if !is_first {
                    let dx = rows_mut(&mut dx, in_channels);
                    kernel.data_gradient(rows(&dy, in_channels), &weight, dx, Write::Replace);
                }
            })
        } else {
            let kernel = Conv { geometry, in_channels, out_channels };
            Box::new(move || {
                let y = rows_mut(&mut y, out_channels);
                kernel.forward(rows(&x, in_channels), &weight, None, y, None);
                let dy = rows(&dy, out_channels);
                kernel.weight_gradient(rows(&x, in_channels), dy, &mut dweight);
                if !is_first {
                    let dx = rows_mut(&mut dx, in_channels);
                    kernel.data_gradient(dy, &weight, dx, Write::Replace);
                }
            })
        })
    }
}

fn rows(data: &[f32], channels: usize) -> Rows<'_> {
    Rows::dense(data, channels)
}

fn rows_mut(data: &mut [f32], channels: usize) -> RowsMut<'_> {
    RowsMut::dense(data, channels)
}

impl fmt::Display for Layer {
    /// As in `16→32 3×3/2 @112×112` or `72 5×5/2 depthwise @56×56`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Geometry { rows, columns, .. } = self.geometry;
        let (kernel, stride) = (rows.window.kernel, rows.window.stride);
        match self.groups {
            1 => write!(formatter, "{}→{}", self.in_channels, self.out_channels)?,
            _ => write!(formatter, "{}", self.out_channels)?,
        }
        write!(formatter, " {kernel}×{}/{stride}", columns.window.kernel)?;
        match self.groups {
            1 => {}
            groups if groups == self.in_channels => formatter.write_str(" depthwise")?,
            groups => write!(formatter, " in {groups} groups")?,
        }
        write!(formatter, " @{}×{}", rows.input, columns.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli::nn::registry;

    fn layers(model: &str, size: usize) -> Vec<Layer> {
        let model = registry::find(model).unwrap();
        layers_of(&model.graph(&model.options()).unwrap(), size, 2).unwrap()
    }

    #[test]
    fn layers_have_the_sizes_of_the_network() {
        let layers = layers("ghostnet_100", 224);
        assert_eq!(layers[0].to_string(), "3→16 3×3/2 @224×224");
        assert!(layers[0].is_first && !layers[1].is_first);
        let depthwise = layers.iter().find(|layer| layer.groups > 1).unwrap();
        assert_eq!(depthwise.to_string(), "8 3×3/1 depthwise @112×112");
        assert!(layers.iter().all(|layer| layer.pass().is_some()));
    }

    #[test]
    fn the_padding_of_tensorflow_is_told_side_by_side() {
        // 224 pixels under a window of 3 in steps of 2: a zero after, none before.
        let request = layers("tf_efficientnetv2_b0", 224)[0].case().request;
        assert_eq!(request["padding"], json!([0, 1, 0, 1]));
        let request = layers("ghostnet_100", 224)[0].case().request;
        assert_eq!(request["padding"], json!([1, 0, 1, 0]), "the last zero is never read");
    }

    #[test]
    fn a_pass_fits_its_shapes() {
        for layer in layers("tf_efficientnetv2_b0", 33).iter().step_by(7) {
            layer.pass().unwrap()();
        }
    }
}
