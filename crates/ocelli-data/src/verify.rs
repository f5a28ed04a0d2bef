//! Decoding every sample of a dataset, to find the ones that a training run would stumble over.

use crate::{DecodeOptions, Error, Result, Source};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// What [`verify`] found.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// How many samples were looked at: all of them.
    pub samples: u64,
    /// How many good samples each class has, in the order of the labels; nothing where there are none.
    pub class_counts: Vec<u64>,
    /// How many good samples are grey.
    pub grey: u64,
    /// The smallest and the largest width of good samples, in pixels.
    pub widths: Option<(u32, u32)>,
    /// The smallest and the largest height of good samples, in pixels.
    pub heights: Option<(u32, u32)>,
    /// The samples that cannot be read or decoded, in their order.
    pub corrupt: Vec<CorruptSample>,
}

/// A sample that cannot be read or decoded.
#[derive(Debug)]
pub struct CorruptSample {
    /// Its position in the source.
    pub index: u64,
    /// What is wrong, with the name of the sample.
    pub error: Error,
}

/// Reads and decodes every sample, on all threads of the current rayon pool.
///
/// `progress` is called now and then, from any thread, with the number of samples done. Memory:
/// one sample for each thread, and the list of the corrupt ones.
pub fn verify(
    source: &dyn Source,
    options: &DecodeOptions,
    progress: impl Fn(u64) + Sync,
) -> VerifyReport {
    const PROGRESS_STEP: u64 = 64;
    let done = AtomicU64::new(0);
    let empty = || VerifyReport {
        class_counts: vec![0; source.classes().len()],
        ..VerifyReport::default()
    };
    let report = (0..source.len())
        .into_par_iter()
        .fold(empty, |mut report, index| {
            report.add(index, look_at(source, index, options));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(PROGRESS_STEP) {
                progress(done);
            }
            report
        })
        .reduce(empty, VerifyReport::merge);
    progress(report.samples);
    report
}

struct Good {
    label: Option<u32>,
    width: u32,
    height: u32,
    is_grey: bool,
}

fn look_at(source: &dyn Source, index: u64, options: &DecodeOptions) -> Result<Good> {
    let record = source.read(index)?;
    let label = record.label;
    let as_stored = DecodeOptions { channels: crate::Channels::AsStored, ..*options };
    let image = record.decode(&as_stored)?;
    let (width, height) = (image.width, image.height);
    Ok(Good { label, width, height, is_grey: image.channels == 1 })
}

impl VerifyReport {
    fn add(&mut self, index: u64, sample: Result<Good>) {
        self.samples += 1;
        match sample {
            Ok(good) => {
                if let Some(label) = good.label {
                    self.class_counts[label as usize] += 1;
                }
                self.grey += u64::from(good.is_grey);
                self.widths = span(self.widths, Some((good.width, good.width)));
                self.heights = span(self.heights, Some((good.height, good.height)));
            }
            Err(error) => self.corrupt.push(CorruptSample { index, error }),
        }
    }

    /// The report of two parts that follow each other.
    fn merge(mut self, other: Self) -> Self {
        self.samples += other.samples;
        for (count, more) in self.class_counts.iter_mut().zip(other.class_counts) {
            *count += more;
        }
        self.grey += other.grey;
        self.widths = span(self.widths, other.widths);
        self.heights = span(self.heights, other.heights);
        self.corrupt.extend(other.corrupt);
        self
    }
}

fn span(first: Option<(u32, u32)>, second: Option<(u32, u32)>) -> Option<(u32, u32)> {
    match (first, second) {
        (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpenOptions, Split, open};
    use std::fs;

    #[test]
    fn the_embedded_images_are_sound() {
        let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
        let last = AtomicU64::new(0);
        let report = verify(&*source, &DecodeOptions::default(), |done| {
            last.fetch_max(done, Ordering::Relaxed);
        });
        assert!(report.corrupt.is_empty());
        assert_eq!((report.samples, report.grey, last.into_inner()), (2000, 2000, 2000));
        assert_eq!((report.widths, report.heights), (Some((28, 28)), Some((28, 28))));
        assert_eq!(report.class_counts, [200; 10]);
    }

    #[test]
    fn every_corrupt_sample_is_listed_in_order() {
        let images = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
        let folder = tempfile::tempdir().unwrap();
        let good = fs::read(images.join("rgb.png")).unwrap();
        for class in ["a", "b"] {
            fs::create_dir(folder.path().join(class)).unwrap();
            for number in 0..20 {
                let bytes = match number {
                    7 => &good[..100],
                    9 => b"GIF89a",
                    _ => &good[..],
                };
                fs::write(folder.path().join(format!("{class}/{number:02}.png")), bytes).unwrap();
            }
        }
        let uri = folder.path().display().to_string();
        let source = open(&uri, &OpenOptions::default()).unwrap();
        let report = verify(&*source, &DecodeOptions::default(), |_| ());
        let indices: Vec<u64> = report.corrupt.iter().map(|sample| sample.index).collect();
        assert_eq!(indices, [7, 9, 27, 29]);
        assert_eq!((report.samples, report.class_counts), (40, vec![18, 18]));
        let message = report.corrupt[1].error.to_string();
        assert!(
            message.ends_with("09.png: GIF file cut off after 6 bytes: the end mark is missing")
        );
    }

    #[test]
    fn reference_images_all_decode() {
        let Some(path) = ocelli_testkit::reference_data("imagenet_samples/images.tar") else {
            return;
        };
        let source = open(&path.display().to_string(), &OpenOptions::default()).unwrap();
        let report = verify(&*source, &DecodeOptions::default(), |_| ());
        assert!(report.corrupt.is_empty(), "{:?}", report.corrupt);
        assert_eq!((report.samples, report.class_counts), (1000, vec![1; 1000]));
    }
}
