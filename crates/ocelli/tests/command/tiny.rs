//! A dataset and a recipe so small that a training takes a second.

use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// How many training images there are; with batches of [`BATCH`], 12 steps an epoch.
const TRAIN: u32 = 96;
const TEST: u32 = 30;
const BATCH: u32 = 8;
/// Steps of one pass over the training images.
pub(crate) const STEPS_PER_EPOCH: u64 = (TRAIN / BATCH) as u64;
/// Passes of the whole training.
pub(crate) const EPOCHS: u64 = 3;

const CLASSES: u32 = 3;
const SIDE: u32 = 8;

/// A folder with the dataset `idx:tiny` and the recipe `tiny.toml`.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("tiny");
    fs::create_dir(&data).unwrap();
    write_part(&data, "train", TRAIN);
    write_part(&data, "t10k", TEST);
    fs::write(folder.path().join("tiny.toml"), recipe()).unwrap();
    folder
}

fn recipe() -> String {
    format!(
        "[model]\nname = \"resnet20_cifar\"\n\
         [data]\nsource = \"idx:tiny\"\n\
         [input]\nsize = {SIDE}\nchannels = 1\nmean = [0.3]\nstd = [0.3]\n\
         [eval]\ncrop_pct = 1.0\n\
         [augment]\nflip = 0.5\n[augment.crop.pad]\npixels = 1\n\
         [optimizer]\nlr = 0.05\n\
         [train]\nepochs = {EPOCHS}\nbatch_size = {BATCH}\nlog_every = 1\n\
         [checkpoint]\nevery = \"5 steps\"\nkeep = 3\n"
    )
}

/// The two IDX files of one part: grey images with a bright stripe where the class says.
fn write_part(folder: &Path, name: &str, count: u32) {
    let header = |magic: u32, sizes: &[u32]| -> Vec<u8> {
        [magic].iter().chain(sizes).flat_map(|number| number.to_be_bytes()).collect()
    };
    let mut images = header(0x0803, &[count, SIDE, SIDE]);
    let mut labels = header(0x0801, &[count]);
    let mut noise = 1_u32;
    for index in 0..count {
        let label = index % CLASSES;
        labels.push(label as u8);
        for at in 0..SIDE * SIDE {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let stripe = if at / SIDE / 2 == label { 150 } else { 0 };
            images.push((stripe + noise % 100) as u8);
        }
    }
    fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
    fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
}
