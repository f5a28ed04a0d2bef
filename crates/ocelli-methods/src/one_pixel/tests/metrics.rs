//! What the metrics say of whole attacks.

use super::fixture::{CLASSES, Whole, attack, chosen, config, victim};
use crate::one_pixel::*;
use ocelli_data::{Image, Payload, Record, Source};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[test]
fn heat_maps_histograms_and_rates_agree() {
    let config = Config { pixels: vec![1, 3, 5], images: 20, ..config() };
    let whole = attack(&config, 1);
    let summary = Summary::new(&whole.plan, &whole.attacked);
    let group = |kind, pixels| {
        let is_it = |group: &&Group| group.kind == kind && group.pixels == pixels;
        summary.groups.iter().find(is_it).unwrap()
    };
    for (pairs, pixels) in summary.class_pairs.iter().zip([1, 3, 5]) {
        let (targeted, derived) =
            (group(Kind::Targeted, pixels), group(Kind::UntargetedDerived, pixels));
        assert_eq!(pairs.pixels, pixels);
        let sum: u64 = pairs.counts.iter().flatten().sum();
        let histogram = &pairs.target_counts;
        let weighted: u64 = (0..).zip(histogram).map(|(targets, images)| targets * images).sum();
        assert_eq!((sum, weighted), (targeted.successes, targeted.successes));
        assert!((0..CLASSES).all(|class| pairs.counts[class][class] == 0), "{pairs:?}");
        assert_eq!(histogram.iter().sum::<u64>(), 20);
        assert_eq!(histogram[0], 20 - derived.successes);
        assert_eq!(targeted.attempts, 20 * (CLASSES as u64 - 1));
        assert_eq!((derived.attempts, derived.evaluations), (20, targeted.evaluations));
        for target in 0..CLASSES {
            let reached: u64 = pairs.counts.iter().map(|row| row[target]).sum();
            assert!(derived.successes >= reached, "target {target}");
        }
        assert_eq!(derived.mean_confidence, targeted.mean_confidence);
    }
    let rates = [1, 3, 5].map(|pixels| group(Kind::Targeted, pixels).success_rate);
    assert!(rates[0] < rates[1] && rates[1] <= rates[2], "{rates:?}");
    assert_eq!(summary.traces.len(), 6);
    for trace in &summary.traces {
        let improves = |pair: &[f64]| (pair[1] - pair[0]) * if trace.targeted { 1.0 } else { -1.0 };
        assert!(trace.best.windows(2).all(|pair| improves(pair) >= 0.0), "{trace:?}");
    }
}

#[test]
fn rows_of_the_class_pairs_are_the_images_classes_and_columns_the_targets() {
    let whole = attack(&Config { images: 20, ..config() }, 1);
    let mut expected = vec![vec![0; CLASSES]; CLASSES];
    for image in &whole.attacked {
        for outcome in image.outcomes.iter().filter(|outcome| outcome.success) {
            if let Some(target) = outcome.aim.target() {
                expected[image.label as usize][target as usize] += 1;
            }
        }
    }
    let transposed: Vec<Vec<u64>> =
        (0..CLASSES).map(|to| (0..CLASSES).map(|from| expected[from][to]).collect()).collect();
    assert_ne!(expected, transposed, "nothing to tell them apart by");
    let summary = Summary::new(&whole.plan, &whole.attacked);
    assert_eq!(summary.class_pairs[0].counts, expected);
}

#[test]
fn with_the_fewest_pixels_larger_numbers_are_tried_where_smaller_ones_fail() {
    let every = Config { pixels: vec![1, 2, 4], images: 12, random: true, ..config() };
    let all = attack(&every, 1);
    let few = attack(&Config { fewest: true, ..every }, 1);
    assert_eq!(few.plan.subjects(), all.plan.subjects());
    let mut spared = 0;
    for (few, all) in few.attacked.iter().zip(&all.attacked) {
        let has_fewer = |o: &AttackOutcome| {
            all.outcomes.iter().any(|p| p.success && p.aim == o.aim && p.pixels < o.pixels)
        };
        let needed: Vec<_> = all.outcomes.iter().filter(|o| !has_fewer(o)).cloned().collect();
        spared += all.outcomes.len() - needed.len();
        assert_eq!(few.outcomes, needed, "{}", few.name);
    }
    assert!(spared > 10, "{spared} were spared");

    let of = |whole: &Whole| Summary::new(&whole.plan, &whole.attacked);
    let (few, all) = (of(&few), of(&all));
    assert_eq!(few.fewest_pixels, all.fewest_pixels);
    assert!(few.evaluations < all.evaluations);
    for fewest in &few.fewest_pixels {
        let groups = few.groups.iter().filter(|group| group.kind == fewest.kind);
        let cases = fewest.failures + fewest.counts.iter().map(|(_, count)| count).sum::<u64>();
        let mut enough = 0;
        for (group, (pixels, count)) in groups.zip(&fewest.counts) {
            enough += count;
            assert_eq!(
                (group.pixels, group.attempts, group.successes),
                (*pixels, cases, enough),
                "{:?}",
                fewest.kind
            );
            assert_eq!(group.random.as_ref().unwrap().evaluations, group.evaluations);
            let pairs = few.class_pairs.iter().find(|pairs| pairs.pixels == *pixels).unwrap();
            if group.kind == Kind::Targeted {
                assert_eq!(pairs.counts.iter().flatten().sum::<u64>(), enough);
            }
        }
    }
}

/// Images of 5 × 7 pixels with two channels, dark on the left or on the right.
struct Halves([String; 2]);

impl Source for Halves {
    fn len(&self) -> u64 {
        6
    }

    fn classes(&self) -> &[String] {
        &self.0
    }

    fn read(&self, index: u64) -> ocelli_data::Result<Record> {
        let label = (index % 2) as u32;
        let is_light = |at: usize| (at / 2 % 7 > 3) == (label == 1);
        let pixels = (0..5 * 7 * 2).map(|at| if is_light(at) { 108 } else { 104 }).collect();
        let image = Image { width: 7, height: 5, channels: 2, pixels };
        let payload = Payload::Pixels(image);
        Ok(Record {
            name: format!("halves-{index}"),
            label: Some(label),
            others: Vec::new(),
            payload,
        })
    }
}

#[test]
fn images_of_any_size_and_channels_are_attacked_as_they_are() {
    let model = |images: &[f32], count: usize| {
        let side = |image: &[f32], right: bool| -> f32 {
            image.iter().enumerate().filter(|(at, _)| (at / 2 % 7 > 3) == right).map(|p| p.1).sum()
        };
        let of = |image| {
            1.0 / (1.0 + ((side(image, false) / 40.0 - side(image, true) / 30.0) / 9.0).exp())
        };
        let right = images.chunks(images.len() / count).map(of);
        Ok(right.flat_map(|right| [1.0 - right, right]).collect())
    };
    let mut model = BlackBox::new(2, [2, 5, 7], model);
    let source = Halves(["left", "right"].map(str::to_owned));
    let pictures = Pictures::as_they_are(Arc::new(source));
    let config = Config { images: 6, misclassified: Misclassified::Attack, ..config() };
    let plan = chosen(&config, victim(), pictures, &mut model).unwrap();
    let stop = AtomicBool::new(false);
    let attacked = crate::one_pixel::attack(&plan, &mut model, &stop).unwrap().unwrap();
    let outcomes = || attacked.iter().flat_map(|image| &image.outcomes);
    assert!(outcomes().any(|outcome| outcome.success), "nothing to test with");
    for change in outcomes().flat_map(|outcome| &outcome.changes) {
        assert!(change.x < 7 && change.y < 5 && change.value.len() == 2, "{change:?}");
    }
}

#[test]
fn evolution_finds_what_the_oracle_says_can_be_found_and_nothing_else() {
    let evolution =
        EvolutionSection { population: 100, generations: 40, ..EvolutionSection::default() };
    let config = Config { images: 20, oracle: true, evolution, ..config() };
    let whole = attack(&config, 1);
    let summary = Summary::new(&whole.plan, &whole.attacked);
    assert_eq!(summary.baseline_evaluations, 20 * 36 * 256);
    for group in &summary.groups {
        let oracle = group.oracle.as_ref().unwrap();
        assert_eq!(oracle.false_claims, 0);
        assert!(oracle.attackable > 0, "{:?}", group.kind);
        assert!(oracle.share_found >= 0.9, "{:?}: {oracle:?}", group.kind);
    }
}

#[test]
fn random_search_with_as_many_evaluations_is_compared_case_by_case() {
    let evolution =
        EvolutionSection { population: 20, generations: 10, ..EvolutionSection::default() };
    let config = Config { images: 40, random: true, random_tries: 10, evolution, ..config() };
    let whole = attack(&config, 3);
    let summary = Summary::new(&whole.plan, &whole.attacked);
    for group in &summary.groups {
        let random = group.random.as_ref().unwrap();
        assert_eq!(random.evaluations, group.evaluations, "{:?}", group.kind);
        let difference = random.only_evolution as i64 - random.only_random as i64;
        assert_eq!(group.successes as i64 - random.successes as i64, difference);
        assert_eq!(random.p_value, mcnemar(random.only_evolution, random.only_random));
    }
    let targeted = summary.groups[0].random.as_ref().unwrap();
    assert!(
        targeted.only_evolution > targeted.only_random && targeted.p_value < 0.05,
        "{targeted:?}"
    );
    let tries = &summary.random_tries[0];
    assert_eq!((tries.attempts, tries.pixels), (40, 1));
    let direct = &summary.groups[2];
    assert!(tries.success_rate < direct.success_rate, "{tries:?}, {}", direct.success_rate);
}
