//! `ocelli cost`: what a network costs before anyone trains it.

use anyhow::Context;
use ocelli::methods::METHODS;
use ocelli::nn::registry::{self, Model, ModelOptions};
use ocelli::nn::{Cost, LayerCost};
use ocelli::train::{ChosenCheckpoint, Pretrained};
use serde::Serialize;
use std::path::Path;

use crate::args::{ImageSize, recipe};
use crate::failure::Done;
use crate::output::{Align, Table, grouped, short};
use crate::settings::Settings;

const EXAMPLES: &str = "\
Multiply-adds (MACs) count convolutions and linear layers of one image, as the papers do; \
activations are the values that these layers write.

Examples:
  ocelli cost ghostnet_100
  ocelli cost efficientnetv2_s --size 384
  ocelli cost ghostnet_100 --size 192x160 --classes 10 --layers
  ocelli cost --recipe my.toml
  ocelli cost runs/photos
  ocelli cost ghostnet_100 --json";

/// What can be typed after `ocelli cost`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The network, as `ocelli models` lists it, or that of a run's folder or of a file of weights
    #[arg(value_name = "MODEL", required_unless_present = "recipe")]
    model: Option<String>,
    /// Count the network of a recipe instead, with its layout, Ghost modules, image size and
    /// channels
    #[arg(long, value_name = "RECIPE", conflicts_with_all = ["model", "channels"])]
    recipe: Option<String>,
    /// Image size in pixels [default: that of the model or the recipe]
    #[arg(long, value_name = "SIZE or HEIGHTxWIDTH")]
    size: Option<ImageSize>,
    /// How many classes the classifier tells apart [default: the model's own]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Channels of an image [default: 3, or those of the weights]
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Show every layer
    #[arg(long)]
    layers: bool,
}

#[derive(Serialize)]
struct CostJson {
    model: String,
    checkpoint: Option<ChosenCheckpoint>,
    params: u64,
    macs: u64,
    activations: u64,
    height: usize,
    width: usize,
    num_classes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerCost>>,
}

/// What is counted.
struct CostSubject {
    model: &'static Model,
    options: ModelOptions,
    /// Height and width of an image, in pixels.
    size: usize,
    /// Of a run, the checkpoint that was looked at.
    checkpoint: Option<ChosenCheckpoint>,
}

impl Args {
    fn subject(&self) -> anyhow::Result<CostSubject> {
        if let Some(recipe) = &self.recipe {
            let recipe = recipe::resolve(recipe)?;
            let model = registry::find(&recipe.model.name)?;
            let options = METHODS.model_options(&recipe, model.config.num_classes)?;
            return Ok(CostSubject {
                model,
                options,
                size: recipe.input.size as usize,
                checkpoint: None,
            });
        }
        let name = self.model.as_deref().unwrap_or_default();
        let model = match registry::find(name) {
            // All checkpoints of a run have the same network.
            Err(_) if Path::new(name).exists() => return self.of_weights(Path::new(name)),
            found => found?,
        };
        let options = ModelOptions { in_channels: self.channels.unwrap_or(3), ..model.options() };
        Ok(CostSubject { model, options, size: model.config.input_size, checkpoint: None })
    }

    /// The network that a run, a checkpoint or a file of weights holds.
    fn of_weights(&self, path: &Path) -> anyhow::Result<CostSubject> {
        let pretrained = Pretrained::open(path, None)?;
        let Pretrained { model, mut options, input, checkpoint, .. } = pretrained;
        options.in_channels = self.channels.unwrap_or(options.in_channels);
        Ok(CostSubject { model, options, size: input.size as usize, checkpoint })
    }
}

/// Counts the model.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let CostSubject { model, mut options, size, checkpoint } = args.subject()?;
    options.num_classes = args.classes.unwrap_or(options.num_classes);
    let size = args.size.unwrap_or(ImageSize::square(size));
    let cost = Cost::new(&model.graph(&options)?, size.height, size.width)
        .with_context(|| format!("{} at {size} pixels", model.name()))?;

    let output = &mut settings.output;
    if args.layers {
        output.text(layer_table(&cost.layers))?;
        output.text("")?;
    }
    output.text(format_args!("model        {}", model.name()))?;
    output.text(format_args!("image        {}×{size}", options.in_channels))?;
    for (name, count) in
        [("params", cost.params), ("MACs", cost.macs), ("activations", cost.activations)]
    {
        output.text(format_args!("{name:<11}  {} ({})", short(count), grouped(count)))?;
    }
    settings.output.finish(&CostJson {
        model: model.name(),
        checkpoint,
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
