//! `ocelli predict`: what is in a picture.

use anyhow::Context;
use ocelli::data::{
    Joined, Limits, OpenOptions, PictureFiles, Source, has_image_extension, is_hidden, open,
};
use ocelli::nn::weights::WeightsLocation;
use ocelli::train::{ChosenCheckpoint, PredictOptions, Prediction};
use serde::Serialize;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::args::{ModelArgs, PreprocessArgs, batch_size};
use crate::failure::{BadInput, BadUsage, Done};
use crate::output::{Output, percent, plain};
use crate::settings::Settings;
use crate::talk::{self, Progress};

const EXAMPLES: &str = "\
Examples:
  ocelli predict runs/photos cat.jpg
  ocelli predict runs/photos holiday/ --top 3
  ocelli predict runs/photos pictures:holiday.tar
  find . -name '*.jpg' | ocelli predict runs/photos - --json-lines
  ocelli predict --weights lite0.safetensors --classes imagenet.txt photo.jpg";

/// What can be typed after `ocelli predict`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(override_usage = "ocelli predict [OPTIONS] <MODEL> <IMAGES>...\n       \
                            ocelli predict [OPTIONS] --weights <FILE> <IMAGES>...")]
pub(crate) struct Args {
    /// A run's folder, a checkpoint or a file of weights; then images, folders of images,
    /// pictures:FILE.tar, or - for a list of images on stdin, one a line
    #[arg(value_name = "MODEL IMAGES", required = true)]
    words: Vec<PathBuf>,
    /// How many classes each answer names
    #[arg(long, short = 'k', value_name = "N", default_value_t = 5)]
    top: usize,
    /// Print one JSON object for each image, as soon as it is classified
    #[arg(long, conflicts_with = "json")]
    json_lines: bool,
    /// Images per forward pass
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = batch_size)]
    batch_size: usize,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
}

#[derive(Serialize)]
struct PredictJson<'a> {
    model: &'a str,
    weights: &'a Path,
    checkpoint: Option<&'a ChosenCheckpoint>,
    #[serde(flatten)]
    location: &'a WeightsLocation,
    images: usize,
    unreadable: usize,
    predictions: Vec<Prediction>,
}

/// Classifies the pictures. Those that cannot be read are named where they stand, and make the command end as bad
/// input after all others are done.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let (model_path, images) = args.model_and_images();
    let pictures = find_pictures(images)?;
    let count = pictures.len() as usize;
    let device = settings.open_device()?;
    let mut trained = args.model.open(model_path, &device)?;
    args.preprocess.apply(&mut trained);
    settings.memory.check_inference(
        &trained.file.display().to_string(),
        &trained.network,
        trained.input_shape(args.batch_size.min(count)),
    )?;

    let options = PredictOptions {
        top: args.top.max(1),
        batch_size: args.batch_size,
        threads: settings.threads,
    };
    let (mut unreadable, mut first_hint, mut predictions) = (0, None, Vec::new());
    let keep = settings.output.is_json();
    // Answers that appear one by one on a terminal are a progress themselves.
    let is_watched = !keep && io::stdout().is_terminal();
    let progress = (count > args.batch_size && !is_watched)
        .then(|| Progress::start("predict", count as u64, "images"));
    let mut done = 0;
    trained.predict(&pictures, options, |prediction| {
        done += 1;
        if let Some(progress) = &progress {
            progress.set(done);
        }
        if let Prediction::Unreadable { image, error, hint } = &prediction {
            unreadable += 1;
            first_hint = first_hint.or(*hint);
            talk::warning(&format!("{image}: {error}"));
        }
        if args.json_lines {
            settings.output.line(serde_json::to_string(&prediction).map_err(io::Error::from)?)?;
        } else if keep {
            predictions.push(prediction);
        } else {
            show(&mut settings.output, &prediction)?;
            if is_watched {
                settings.output.flush()?;
            }
        }
        anyhow::Ok(())
    })?;
    drop(progress);

    settings.output.finish(&PredictJson {
        model: &trained.arch,
        weights: &trained.file,
        checkpoint: trained.checkpoint.as_ref(),
        location: &trained.location,
        images: count,
        unreadable,
        predictions,
    })?;
    if unreadable == 0 {
        return Ok(Done::Complete);
    }
    let error = BadInput::new(format!("{unreadable} of {count} images cannot be read"));
    Err(match first_hint {
        Some(hint) => error.hint(hint).into(),
        None => error.into(),
    })
}

impl Args {
    /// The first word is the model, unless `--weights` names it.
    fn model_and_images(&self) -> (Option<&Path>, &[PathBuf]) {
        match (&self.model.weights, self.words.split_first()) {
            (None, Some((model, images))) => (Some(model), images),
            _ => (None, &self.words),
        }
    }
}

fn show(output: &mut Output, prediction: &Prediction) -> anyhow::Result<()> {
    match prediction {
        Prediction::Classified { image, top } => {
            output.text(plain(image))?;
            for guess in top {
                let name = plain(&guess.name);
                output.text(format_args!("  {:>8}  {name}", percent(guess.probability)))?;
            }
            Ok(())
        }
        Prediction::Unreadable { image, error, .. } => {
            output.text(plain(image))?;
            output.text(format_args!("  unreadable: {}", plain(error)))
        }
    }
}

/// The pictures that the words stand for, in order.
fn find_pictures(words: &[PathBuf]) -> anyhow::Result<Arc<dyn Source>> {
    if words.is_empty() {
        return Err(BadUsage("name images, a folder of images, or - for stdin".to_owned()).into());
    }
    let mut found: Vec<Arc<dyn Source>> = Vec::new();
    let mut pictures = Vec::new();
    let files = |paths| Arc::new(PictureFiles::new(paths, Limits::default()));
    for word in words {
        if let Some(uri) = word.to_str().filter(|word| word.starts_with("pictures:")) {
            found.push(files(std::mem::take(&mut pictures)));
            found.push(open(uri, &OpenOptions::default())?);
            continue;
        }
        let before = pictures.len();
        if word == Path::new("-") {
            let lines = io::stdin().lines().collect::<Result<Vec<_>, _>>().context("stdin")?;
            pictures.extend(lines.into_iter().filter(|line| !line.is_empty()).map(PathBuf::from));
            if pictures.len() == before {
                return Err(BadInput::new("stdin names no image").into());
            }
        } else if word.is_dir() {
            add_folder(word, &mut pictures).with_context(|| word.display().to_string())?;
            if pictures.len() == before {
                let message = format!("{}: no image found", word.display());
                let hint =
                    "images are known by their endings, as .jpg and .png; name others one by one";
                return Err(BadInput::new(message).hint(hint).into());
            }
        } else {
            pictures.push(word.clone());
        }
    }
    let last: Arc<dyn Source> = files(pictures);
    found.into_iter().rev().try_fold(last, |behind, before| {
        Ok(Arc::new(Joined::new(before, behind)?) as Arc<dyn Source>)
    })
}

/// Adds the image files below `folder`, sorted, so that the order is the same everywhere. What is
/// hidden is passed over, and what is no image by its name, as in datasets. Links to folders are not
/// followed: they can lead in circles.
fn add_folder(folder: &Path, pictures: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        if is_hidden(name.as_encoded_bytes()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            add_folder(&path, pictures)?;
        } else if has_image_extension(name.as_encoded_bytes()) {
            pictures.push(path);
        }
    }
    Ok(())
}
