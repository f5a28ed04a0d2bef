//! Makes the embedded subset of Fashion-MNIST from the official files.
//!
//! The subset is the first 1,000 training images and the first 200 test images of each class, in
//! the order of the official files. These are in the Debian package `dataset-fashion-mnist`
//! (`/usr/share/datasets/fashion-mnist`) and at <https://github.com/zalandoresearch/fashion-mnist>.
//!
//! ```sh
//! cargo run -p ocelli-data --example make_fashion_mnist_subset -- \
//!     /usr/share/datasets/fashion-mnist crates/ocelli-data/assets/fashion-mnist
//! ```

use flate2::write::GzEncoder;
use flate2::{Compression, read::GzDecoder};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const CLASSES: usize = 10;
const IMAGES_HEADER: usize = 16;
const LABELS_HEADER: usize = 8;
const IMAGE_BYTES: usize = 28 * 28;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: make_fashion_mnist_subset OFFICIAL_FOLDER OUTPUT_FOLDER".into());
    };
    std::fs::create_dir_all(&to)?;
    make_part(&from, &to, "train", 1000)?;
    make_part(&from, &to, "t10k", 200)
}

fn make_part(from: &Path, to: &Path, part: &str, per_class: usize) -> Result<(), Box<dyn Error>> {
    let images_name = format!("{part}-images-idx3-ubyte.gz");
    let labels_name = format!("{part}-labels-idx1-ubyte.gz");
    let images = unpack(&from.join(&images_name))?;
    let labels = unpack(&from.join(&labels_name))?;

    let chosen = first_of_each_class(&labels[LABELS_HEADER..], per_class);
    let count = u32::try_from(chosen.len())?.to_be_bytes();
    // Only the number of images changes in the headers; it is at bytes 4 to 8 of both.
    let mut some_images = [&images[..4], &count, &images[8..IMAGES_HEADER]].concat();
    let mut some_labels = [&labels[..4], &count].concat();
    for at in chosen {
        let start = IMAGES_HEADER + at * IMAGE_BYTES;
        some_images.extend_from_slice(&images[start..start + IMAGE_BYTES]);
        some_labels.push(labels[LABELS_HEADER + at]);
    }
    pack(&to.join(images_name), &some_images)?;
    pack(&to.join(labels_name), &some_labels)
}

fn first_of_each_class(labels: &[u8], per_class: usize) -> Vec<usize> {
    let mut taken = [0; CLASSES];
    let mut chosen = Vec::with_capacity(CLASSES * per_class);
    for (at, label) in labels.iter().enumerate() {
        let taken = &mut taken[usize::from(*label)];
        if *taken < per_class {
            *taken += 1;
            chosen.push(at);
        }
    }
    chosen
}

fn unpack(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn pack(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    // A gzip file written by `GzEncoder` has no name and no time, so it is the same every time.
    let mut encoder = GzEncoder::new(File::create(path)?, Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()?;
    Ok(())
}
