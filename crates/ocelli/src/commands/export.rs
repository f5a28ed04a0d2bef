//! `ocelli export`: a trained network as an ONNX file, for other runtimes.

use ocelli::onnx::{Comparison, ExportOptions, OnnxFile, Opset, WeightsForm};
use ocelli::train::{ChosenCheckpoint, Metadata, Recipe, Trained};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::args::ModelArgs;
use crate::failure::{BadUsage, Done};
use crate::output::grouped;
use crate::own_files::check_output;
use crate::run_data;
use crate::settings::Settings;
use crate::whole_file::write_whole;

const EXAMPLES: &str = "\
The file takes `image`, a batch of any size of prepared pictures, and gives `logits`. How pictures are \
prepared, the names of the classes and, of a run, its recipe are properties of the file. It is read \
again and run before it is written, and has to give what the network gives.

Examples:
  ocelli export runs/photos photos.onnx
  ocelli export --model resnet20_cifar --weights resnet20.th resnet20.onnx
  ocelli export lite0.safetensors lite0.onnx --size 256 --opset 13
  ocelli export runs/photos photos.onnx --checkpoint last --json";

/// What can be typed after `ocelli export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(override_usage = "ocelli export [OPTIONS] <MODEL> <OUT.onnx>\n       \
                            ocelli export [OPTIONS] --weights <FILE> <OUT.onnx>")]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights; then the file to write, whole or not at all
    #[arg(value_name = "MODEL OUT", required = true, num_args = 1..=2)]
    words: Vec<PathBuf>,
    /// The version of ONNX's operations, 13 to 22
    #[arg(long, value_name = "N", default_value_t = Opset::default().version(), value_parser = opset)]
    opset: u32,
    /// Height and width of the images, in pixels [default: those that the network was made for]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=8192))]
    size: Option<u32>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    model: ModelArgs,
}

fn opset(text: &str) -> Result<u32, String> {
    let version = text.parse().map_err(|_| format!("`{text}` is not a version"))?;
    Opset::new(version).map(Opset::version).map_err(|error| error.to_string())
}

/// What the result of a network is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A number for each class.
    Classifier,
    /// Features, which no classifier reads.
    Embedding,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Classifier => "classifier",
            Self::Embedding => "embedding",
        })
    }
}

#[derive(Serialize)]
struct ExportJson {
    model: String,
    checkpoint: Option<ChosenCheckpoint>,
    path: PathBuf,
    opset: u32,
    kind: Kind,
    weights: &'static str,
    size: u32,
    outputs: usize,
    bytes: usize,
    max_difference: f64,
    relative_difference: f64,
}

/// Writes the file.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let (model_path, path) = args.model_and_output()?;
    check_output(path, "onnx", args.force)?;
    let device = settings.open_device()?;
    let mut trained = args.model.open(model_path, &device)?;
    if let Some(size) = args.size {
        trained.input.size = size;
    }
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(Comparison::IMAGES),
    )?;
    let kind = match trained.check_classifies() {
        Ok(()) => Kind::Classifier,
        Err(_) => Kind::Embedding,
    };
    let size = trained.input.size as usize;
    let run = model_path.or(args.model.weights.as_deref()).and_then(run_data::recipe_of);
    let options = ExportOptions {
        opset: Opset::new(args.opset)?,
        properties: properties(&trained, kind, run)?,
        ..ExportOptions::new(&trained.arch, [size; 2])
    };
    let file = OnnxFile::from_network(&trained.network, &options)?;
    let comparison = file.compare(&trained.network)?;
    check_close(path, comparison)?;
    write_whole(path, file.bytes())?;

    let json = ExportJson {
        model: trained.arch,
        checkpoint: trained.checkpoint,
        path: path.to_owned(),
        opset: args.opset,
        kind,
        weights: file.weights().word(),
        size: trained.input.size,
        outputs: file.outputs(),
        bytes: file.bytes().len(),
        max_difference: comparison.max_difference,
        relative_difference: comparison.relative(),
    };
    let output = &mut settings.output;
    let ExportJson { model, outputs, bytes, .. } = &json;
    let result = match kind {
        Kind::Classifier => format!("the logits of {outputs} classes"),
        Kind::Embedding => format!("{outputs} features, since no classifier reads them"),
    };
    let bytes = grouped(*bytes as u64);
    output.text(format_args!("wrote {}: {model}, {bytes} bytes", path.display()))?;
    output.text(format_args!("opset {}, images of {size} × {size}, {result}", args.opset))?;
    output.text(match file.weights() {
        WeightsForm::Float32 => "weights are floats",
        WeightsForm::Int8Qdq => "weights of few bits are integers of 8 bits",
        WeightsForm::Mixed => {
            "weights of few bits are integers of 8 bits, or floats where no integers stand for their levels"
        }
    })?;
    output.text(format_args!(
        "differs from the network by at most {:.1e}, {:.1e} of its largest value",
        json.max_difference, json.relative_difference
    ))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}

impl Args {
    /// The first word is the model, unless `--weights` names it.
    fn model_and_output(&self) -> Result<(Option<&Path>, &Path), BadUsage> {
        let usage = |text: &str| Err(BadUsage(text.to_owned()));
        match (self.words.as_slice(), &self.model.weights) {
            ([output], Some(_)) => Ok((None, output)),
            ([model, output], None) => Ok((Some(model), output)),
            ([_], _) => usage("name the file to write after the model, as in photos.onnx"),
            _ => usage("give MODEL or --weights, not both"),
        }
    }
}

/// What the file says of itself beside its operations: the same words as in files of weights, the form of the
/// result and of the weights, and of a run the recipe.
fn properties(
    trained: &Trained,
    kind: Kind,
    run: Option<Recipe>,
) -> anyhow::Result<Vec<(String, String)>> {
    let imagenet = || {
        let names = trained.imagenet_classes()?.iter().map(|class| class.name.to_owned());
        Some(names.collect())
    };
    let own = trained.metadata();
    let metadata = Metadata { classes: own.classes.clone().or_else(imagenet), ..own };
    let mut properties: Vec<(String, String)> = metadata.to_map()?.into_iter().collect();
    let mut add = |key: &str, value: String| properties.push((key.to_owned(), value));
    add("kind", kind.to_string());
    if let Some(checkpoint) = &trained.checkpoint {
        add("step", checkpoint.step.to_string());
        if let Some(top1) = checkpoint.top1 {
            add("top1", top1.to_string());
        }
    }
    if let Some(recipe) = run {
        add("recipe", recipe.to_toml()?);
    }
    Ok(properties)
}

/// A file that computes something else is not written.
fn check_close(path: &Path, comparison: Comparison) -> anyhow::Result<()> {
    if comparison.is_close() {
        return Ok(());
    }
    anyhow::bail!(
        "{}: the graph gives other values than the network, by {:.1e} of the largest where {:.0e} is allowed; \
         nothing was written",
        path.display(),
        comparison.relative(),
        comparison.tolerance
    )
}
