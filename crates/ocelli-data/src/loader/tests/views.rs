//! Several views of each sample.

use super::*;
use crate::{InputConfig, OpenOptions, Split, TrainConfig, TrainTransform, open};

fn views(views: usize) -> LoaderConfig {
    LoaderConfig { views, ..train() }
}

/// Pixels, labels and indices of each batch, after checking its sizes.
fn batches(config: &LoaderConfig, first: u64) -> Vec<Content> {
    let loader = loader(NumberedPictures::new(101), config.clone());
    let content = |batch: Result<Batch>| {
        let batch = batch.unwrap();
        let samples = batch.indices.len();
        assert_eq!((batch.len(), batch.views), (samples, config.views));
        assert_eq!(batch.shape, [samples * config.views, 1, 1, 2]);
        assert_eq!(batch.images.len(), 2 * samples * config.views);
        assert_eq!(batch.targets.len(), samples);
        (batch.images.clone(), batch.targets.clone(), batch.indices.clone())
    };
    loader.epoch(2, first).map(content).collect()
}

#[test]
fn partners_stand_side_by_side_and_are_views_of_one_image() {
    for (images, _, indices) in batches(&views(2), 0) {
        let rows: Vec<&[f32]> = images.chunks(2).collect();
        for (row, pixels) in rows.iter().enumerate() {
            let partner = rows[row ^ 1];
            assert_ne!(*pixels, partner, "each view draws for itself");
            for pixel in pixels.iter().chain(partner) {
                assert_eq!(pixel.floor(), indices[row / 2] as f32);
            }
        }
    }
}

#[test]
fn the_first_view_is_that_of_a_loader_of_one_view() {
    let one = batches(&views(1), 0);
    for count in [2, 3] {
        for (several, one) in batches(&views(count), 0).iter().zip(&one) {
            assert_eq!((&several.1, &several.2), (&one.1, &one.2));
            let first: Vec<f32> =
                several.0.chunks(2 * count).flat_map(|views| &views[..2]).copied().collect();
            assert_eq!(first, one.0);
        }
    }
}

#[test]
fn views_are_the_same_for_any_number_of_threads_and_after_a_resume() {
    let whole = batches(&views(2), 0);
    for threads in [2, 8] {
        let config = LoaderConfig { threads, prefetch: threads + 1, ..views(2) };
        assert_eq!(whole, batches(&config, 0));
        assert_eq!(whole[7..], batches(&config, 7));
    }
}

#[test]
fn shares_of_ranks_count_samples_and_keep_views_together() {
    let alone = batches(&views(2), 0);
    let shares: Vec<Vec<Batch>> = (0..3)
        .map(|rank| {
            let config = LoaderConfig { rank, world_size: 3, ..views(2) };
            loader(NumberedPictures::new(101), config).epoch(2, 0).map(Result::unwrap).collect()
        })
        .collect();
    for (step, whole) in alone.iter().enumerate() {
        let parts = shares.iter().map(|share| &share[step]);
        let (mut images, mut first) = (Vec::new(), 0);
        for part in parts {
            assert_eq!((part.first, part.global_len), (first, 8));
            first += part.len() as u64;
            images.extend_from_slice(&part.images);
        }
        assert_eq!(images, whole.0);
    }
}

#[test]
fn a_sample_is_read_and_decoded_once_for_all_its_views() {
    let (source, transform) = (Arc::new(NumberedPictures::new(16)), Arc::new(Jitter::default()));
    let config = LoaderConfig { views: 4, ..LoaderConfig::eval(8) };
    let loader = Loader::new(source.clone(), transform.clone(), config).unwrap();
    assert_eq!(loader.epoch(0, 0).map(|batch| batch.unwrap().len()).sum::<usize>(), 16);
    assert_eq!(source.reads.load(Ordering::Relaxed), 16);
    assert_eq!(transform.decoded.load(Ordering::Relaxed), 16);
}

#[test]
fn an_unreadable_sample_takes_all_its_views_along() {
    let source = NumberedPictures { broken: [1].into(), ..NumberedPictures::new(4) };
    let config = LoaderConfig { views: 2, error_budget: 1, ..LoaderConfig::eval(4) };
    let batch = loader(source, config).epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((batch.len(), batch.global_len, batch.shape[0]), (3, 3, 6));
    let values: Vec<f32> = batch.images.iter().map(|pixel| pixel.floor()).collect();
    assert_eq!(values, [[0.0; 4], [2.0; 4], [3.0; 4]].concat());
}

#[test]
fn views_out_of_range_are_refused_by_name() {
    let mix = Mix { mixup: 0.2, ..Mix::default() };
    for config in [views(0), LoaderConfig { mix, ..views(2) }] {
        let refused =
            Loader::new(Arc::new(NumberedPictures::new(8)), Arc::new(Jitter::default()), config);
        assert!(refused.err().unwrap().to_string().contains("`views`"));
    }
    assert!(elements_of(u64::MAX, [1, 1, 2]).is_err());
}

#[test]
fn views_of_photos_as_simclr_makes_them_are_finite_and_differ() {
    let source = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    let input = InputConfig { size: 28, ..InputConfig::default() };
    let transform = Arc::new(TrainTransform::new(input, TrainConfig::simclr(0.5)).unwrap());
    let loader =
        Loader::new(source, transform, LoaderConfig { batch_size: 32, ..views(2) }).unwrap();
    let batch = loader.epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((batch.len(), batch.shape), (32, [64, 3, 28, 28]));
    assert!(batch.images.iter().all(|pixel| pixel.is_finite()));
    let elements = 3 * 28 * 28;
    let pairs = batch.images.chunks(2 * elements);
    let differ = pairs.filter(|pair| pair[..elements] != pair[elements..]).count();
    assert_eq!(differ, 32);
}
