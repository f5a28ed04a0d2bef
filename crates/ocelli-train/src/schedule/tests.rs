use super::*;
use crate::TrainingLength;

fn close(actual: f64, expected: f64) -> bool {
    (actual - expected).abs() <= 1e-4 * expected.abs().max(1e-9)
}

fn section(kind: ScheduleKind) -> ScheduleSection {
    ScheduleSection { kind, ..ScheduleSection::default() }
}

/// EfficientNetV2 on ImageNet: 4096 images per step of 1,256,144, 350 epochs, ×0.97 every 2.4.
#[test]
fn the_staircase_of_efficientnetv2_has_its_published_points() {
    let recipe = ScheduleSection {
        warmup: TrainingLength::Epochs(5.0),
        decay: 0.97,
        every: TrainingLength::Epochs(2.4),
        ..section(ScheduleKind::Exponential)
    };
    let schedule = Schedule::new(&recipe, 0.256, 1_256_144.0 / 4096.0, 107_336);
    assert_eq!(schedule.rate(0), 0.0);
    assert!(close(schedule.rate(1_532), 0.25583));
    assert!(close(schedule.rate(1_533), 0.24087));
    assert!(close(schedule.rate(50_000), 0.033_262));
    assert!(close(schedule.rate(107_335), 0.003_091));
}

/// Values of `torch.optim.lr_scheduler.OneCycleLR(max_lr=0.4, total_steps=20, pct_start=0.3)`.
#[test]
fn one_cycle_is_pytorchs() {
    let expected = [
        0.016,
        0.052_668_737,
        0.148_668_737,
        0.267_331_263,
        0.363_331_263,
        0.4,
        0.394_985_602,
        0.380_193_853,
        0.356_366_471,
        0.324_698_262,
        0.286_777_201,
        0.244_504_809,
        0.200_000_8,
        0.155_496_791,
        0.113_224_399,
        0.075_303_338,
        0.043_635_129,
        0.019_807_747,
        0.005_015_998,
        1.6e-6,
    ];
    let schedule = Schedule::new(&section(ScheduleKind::OneCycle), 0.4, 5.0, 20);
    for (step, rate) in expected.into_iter().enumerate() {
        assert!(
            close(schedule.rate(step as u64), rate),
            "step {step}: {}",
            schedule.rate(step as u64)
        );
    }
}

/// Values of `torch.optim.lr_scheduler.CosineAnnealingLR(T_max=10)` at 0.4.
#[test]
fn cosine_is_pytorchs_and_stays_at_its_end() {
    let schedule = Schedule::new(&section(ScheduleKind::Cosine), 0.4, 5.0, 10);
    for (step, rate) in [(0, 0.4), (1, 0.390_211_303), (5, 0.2), (9, 0.009_788_697)] {
        assert!(close(schedule.rate(step), rate));
    }
    let short = ScheduleSection {
        length: Some(TrainingLength::Steps(1000)),
        end: 0.1,
        ..section(ScheduleKind::Cosine)
    };
    let schedule = Schedule::new(&short, 0.1, 19.0, 3800);
    assert!(close(schedule.rate(1000), 0.01) && close(schedule.rate(3799), 0.01));
}

/// TensorFlow's `CosineDecayRestarts(0.1, 1000)`: periods of 1000, 2000, 4000 steps.
#[test]
fn restarts_double_their_period() {
    let recipe = ScheduleSection {
        length: Some(TrainingLength::Steps(1000)),
        ..section(ScheduleKind::CosineRestarts)
    };
    let schedule = Schedule::new(&recipe, 0.1, 1.0, 7000);
    for (step, rate) in [(0, 0.1), (500, 0.05), (1000, 0.1), (2000, 0.05), (3000, 0.1), (7000, 0.1)]
    {
        assert!(close(schedule.rate(step), rate), "step {step}: {}", schedule.rate(step));
    }
    assert!(schedule.rate(999) < 1e-6 && schedule.rate(6999) < 1e-6);
    let even = ScheduleSection { period_factor: 1.0, ..recipe };
    let schedule = Schedule::new(&even, 0.1, 1.0, 7000);
    assert!(close(schedule.rate(3500), 0.05));
}

#[test]
fn decays_come_at_their_milestones() {
    let recipe = ScheduleSection {
        milestones: vec![TrainingLength::Epochs(2.0), TrainingLength::Steps(30)],
        ..section(ScheduleKind::MultiStep)
    };
    let schedule = Schedule::new(&recipe, 1.0, 10.0, 40);
    for (step, rate) in [(19, 1.0), (20, 0.1), (29, 0.1), (30, 0.01)] {
        assert!(close(schedule.rate(step), rate));
    }
    let recipe =
        ScheduleSection { every: TrainingLength::Epochs(1.5), ..section(ScheduleKind::Step) };
    let schedule = Schedule::new(&recipe, 1.0, 10.0, 40);
    for (step, rate) in [(14, 1.0), (15, 0.1), (30, 0.01)] {
        assert!(close(schedule.rate(step), rate));
    }
}

#[test]
fn a_straight_line_follows_the_warm_up() {
    let recipe = ScheduleSection {
        warmup: TrainingLength::Steps(4),
        warmup_from: 0.25,
        end: 0.5,
        ..section(ScheduleKind::Polynomial)
    };
    let schedule = Schedule::new(&recipe, 1.0, 10.0, 14);
    for (step, rate) in [(0, 0.25), (2, 0.625), (4, 1.0), (9, 0.75), (14, 0.5), (99, 0.5)] {
        assert!(close(schedule.rate(step), rate), "step {step}: {}", schedule.rate(step));
    }
}

#[test]
fn every_curve_is_finite_and_within_its_peak_even_for_one_step() {
    use ScheduleKind::{
        Constant, Cosine, CosineRestarts, Exponential, MultiStep, OneCycle, Polynomial, Step,
    };
    for kind in
        [Constant, Cosine, CosineRestarts, Polynomial, Step, MultiStep, Exponential, OneCycle]
    {
        for total in [1, 2, 3, 50] {
            let schedule = Schedule::new(&section(kind), 0.4, 1.0, total);
            for step in 0..=total + 1 {
                let rate = schedule.rate(step);
                assert!((0.0..=0.4).contains(&rate), "{kind:?}, step {step} of {total}: {rate}");
            }
        }
    }
}
