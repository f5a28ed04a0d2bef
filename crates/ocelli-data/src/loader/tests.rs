use super::*;
use crate::{Error, Image, Payload, Record, Scratch, Transform};
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

mod views;

const CLASSES: u32 = 5;

/// Samples of two pixels whose values are the index; the ones in `broken` have none, and the
/// last ten of `panicking` panic.
#[derive(Default)]
struct NumberedPictures {
    len: u64,
    classes: Vec<String>,
    broken: BTreeSet<u64>,
    panicking: bool,
    /// Further classes of every sample that is not of them already.
    others: Vec<u32>,
    reads: AtomicUsize,
}

impl NumberedPictures {
    fn new(len: u64) -> Self {
        let classes = (0..CLASSES).map(|class| class.to_string()).collect();
        Self { len, classes, ..Self::default() }
    }
}

impl Source for NumberedPictures {
    fn len(&self) -> u64 {
        self.len
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: u64) -> Result<Record> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panicking || index < self.len - 10, "no reading past the tenth last");
        let value = if self.broken.contains(&index) { vec![] } else { vec![index as u8; 2] };
        let label = (index % u64::from(CLASSES)) as u32;
        Ok(Record {
            name: format!("number {index}"),
            label: Some(label),
            others: self.others.iter().copied().filter(|other| *other != label).collect(),
            payload: Payload::Pixels(Image { width: 2, height: 1, channels: 1, pixels: value }),
        })
    }
}

/// The pixels plus a random fraction.
#[derive(Default)]
struct Jitter {
    decoded: AtomicUsize,
}

impl Transform for Jitter {
    fn shape(&self) -> [usize; 3] {
        [1, 1, 2]
    }

    fn decode(&self, picture: Payload) -> Result<Payload> {
        self.decoded.fetch_add(1, Ordering::Relaxed);
        Ok(picture)
    }

    fn apply(
        &self,
        picture: &Payload,
        random: &mut ChaCha8Rng,
        _scratch: &mut Scratch,
        output: &mut [f32],
    ) -> Result<()> {
        let Payload::Pixels(image) = picture else { unreachable!("only pixels") };
        if image.pixels.is_empty() {
            return Err(Error::setting("pixels", "are missing"));
        }
        for (output, pixel) in output.iter_mut().zip(&image.pixels) {
            *output = f32::from(*pixel) + random.random::<f32>();
        }
        Ok(())
    }
}

fn loader(source: NumberedPictures, config: LoaderConfig) -> Loader {
    Loader::new(Arc::new(source), Arc::new(Jitter::default()), config).unwrap()
}

/// What matters of a batch: pixels, labels, indices.
type Content = (Vec<f32>, Targets, Vec<u64>);

fn contents(epoch: Epoch) -> Vec<Content> {
    epoch
        .map(|batch| {
            let batch = batch.unwrap();
            assert_eq!(batch.shape, [batch.len(), 1, 1, 2]);
            assert_eq!(batch.images.len(), 2 * batch.len());
            assert_eq!(batch.targets.len(), batch.len());
            (batch.images.clone(), batch.targets.clone(), batch.indices.clone())
        })
        .collect()
}

#[test]
fn batches_are_the_same_for_any_number_of_threads() {
    let batches = |threads| {
        let config = LoaderConfig { threads, prefetch: threads + 1, ..train() };
        contents(loader(NumberedPictures::new(101), config).epoch(3, 0))
    };
    let one = batches(1);
    assert_eq!(one.len(), 12);
    assert_eq!(one, batches(2));
    assert_eq!(one, batches(8));
}

fn train() -> LoaderConfig {
    LoaderConfig::train(8, Seed(11))
}

#[test]
fn an_epoch_resumed_in_its_middle_continues_with_the_same_batches() {
    let whole = contents(loader(NumberedPictures::new(101), train()).epoch(2, 0));
    let resumed = LoaderConfig { threads: 3, ..train() };
    assert_eq!(whole[7..], contents(loader(NumberedPictures::new(101), resumed).epoch(2, 7)));
    let other = contents(loader(NumberedPictures::new(101), train()).epoch(3, 7));
    assert_ne!(whole[7..], other);
}

#[test]
fn ranks_together_see_what_one_rank_sees() {
    for (batch_size, drop_last) in [(8, true), (10, false), (7, false)] {
        let mix = Mix { mixup: 0.5, cutmix: 0.5, label_smoothing: 0.1 };
        let config = LoaderConfig { batch_size, mix, drop_last, ..train() };
        let alone = contents(loader(NumberedPictures::new(101), config.clone()).epoch(0, 0));
        for world_size in [2, 3, 4] {
            let mut shares: Vec<_> = (0..world_size)
                .map(|rank| {
                    let config = LoaderConfig { rank, world_size, ..config.clone() };
                    contents(loader(NumberedPictures::new(101), config).epoch(0, 0)).into_iter()
                })
                .collect();
            for expected in &alone {
                let parts: Vec<_> = shares.iter_mut().map(|share| share.next().unwrap()).collect();
                let images = parts.iter().flat_map(|part| part.0.clone()).collect::<Vec<_>>();
                let indices = parts.iter().flat_map(|part| part.2.clone()).collect::<Vec<_>>();
                assert_eq!((&images, &indices), (&expected.0, &expected.2));
                let rows = parts.iter().flat_map(|part| rows_of(&part.1)).collect::<Vec<_>>();
                assert_eq!(rows, rows_of(&expected.1));
            }
            assert!(shares.iter_mut().all(|share| share.next().is_none()));
        }
    }
}

fn rows_of(targets: &Targets) -> Vec<f32> {
    let Targets::Soft { rows, classes: 5 } = targets else { panic!("{targets:?}") };
    rows.clone()
}

#[test]
fn classes_of_a_sample_are_equally_probable() {
    let pictures = || NumberedPictures { others: vec![4], ..NumberedPictures::new(8) };
    let sets = contents(loader(pictures(), train()).epoch(0, 0));
    let Targets::MultiLabel(sets_of_first) = &sets[0].1 else { panic!("{:?}", sets[0].1) };
    for (set, index) in sets_of_first.iter().zip(&sets[0].2) {
        let label = (index % u64::from(CLASSES)) as u32;
        let expected = if label == 4 { vec![4] } else { vec![label, 4] };
        assert_eq!(*set, expected);
    }
    assert_eq!((sets[0].1.len(), sets[0].1.classes().len()), (8, 8));

    let mix = Mix { label_smoothing: 0.1, ..Mix::default() };
    let smoothed = contents(loader(pictures(), LoaderConfig { mix, ..train() }).epoch(0, 0));
    for (row, index) in rows_of(&smoothed[0].1).chunks(5).zip(&smoothed[0].2) {
        let label = (index % u64::from(CLASSES)) as usize;
        let own = if label == 4 { 0.92 } else { 0.47 };
        assert!((row[label] - own).abs() < 1e-6 && (row[4] - own).abs() < 1e-6, "{row:?}");
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn mixing_changes_pixels_and_labels_but_not_the_samples() {
    let mixed = LoaderConfig { mix: Mix { mixup: 1.0, ..Mix::default() }, ..train() };
    let mixed = contents(loader(NumberedPictures::new(64), mixed).epoch(0, 0));
    let plain = contents(loader(NumberedPictures::new(64), train()).epoch(0, 0));
    for (mixed, plain) in mixed.iter().zip(&plain) {
        assert_eq!(mixed.2, plain.2);
        assert_ne!(mixed.0, plain.0);
        // The larger part of every sample is its own.
        assert_eq!(Targets::Hard(mixed.1.classes()), plain.1);
    }
}

#[test]
fn a_sample_whose_partner_is_unreadable_is_not_mixed() {
    let mix = Mix { mixup: 1.0, ..Mix::default() };
    let source = NumberedPictures { broken: [2].into(), ..NumberedPictures::new(8) };
    let config = LoaderConfig { mix, error_budget: 1, ..LoaderConfig::eval(8) };
    let batches = contents(loader(source, config).epoch(0, 0));
    let (images, targets, indices) = &batches[0];
    assert_eq!(indices, &[0, 1, 3, 4, 5, 6, 7]);
    assert_eq!(images[4].floor(), 3.0);
    assert_eq!(rows_of(targets)[10..15], [0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn evaluation_counts_every_sample_once() {
    for world_size in [1, 3] {
        let mut seen: Vec<u64> = (0..world_size)
            .flat_map(|rank| {
                let config = LoaderConfig { rank, world_size, ..LoaderConfig::eval(16) };
                contents(loader(NumberedPictures::new(101), config).epoch(0, 0))
            })
            .flat_map(|content| content.2)
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..101).collect::<Vec<_>>());
    }
}

#[test]
fn a_corrupt_sample_is_an_error_that_names_it() {
    let source = NumberedPictures { broken: [40].into(), ..NumberedPictures::new(64) };
    let mut epoch = loader(source, LoaderConfig::eval(16)).epoch(0, 0);
    assert!(epoch.next().unwrap().is_ok());
    assert!(epoch.next().unwrap().is_ok());
    let error = epoch.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "number 40: `pixels` are missing");
    assert!(epoch.next().is_none());
}

#[test]
fn within_the_budget_corrupt_samples_are_left_out_and_listed() {
    let batches = |threads| {
        let source = NumberedPictures { broken: [3, 15, 16].into(), ..NumberedPictures::new(32) };
        let config = LoaderConfig { error_budget: 3, threads, ..LoaderConfig::eval(16) };
        let mut epoch = loader(source, config).epoch(0, 0);
        let batches: Vec<Batch> = epoch.by_ref().map(Result::unwrap).collect();
        assert_eq!(epoch.skipped(), 3);
        batches
    };
    let first = &batches(1)[0];
    assert_eq!(first.skipped.len(), 2);
    assert_eq!(first.skipped[0].name, "number 3");
    assert_eq!((first.len(), first.global_len), (14, 14));
    assert!(
        first
            .images
            .chunks(2)
            .zip(&first.indices)
            .all(|(pixels, index)| { pixels.iter().all(|pixel| pixel.floor() == *index as f32) })
    );
    for (one, four) in batches(1).iter().zip(&batches(4)) {
        assert_eq!((&one.images, &one.indices), (&four.images, &four.indices));
        assert_eq!(one.skipped, four.skipped);
    }
}

#[test]
fn one_corrupt_sample_over_the_budget_ends_the_epoch() {
    let source = NumberedPictures { broken: [3, 15, 16].into(), ..NumberedPictures::new(32) };
    let config = LoaderConfig { error_budget: 2, ..LoaderConfig::eval(16) };
    let mut epoch = loader(source, config).epoch(0, 0);
    assert!(epoch.next().unwrap().is_ok());
    let error = epoch.next().unwrap().unwrap_err();
    assert!(matches!(error, Error::BudgetSpent { budget: 2, ref name, .. } if name == "number 16"));
    assert!(epoch.next().is_none());
}

#[test]
fn an_epoch_dropped_early_stops_its_threads() {
    let source = Arc::new(NumberedPictures::new(100_000));
    let config = LoaderConfig { threads: 2, prefetch: 3, ..LoaderConfig::eval(16) };
    let loader =
        Loader::new(Arc::clone(&source) as _, Arc::new(Jitter::default()), config).unwrap();
    let mut epoch = loader.epoch(0, 0);
    epoch.next().unwrap().unwrap();
    drop(epoch);
    let reads = source.reads.load(Ordering::Relaxed);
    assert!(reads <= 4 * 16, "{reads} samples read ahead");
    drop(loader);
    assert_eq!(Arc::strong_count(&source), 1);
}

#[test]
fn a_panic_in_a_thread_becomes_an_error() {
    let source = NumberedPictures { panicking: true, ..NumberedPictures::new(32) };
    let mut epoch = loader(source, LoaderConfig::eval(16)).epoch(0, 0);
    assert!(epoch.next().unwrap().is_ok());
    let error = epoch.next().unwrap().unwrap_err();
    let Error::WorkerPanicked { index: 22, message } = error else { panic!("{error}") };
    assert_eq!(message, "no reading past the tenth last");
}

#[test]
fn pixel_buffers_are_reused() {
    let loader = loader(NumberedPictures::new(640), LoaderConfig { prefetch: 2, ..train() });
    let addresses: BTreeSet<_> =
        loader.epoch(0, 0).map(|batch| batch.unwrap().images.as_ptr() as usize).collect();
    assert!(addresses.len() <= 3, "{} buffers for 80 batches", addresses.len());
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (config, field) in [
        (LoaderConfig { batch_size: 0, ..train() }, "batch_size"),
        (LoaderConfig { threads: 0, ..train() }, "threads"),
        (LoaderConfig { rank: 2, world_size: 2, ..train() }, "rank"),
    ] {
        let refused =
            Loader::new(Arc::new(NumberedPictures::new(8)), Arc::new(Jitter::default()), config);
        let error = refused.err().unwrap().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn a_batch_that_no_memory_holds_is_refused_before_it_is_reserved() {
    assert_eq!(elements_of(64, [3, 224, 224]).unwrap(), 64 * 3 * 224 * 224);
    for (samples, shape) in [(1 << 20, [3, 8192, 8192]), (u64::MAX, [3, 8192, 8192])] {
        let error = elements_of(samples, shape).unwrap_err().to_string();
        assert!(error.contains("`batch_size` is too large"), "{error}");
    }
}

#[test]
fn an_empty_source_has_no_batch() {
    assert_eq!(loader(NumberedPictures::new(0), LoaderConfig::eval(16)).epoch(0, 0).count(), 0);
    assert_eq!(loader(NumberedPictures::new(7), train()).samples_per_epoch(), 0);
}
