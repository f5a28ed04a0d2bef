//! `ocelli cost`: what a network costs before anyone trains it.

use anyhow::Context;
use ocelli::nn::{Cost, LayerCost, registry};
use serde::Serialize;

use crate::args::ImageSize;
use crate::failure::Done;
use crate::output::{Align, Table, grouped, short};
use crate::settings::Settings;

const EXAMPLES: &str = "\
Multiply-adds (MACs) count convolutions and linear layers of one image, as the papers do;
activations are the values that these layers write.

Examples:
  ocelli cost ghostnet_100
  ocelli cost efficientnetv2_s --size 384
  ocelli cost ghostnet_100 --size 192x160 --classes 10 --layers
  ocelli cost ghostnet_100 --json";

/// What can be typed after `ocelli cost`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The network, as `ocelli models` lists it
    #[arg(value_name = "MODEL")]
    model: String,
    /// Image size in pixels [default: the model's own]
    #[arg(long, value_name = "SIZE or HEIGHTxWIDTH")]
    size: Option<ImageSize>,
    /// How many classes the classifier tells apart [default: the model's own]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Channels of an image
    #[arg(long, value_name = "N", default_value_t = 3)]
    channels: usize,
    /// Show every layer
    #[arg(long)]
    layers: bool,
}

#[derive(Serialize)]
struct Answer {
    model: String,
    params: u64,
    macs: u64,
    activations: u64,
    height: usize,
    width: usize,
    num_classes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerCost>>,
}

/// Counts the model.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let model = registry::find(&args.model)?;
    let mut options = model.options();
    options.num_classes = args.classes.unwrap_or(options.num_classes);
    options.in_channels = args.channels;
    let size = args.size.unwrap_or(ImageSize::square(model.config.input_size));
    let cost = Cost::of(&model.graph(&options)?, size.height, size.width)
        .with_context(|| format!("{} at {size} pixels", args.model))?;

    let output = &mut settings.output;
    if args.layers {
        output.text(layer_table(&cost.layers))?;
        output.text("")?;
    }
    output.text(format_args!("model        {}", model.name()))?;
    output.text(format_args!("image        {}×{size}", args.channels))?;
    for (name, count) in
        [("params", cost.params), ("MACs", cost.macs), ("activations", cost.activations)]
    {
        output.text(format_args!("{name:<11}  {} ({})", short(count), grouped(count)))?;
    }
    settings.output.finish(&Answer {
        model: model.name(),
        params: cost.params,
        macs: cost.macs,
        activations: cost.activations,
        height: size.height,
        width: size.width,
        num_classes: options.num_classes,
        layers: args.layers.then_some(cost.layers),
    })?;
    Ok(Done::Complete)
}

fn layer_table(layers: &[LayerCost]) -> Table {
    let right = |head| (head, Align::Right);
    let mut table = Table::new([
        ("layer", Align::Left),
        ("kind", Align::Left),
        right("output"),
        right("params"),
        right("MACs"),
        right("activations"),
    ]);
    for layer in layers {
        table.row([
            layer.name.clone(),
            layer.kind.to_owned(),
            layer.output.map(|side| side.to_string()).join("×"),
            grouped(layer.params),
            grouped(layer.macs),
            grouped(layer.activations),
        ]);
    }
    table
}
