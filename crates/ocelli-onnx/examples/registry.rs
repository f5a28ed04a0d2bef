//! Writes networks of random weights as ONNX files, each with images and the logits that Ocelli gives for them,
//! for `bench/peers/onnx_check.py` to run in another project.
//!
//! `registry FOLDER [NAME@SIZE …]`: without names every network of the registry at its own size.

#![expect(clippy::print_stdout, reason = "it says what it wrote")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{InferenceEngine, Network, Pass, TrainPass};
use ocelli_onnx::{ExportOptions, OnnxFile};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::error::Error;
use std::fs;
use std::path::Path;

/// Images of each network.
const IMAGES: usize = 16;

/// Images of each network where all are written.
const FEW_IMAGES: usize = 2;

/// Images by which the normalisations get their statistics. Of fewer, variances can be so small that a deep network
/// makes anything of rounding.
const CALIBRATION: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("name a folder")?;
    let mut wanted: Vec<(String, usize)> = Vec::new();
    for word in words {
        let (name, size) = word.split_once('@').ok_or("expected NAME@SIZE")?;
        wanted.push((name.to_owned(), size.parse()?));
    }
    let has_names = !wanted.is_empty();
    if !has_names {
        wanted = registry::models().map(|it| (it.name(), it.config.input_size)).collect();
    }
    fs::create_dir_all(&folder)?;
    for (name, size) in wanted {
        let images = if has_names { IMAGES } else { FEW_IMAGES };
        write(Path::new(&folder), &name, size, images)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, size: usize, images: usize) -> Result<(), Box<dyn Error>> {
    let model = registry::find(name)?;
    let options: ModelOptions = model.options();
    let mut network = model.network(&options, Seed(3), &Device::flex())?;
    settle(&mut network, size)?;
    let file = OnnxFile::from_network(&network, &ExportOptions::new(name, [size, size]))?;
    let shape = [images, options.in_channels, size, size];
    let pixels = noise(shape, 1);
    let tensor = Tensor::from_data(TensorData::new(pixels.clone(), shape), &Device::flex());
    let logits = InferenceEngine::new(&network)?.logits(tensor)?;
    let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();

    let stem = folder.join(format!("{name}@{size}"));
    write_file(&stem.with_added_extension("onnx"), file.bytes())?;
    let bytes =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|it| it.to_le_bytes()).collect() };
    let (pixels, logits) = (bytes(&pixels), bytes(&logits));
    let views = [
        ("images", TensorView::new(Dtype::F32, shape.to_vec(), &pixels)?),
        ("logits", TensorView::new(Dtype::F32, vec![images, file.outputs()], &logits)?),
    ];
    let tensors = safetensors::serialize(views, None)?;
    write_file(&stem.with_added_extension("safetensors"), &tensors)?;
    println!("{name}@{size}: {} bytes", file.bytes().len());
    Ok(())
}

/// Gives the normalisations the statistics of noise, since with first values the signal of a deep network grows
/// or fades.
fn settle(network: &mut Network, size: usize) -> Result<(), Box<dyn Error>> {
    let shape = [CALIBRATION, network.graph().in_channels(), size, size];
    let images = Tensor::from_data(TensorData::new(noise(shape, 0), shape), &Device::flex());
    let mut train = TrainPass::new(Seed(3), 0, 0);
    network.forward(images, Pass::Train(&mut train));
    for _ in 0..30 {
        network.apply_batch_stats(train.stats())?;
    }
    Ok(())
}

fn noise(shape: [usize; 4], position: u64) -> Vec<f32> {
    let mut rng = Seed(9).stream(Purpose::INIT, 0, position);
    (0..shape.iter().product()).map(|_| rng.random::<f32>() * 4.0 - 2.0).collect()
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}
