//! Levels, mixtures and gradients against plain loops in double precision.

use super::*;
use crate::testing::{assert_close, values};
use proptest::prelude::*;

fn levels_of(values: &[f32], quantizer: Quantizer) -> Levels {
    let weights = Weights::new(values, 1).unwrap();
    let learnt = weights.start(quantizer, Per::Tensor);
    weights.branch(quantizer, Per::Tensor, Zero::Paper, &learnt).levels()[0]
}

/// Q(w) of all values.
fn quantize(values: &[f32], channels: usize, branch: Branch) -> Vec<f32> {
    let mut q = vec![f32::NAN; values.len()];
    Mixture::new(values, channels, &[branch], &[1.0]).forward(&mut q);
    q
}

fn quantized(values: &[f32], quantizer: Quantizer) -> Vec<f32> {
    quantize(values, 1, Branch::new(vec![levels_of(values, quantizer)]))
}

/// The distinct values, in order.
fn distinct(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    values.sort_by(f32::total_cmp);
    values.dedup();
    values
}

/// Numbers of a normal distribution, by sums of even ones.
fn normal(count: usize, seed: u32) -> Vec<f32> {
    let even = values(12 * count, seed);
    even.chunks(12).map(|twelve| twelve.iter().sum::<f32>() / 2.0).collect()
}

#[test]
fn two_bits_of_minus_one_to_one_are_thirds() {
    let even: Vec<f32> = (0..=200).map(|at| at as f32 / 100.0 - 1.0).collect();
    let found = distinct(&quantized(&even, Quantizer::MinMax { bits: 2 }));
    assert_close(&found, &[-1.0, -1.0 / 3.0, 1.0 / 3.0, 1.0]);
    for bits in 1..=8 {
        let q = quantized(&even, Quantizer::MinMax { bits });
        let half = 1.0 / ((1 << bits) - 1) as f32 + 1e-6;
        assert!(q.iter().zip(&even).all(|(q, w)| (q - w).abs() <= half), "{bits} bits");
        assert!(distinct(&q).len() <= 1 << bits);
    }
}

#[test]
fn clips_of_sawb_are_those_of_normal_weights() {
    let normal = normal(200_000, 7);
    let [low, high] = levels_of(&normal, Quantizer::Sawb { bits: 2 }).ends();
    assert!((high - 1.473).abs() < 0.02 && low == -high, "{low} to {high}");
    let found = distinct(&quantized(&normal, Quantizer::Sawb { bits: 2 }));
    let c = f64::from(high);
    assert_close(&found, &[-c, -c / 3.0, c / 3.0, c]);
    // Of an exact normal distribution: E[w²] = 1, E|w| = √(2/π).
    let exact = Statistics {
        len: 1,
        min: -4.0,
        max: 5.0,
        mean_abs: std::f64::consts::FRAC_2_PI.sqrt(),
        mean_square: 1.0,
    };
    for (bits, clip) in [(2, 1.4732), (3, 2.0100), (4, 2.4670), (5, 2.8674), (8, 5.0)] {
        let [_, high] = Levels::sawb(&exact, bits).ends();
        assert!((high - clip).abs() < 1e-3, "{bits} bits: {high}");
    }
    // Two values of one size, for which the coefficients of 4 bits give a negative clip.
    let [_, high] = levels_of(&[0.5, -0.5, 0.5], Quantizer::Sawb { bits: 4 }).ends();
    assert!((high - 0.5).abs() < 1e-6);
}

#[test]
fn signs_and_ternary_weights_are_those_computed_by_hand() {
    let w = [0.9, -0.1, 0.2, -0.8, 0.5, -0.3];
    // E|w| = 2.8 / 6
    assert_close(
        &quantized(&w, Quantizer::Bwn),
        &[1.0, -1.0, 1.0, -1.0, 1.0, -1.0].map(|sign| sign * 2.8 / 6.0),
    );
    // Δ = 0.7 · 2.8 / 6 = 0.3267: 0.9, −0.8 and 0.5 are beyond it, of mean size 2.2 / 3.
    let large = 2.2 / 3.0;
    let found = quantized(&w, Quantizer::Twn);
    assert_close(&found, &[large, 0.0, 0.0, -large, large, 0.0]);
    assert_eq!(found[1], 0.0, "zero is a level to the bit");
}

#[test]
fn the_start_and_the_levels_of_lsq_are_those_of_its_paper() {
    let w = [0.3, -0.4, 0.05, 1.0];
    let statistics = Statistics::new(&w).unwrap();
    // 2 · (1.75 / 4) / √1 and / √7
    assert!((Levels::lsq_start(&statistics, 2) - 0.875).abs() < 1e-6);
    assert!((Levels::lsq_start(&statistics, 4) - 0.875 / 7_f32.sqrt()).abs() < 1e-6);
    let q = quantize(&[-9.0, -0.6, -0.2, 0.2, 0.3, 9.0], 1, Branch::new(vec![Levels::lsq(0.5, 2)]));
    assert_eq!(q, [-1.0, -0.5, 0.0, 0.0, 0.5, 0.5]);
}

#[test]
fn dorefa_is_its_formula() {
    let w = values(300, 5);
    for bits in 2..=8 {
        let (n, most) = (
            f64::from((1 << bits) - 1),
            w.iter().map(|w| f64::from(*w).tanh().abs()).fold(0.0, f64::max),
        );
        let expected = |w: &f32| {
            let t = f64::from(*w).tanh();
            2.0 * ((t / (2.0 * most) + 0.5) * n).round() / n - 1.0
        };
        assert_close(
            &quantized(&w, Quantizer::DoReFa { bits }),
            &w.iter().map(expected).collect::<Vec<_>>(),
        );
    }
    let size = w.iter().map(|w| f64::from(w.abs())).sum::<f64>() / w.len() as f64;
    let signs: Vec<f64> = w.iter().map(|w| f64::from(w.signum()) * size).collect();
    assert_close(&quantized(&w, Quantizer::DoReFa { bits: 1 }), &signs);
}

#[test]
fn an_aligned_range_has_zero_as_a_level() {
    for (min, max) in [(-0.7, 1.3), (0.2, 0.9), (-3.0, -1.0), (-1e-3, 50.0)] {
        for bits in 1..=8 {
            let levels = Levels::min_max(min, max, bits, Zero::Aligned);
            assert_eq!(quantize(&[0.0], 1, Branch::new(vec![levels])), [0.0], "{min} to {max}");
            let grid = levels.grid().unwrap();
            assert!(grid.level(0) <= min + grid.step && grid.level(grid.top) >= max - grid.step);
        }
    }
}

#[test]
fn constant_tensors_stay_finite() {
    for value in [0.0, 0.3, -2.0] {
        let w = [value; 20];
        for quantizer in [
            "min_max:2",
            "min_max:8",
            "sawb:2",
            "sawb:4",
            "lsq:2",
            "dorefa:1",
            "dorefa:3",
            "bwn",
            "twn",
        ] {
            let quantizer: Quantizer = quantizer.parse().unwrap();
            let q = quantized(&w, quantizer);
            assert!(q.iter().all(|q| q.is_finite()), "{quantizer} of {value}: {q:?}");
            assert_eq!(distinct(&q).len(), 1);
            if matches!(quantizer, Quantizer::MinMax { .. } | Quantizer::Twn) {
                assert!((q[0] - value).abs() < 1e-6, "{quantizer} of {value}: {}", q[0]);
            }
            let weights = Weights::new(&w, 4).unwrap();
            let learnt = weights.start(quantizer, Per::Channel);
            let branches = [weights.branch(quantizer, Per::Channel, Zero::Aligned, &learnt)];
            let mut gradient = [9.0; 20];
            let mixture = Mixture::new(&w, 4, &branches, &[1.0]);
            let found = mixture.backward(&[1.0; 20], Some(&mut gradient));
            assert!(gradient.iter().all(|g| g.is_finite()), "{quantizer}");
            assert!(found.learnt[0].iter().chain(&found.attention).all(|g| g.is_finite()));
        }
    }
    assert!(quantized(&[], Quantizer::MinMax { bits: 2 }).is_empty());
}

#[test]
fn as_few_values_are_left_as_there_are_levels() {
    let w = normal(5 * 40, 3);
    for (name, most) in
        [("min_max:2", 4), ("sawb:2", 4), ("lsq:2", 4), ("dorefa:2", 4), ("bwn", 2), ("twn", 3)]
    {
        let quantizer: Quantizer = name.parse().unwrap();
        let weights = Weights::new(&w, 5).unwrap();
        let learnt = weights.start(quantizer, Per::Channel);
        let branch = weights.branch(quantizer, Per::Channel, Zero::Paper, &learnt);
        for filter in quantize(&w, 5, branch).chunks(40) {
            assert!(distinct(filter).len() <= most, "{name}");
        }
        if name == "bwn" {
            let branch = weights.branch(quantizer, Per::Tensor, Zero::Paper, &[]);
            assert_eq!(branch.levels().len(), 5, "a size for each filter");
        } else {
            assert!(distinct(&quantized(&w, quantizer)).len() <= most, "{name}");
        }
    }
}

#[test]
fn a_weight_that_is_not_finite_is_an_error_with_its_position() {
    let error = Weights::new(&[0.0, 1.0, f32::NAN], 1).unwrap_err();
    assert_eq!(error.to_string(), "element 2 is NaN, expected a finite value");
}

fn any_quantizer() -> impl Strategy<Value = Quantizer> {
    let names = [
        "min_max:1",
        "min_max:2",
        "min_max:4",
        "min_max:8",
        "sawb:2",
        "sawb:3",
        "sawb:8",
        "lsq:2",
        "lsq:4",
        "lsq:8",
        "dorefa:1",
        "dorefa:2",
        "dorefa:5",
        "bwn",
        "twn",
        "float",
    ];
    proptest::sample::select(names.to_vec()).prop_map(|name| name.parse().unwrap())
}

/// Q(w), its slope in w and the gradient of its step, by the formulas.
fn naive(levels: &Levels, w: f32) -> [f64; 3] {
    let Some(grid) = levels.grid() else { return [f64::from(w), 1.0, 0.0] };
    let wide = f64::from(w);
    let [low, high] = levels.ends().map(f64::from);
    let input = if levels.kind == levels::Kind::Tanh { lane_math::tanh(w) } else { w };
    let value = f64::from(grid.level(levels.cuts.code(input)));
    let within = f64::from(u8::from((low..=high).contains(&wide)));
    let (step, most) = (f64::from(grid.step), f64::from(grid.top / 2));
    match levels.kind {
        levels::Kind::Straight | levels::Kind::Float => [value, 1.0, 0.0],
        levels::Kind::Clipped => [value, within, 0.0],
        levels::Kind::Step if wide < low => [value, 0.0, -(most + 1.0)],
        levels::Kind::Step if wide > high => [value, 0.0, most],
        levels::Kind::Step => [value, 1.0, value / step - wide / step],
        levels::Kind::Tanh => [value, (1.0 - wide.tanh().powi(2)) / high, 0.0],
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]

    /// Values and codes agree with the scalar grid to the bit, so that a packed model is the trained one.
    #[test]
    fn values_are_the_levels_of_their_codes(
        quantizer in any_quantizer(), channels in 1_usize..5, len in 1_usize..70, seed in 0_u32..99, by_channel: bool,
    ) {
        let w = values(channels * len, seed);
        let weights = Weights::new(&w, channels).unwrap();
        let per = if by_channel { Per::Channel } else { Per::Tensor };
        let learnt = weights.start(quantizer, per);
        let branch = weights.branch(quantizer, per, Zero::Paper, &learnt);
        let (codes, q) = (branch.codes(&w, channels), quantize(&w, channels, branch.clone()));
        for (index, (code, q)) in codes.iter().zip(&q).enumerate() {
            let levels = branch.levels()[if branch.levels().len() == 1 { 0 } else { index / len }];
            match levels.grid() {
                None => prop_assert_eq!(*q, w[index]),
                Some(grid) => {
                    prop_assert!(u32::from(*code) <= grid.top);
                    prop_assert_eq!(grid.level(u32::from(*code)).to_bits(), q.to_bits());
                    if levels.kind != levels::Kind::Tanh {
                        prop_assert_eq!(levels.cuts.code(w[index]), u32::from(*code));
                    }
                }
            }
        }
    }

    #[test]
    fn mixtures_and_gradients_are_those_of_plain_loops(
        quantizers in proptest::collection::vec(any_quantizer(), 1..5),
        channels in 1_usize..5, len in 1_usize..70, seed in 0_u32..99, by_channel: bool, aligned: bool,
    ) {
        let w = values(channels * len, seed);
        let weights = Weights::new(&w, channels).unwrap();
        let per = if by_channel { Per::Channel } else { Per::Tensor };
        let zero = if aligned { Zero::Aligned } else { Zero::Paper };
        let branches: Vec<Branch> = quantizers.iter().map(|quantizer| {
            weights.branch(*quantizer, per, zero, &weights.start(*quantizer, per))
        }).collect();
        let shares: Vec<f32> = values(branches.len(), seed + 1).iter().map(|share| share.abs() + 0.1).collect();
        let total: f32 = shares.iter().sum();
        let shares: Vec<f32> = shares.iter().map(|share| share / total).collect();
        let g = values(w.len(), seed + 2);
        let mixture = Mixture::new(&w, channels, &branches, &shares);
        let (mut q, mut dw) = (vec![9.0; w.len()], vec![9.0; w.len()]);
        mixture.forward(&mut q);
        let found = mixture.backward(&g, Some(&mut dw));

        let at = |k: usize, index: usize| {
            let levels = branches[k].levels();
            naive(&levels[if levels.len() == 1 { 0 } else { index / len }], w[index])
        };
        let sum = |index: usize, of: usize| -> f64 {
            (0..branches.len()).map(|k| f64::from(shares[k]) * at(k, index)[of]).sum()
        };
        assert_close(&q, &(0..w.len()).map(|index| sum(index, 0)).collect::<Vec<_>>());
        assert_close(&dw, &(0..w.len()).map(|index| f64::from(g[index]) * sum(index, 1)).collect::<Vec<_>>());
        if mixture.passes_all() {
            prop_assert_eq!(&dw, &g, "to the bit");
            prop_assert_eq!(&mixture.backward(&g, None), &found);
        }
        for (k, branch) in branches.iter().enumerate() {
            let inner: f64 = (0..w.len()).map(|index| f64::from(g[index]) * at(k, index)[0]).sum();
            prop_assert!((found.attention[k] - inner).abs() < 1e-4 * (1.0 + inner.abs()));
            let count = w.len() / branch.levels().len();
            for (share, learnt) in found.learnt[k].iter().enumerate() {
                let own = share * count..(share + 1) * count;
                let sum: f64 = own.map(|index| f64::from(g[index]) * at(k, index)[2]).sum();
                let levels = &branch.levels()[share];
                let scale = match quantizers[k] {
                    Quantizer::Lsq { bits } => 1.0 / (count as f64 * f64::from((1 << (bits - 1)) - 1)).sqrt(),
                    _ => 1.0,
                };
                let expected = f64::from(shares[k]) * sum * scale;
                prop_assert!((learnt - expected).abs() < 2e-4 * (1.0 + expected.abs()), "{levels:?}: {learnt} {expected}");
            }
        }
    }

    /// Where nothing is rounded to another level.
    #[test]
    fn gradients_of_steps_are_differences(seed in 0_u32..99, bits in 2_u32..6) {
        let (w, g) = (values(40, seed), values(40, seed + 1));
        let loss = |levels: Levels| -> f64 {
            let q = quantize(&w, 1, Branch::new(vec![levels]));
            q.iter().zip(&g).map(|(q, g)| f64::from(*q) * f64::from(*g)).sum()
        };
        // Within the range the gradient is an estimate; with a range so small that all weights are beyond it, it is
        // exact: ∂q/∂s = −Q_N or Q_P.
        let (small, h) = (1e-4_f32, 2e-5_f32);
        let is_beyond = |w: &f32| w.abs() > 100.0 * small;
        prop_assume!(w.iter().all(is_beyond));
        let scale = 1.0 / (40.0 * f64::from((1 << (bits - 1)) - 1)).sqrt();
        let branches = [Branch::new(vec![Levels::lsq(small, bits)])];
        let found = Mixture::new(&w, 1, &branches, &[1.0]).backward(&g, Some(&mut [0.0; 40]));
        let [above, below] = [small + h, small - h].map(|step| loss(Levels::lsq(step, bits)));
        let slope = (above - below) / f64::from(2.0 * h);
        prop_assert!((found.learnt[0][0] - scale * slope).abs() < 1e-2 * (1.0 + slope.abs()));
    }
}

/// K inner products are the slopes of the loss in the attention, which is smooth.
#[test]
fn inner_products_are_slopes_in_the_attention() {
    let (w, g) = (normal(5000, 1), values(5000, 2));
    let weights = Weights::new(&w, 1).unwrap();
    let branch = |bits| weights.branch(Quantizer::MinMax { bits }, Per::Tensor, Zero::Paper, &[]);
    let branches = [branch(2), branch(4), branch(8)];
    let loss = |shares: [f32; 3]| -> f64 {
        let mut q = vec![0.0; w.len()];
        Mixture::new(&w, 1, &branches, &shares).forward(&mut q);
        q.iter().zip(&g).map(|(q, g)| f64::from(*q) * f64::from(*g)).sum()
    };
    let shares = [0.5, 0.3, 0.2];
    let found = Mixture::new(&w, 1, &branches, &shares).backward(&g, None);
    for k in 0..3 {
        let (mut above, mut below) = (shares, shares);
        above[k] += 0.05;
        below[k] -= 0.05;
        let slope = (loss(above) - loss(below)) / 0.1;
        assert!((found.attention[k] - slope).abs() < 1e-3 * (1.0 + slope.abs()), "{k}: {slope}");
    }
}

#[test]
fn one_share_alone_is_its_quantizer_to_the_bit() {
    let w = normal(20_000, 4);
    let weights = Weights::new(&w, 1).unwrap();
    let branch = |bits| weights.branch(Quantizer::MinMax { bits }, Per::Tensor, Zero::Paper, &[]);
    let branches = [branch(2), branch(4), branch(8)];
    let alone = quantize(&w, 1, branches[1].clone());
    let mut q = vec![0.0; w.len()];
    Mixture::new(&w, 1, &branches, &[0.0, 1.0, 0.0]).forward(&mut q);
    assert!(q == alone);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (w, g) = (normal(64 * 700, 5), values(64 * 700, 6));
    let run = |threads: usize, per: Per| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let weights = Weights::new(&w, 64).unwrap();
            let branches = ["min_max:2", "lsq:4", "sawb:8"].map(|name| {
                let quantizer: Quantizer = name.parse().unwrap();
                weights.branch(quantizer, per, Zero::Paper, &weights.start(quantizer, per))
            });
            let mixture = Mixture::new(&w, 64, &branches, &[0.5, 0.3, 0.2]);
            let (mut q, mut dw) = (vec![0.0; w.len()], vec![0.0; w.len()]);
            mixture.forward(&mut q);
            let found = mixture.backward(&g, Some(&mut dw));
            (q, dw, found)
        })
    };
    for per in [Per::Tensor, Per::Channel] {
        let one = run(1, per);
        assert!([2, 3, 5].into_iter().all(|threads| run(threads, per) == one));
    }
}
