//! What every quantization begins and ends with.

use anyhow::Context;
use ocelli::nn::Network;
use ocelli::nn::weights::PackedSize;
use ocelli::train::{RunFolder, Trained};
use std::fs;
use std::path::PathBuf;

use super::args::Args;
use super::images::Images;
use super::page;
use super::result::{QuantizeJson, QuantizedLayers};
use crate::failure::{BadUsage, Done};
use crate::own_files::check_folder;
use crate::settings::Settings;
use crate::whole_file::write_whole;

const PACKED: &str = "packed.safetensors";
const PAGE: &str = "report.html";
const JSON: &str = "quantize.json";
/// Where in the folder a training of this command stands.
pub(super) const RUN: &str = "run";
/// The default folder of a run's quantized network.
const OF_RUN: &str = "quantized";

/// A network that is to be quantized.
pub(super) struct QuantizeSubject {
    pub(super) trained: Trained,
    pub(super) images: Images,
    /// The folder that is written.
    pub(super) out: PathBuf,
}

impl QuantizeSubject {
    /// Opens the network and its images.
    pub(super) fn open(args: &Args, settings: &Settings) -> anyhow::Result<Self> {
        let out = out(args)?;
        check_folder(&out, &[JSON, RUN], args.force)?;
        let device = settings.open_device()?;
        let mut trained = args.model.open(args.model_path.as_deref(), &device)?;
        trained.check_classifies()?;
        args.preprocess.apply(&mut trained);
        let shape = trained.input_shape(args.batch_size);
        let file = trained.file.display().to_string();
        settings.memory.check_inference(&file, &trained.network, shape)?;
        let seed = settings.seed.unwrap_or_default();
        let images = Images::open(args, &trained, seed, settings.threads)?;
        Ok(Self { trained, images, out })
    }

    /// Writes the packed `network` of which the file shall have the size `predicted`, measures it, and shows what
    /// was `found`.
    pub(super) fn finish(
        &self,
        network: Network,
        predicted: PackedSize,
        found: &QuantizedLayers<'_>,
        mut settings: Settings,
    ) -> anyhow::Result<Done> {
        let Self { trained, images, out } = self;
        let packed = Trained { network, ..trained.clone() };
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        let path = out.join(PACKED);
        let bytes = packed.write_packed(&path)?;
        let float = images.evaluate("before", &trained.network)?.scores;
        let scores = images.evaluate("packed", &packed.network)?.scores;
        let json = QuantizeJson {
            model: &trained.arch,
            weights: &trained.file,
            checkpoint: trained.checkpoint.as_ref(),
            bits: found.bits,
            bits_per_layer: &found.layers,
            bytes,
            predicted_bytes: predicted.file(),
            payload_bytes: predicted.payload,
            float_bytes: 4 * trained.network.params().learnt_count() as u64,
            samples: scores.samples,
            correct: scores.correct,
            top1: scores.top1,
            top5: scores.top5,
            loss: scores.loss,
            float_correct: float.correct,
            float_top1: float.top1,
            float_loss: float.loss,
            per: found.per,
            activations: found.activations.as_ref(),
            calibration: found.calibration.as_ref(),
            layers: &found.layers,
            run: found.run,
            packed: &path,
        };
        page::new(&json)?.write(&out.join(PAGE))?;
        write_whole(&out.join(JSON), serde_json::to_vec_pretty(&json)?)?;
        settings.output.text(&json)?;
        settings.output.finish(&json)?;
        Ok(Done::Complete)
    }
}

/// The folder that is written.
fn out(args: &Args) -> anyhow::Result<PathBuf> {
    let of_run = || {
        let run = args.model_path.as_ref().or(args.model.weights.as_ref())?;
        RunFolder::holds_run(run).then(|| run.join(OF_RUN))
    };
    args.out
        .clone()
        .or_else(of_run)
        .ok_or_else(|| BadUsage("name a folder with --out".into()).into())
}
