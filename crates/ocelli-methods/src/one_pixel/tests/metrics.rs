//! What the metrics say of whole attacks.

use super::fixture::{CLASSES, attack, config};
use crate::one_pixel::*;

#[test]
fn heat_maps_histograms_and_rates_agree() {
    let config = Config { pixels: vec![1, 3, 5], images: 20, ..config() };
    let whole = attack(&config, 1);
    let summary = Summary::of(&whole.plan, &whole.attacked);
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
fn evolution_finds_what_the_oracle_says_can_be_found_and_nothing_else() {
    let evolution =
        EvolutionSection { population: 100, generations: 40, ..EvolutionSection::default() };
    let config = Config { images: 20, oracle: true, evolution, ..config() };
    let whole = attack(&config, 1);
    let summary = Summary::of(&whole.plan, &whole.attacked);
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
    let summary = Summary::of(&whole.plan, &whole.attacked);
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
