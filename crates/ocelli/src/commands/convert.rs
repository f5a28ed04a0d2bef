//! `ocelli convert`: weights of any project as safetensors under this project's names.

use anyhow::Context;
use ocelli::nn::registry;
use ocelli::nn::weights::{
    DType, LoadReport, NonFinite, StateDict, convert, model_of, options_of, safetensors,
};
use ocelli::train::{ChosenCheckpoint, Metadata, WeightsFile};
use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::args::{CheckpointArgs, ModelName, WeightsKeyArgs};
use crate::failure::{BadInput, Done};
use crate::output::grouped;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Reads safetensors and PyTorch files of any age, without executing anything, with the names of timm, \
torchvision and others.

Examples:
  ocelli convert resnet20.th resnet20.safetensors --model resnet20_cifar
  ocelli convert runs/photos photos.safetensors
  ocelli convert checkpoint.pth ema.safetensors --section state_dict_ema
  ocelli convert big.safetensors small.safetensors --dtype f16";

/// What can be typed after `ocelli convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The weights to read, or a run's folder
    #[arg(value_name = "FILE|RUN")]
    input: PathBuf,
    /// The safetensors file to write, whole or not at all
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Whose weights they are [default: found by the names and shapes of the tensors]
    #[arg(long, value_name = "NAME", value_parser = ModelName, hide_possible_values = true)]
    model: Option<String>,
    /// How to store numbers [default: as they are]
    #[arg(long, value_name = "TYPE")]
    dtype: Option<Precision>,
    #[command(flatten)]
    keys: WeightsKeyArgs,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Precision {
    F32,
    F16,
    Bf16,
}

impl From<Precision> for DType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
            Precision::Bf16 => Self::BF16,
        }
    }
}

#[derive(Serialize)]
struct ConvertJson {
    model: String,
    checkpoint: Option<ChosenCheckpoint>,
    output: PathBuf,
    tensors: usize,
    bytes: u64,
    #[serde(flatten)]
    report: LoadReport,
}

/// Endings of formats that are not written.
const OTHER_FORMATS: [&str; 13] =
    ["onnx", "pth", "pt", "th", "bin", "ckpt", "h5", "keras", "npz", "pb", "pkl", "tflite", "tar"];

/// Refuses to write safetensors under the name of another format, or over a file that is there.
fn check_output(output: &Path, force: bool) -> anyhow::Result<()> {
    let shown = output.display();
    let ending = output.extension().unwrap_or_default().to_ascii_lowercase();
    if let Some(other) = OTHER_FORMATS.iter().find(|other| ending == **other) {
        let message = format!("{shown}: cannot write .{other}; convert writes safetensors");
        let hint = format!("name it {}", output.with_extension("safetensors").display());
        return Err(BadInput::new(message).hint(hint).into());
    }
    if output.exists() && !force {
        let message = format!("{shown} exists already");
        return Err(BadInput::new(message).hint("--force replaces it").into());
    }
    Ok(())
}

/// Converts the file.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.output, args.force)?;
    let choice = args.keys.choice(args.model.as_deref());
    let WeightsFile { path, checkpoint } =
        WeightsFile::find(&args.input, args.checkpoint.checkpoint)?;
    let dict = StateDict::open(&path, &choice.read_options())?;
    let metadata = Metadata::from_dict(&dict)?;
    let model = match choice.arch.as_ref().or(metadata.arch.as_ref()) {
        Some(name) => registry::find(name)?,
        None => model_of(&dict)?,
    };
    // A run's file says how its network was built, of which tensors alone tell a part.
    let own = metadata.options.clone().filter(|_| metadata.arch.as_ref() == Some(&model.name()));
    let options = own.unwrap_or_else(|| options_of(&dict, model));
    let (mut converted, report) = convert(&dict, model, &options, args.dtype.map(DType::from))?;
    // What a run's file says of its input and its classes holds for the converted one too.
    converted.metadata.extend(Metadata { arch: None, ..metadata }.to_map()?);
    safetensors::write(&converted, &args.output)?;
    if let Some(warning) = non_finite(&report) {
        tracing::warn!("{}: {warning}", args.output.display());
    }
    let written = args.output.metadata();
    let bytes = written.with_context(|| args.output.display().to_string())?.len();

    let output = &mut settings.output;
    output.text(&report)?;
    let (path, name) = (args.output.display(), model.name());
    output.text(format_args!("wrote {path}: {name}, {} bytes", grouped(bytes)))?;
    settings.output.finish(&ConvertJson {
        model: name,
        checkpoint,
        output: args.output.clone(),
        tensors: converted.len(),
        bytes,
        report,
    })?;
    Ok(Done::Complete)
}

/// How many tensors a warning names.
const NAMED: usize = 3;

/// Which tensors have elements that are NaN or ∞, if any have.
fn non_finite(report: &LoadReport) -> Option<String> {
    let tensors = &report.non_finite;
    let named: Vec<String> = tensors.iter().take(NAMED).map(NonFinite::to_string).collect();
    let more = match tensors.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    (!tensors.is_empty()).then(|| {
        format!("NaN or infinite values in {named}{more}; no other command takes such weights")
    })
}
