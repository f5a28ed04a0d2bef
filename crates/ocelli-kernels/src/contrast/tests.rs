use super::*;
use crate::testing::{assert_close, values};
use crate::unit::{unit, unit_gradient};
use ocelli_testkit::{SafeTensors, reference_data};
use proptest::prelude::*;

/// Sizes that leave the last tile ragged, one that is a single row, and the usual one.
const TILES: [Tile; 4] = [
    Tile { queries: 1, keys: 1 },
    Tile { queries: 7, keys: 5 },
    Tile { queries: 12, keys: 64 },
    TILE,
];

/// `count` rows of length 1.
fn unit_rows(count: usize, channels: usize, seed: u32) -> Vec<f32> {
    let (x, mut y) = (values(count * channels, seed), vec![0.0; count * channels]);
    unit(Rows::dense(&x, channels), 1e-12, RowsMut::dense(&mut y, channels));
    y
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The mean over the queries of −ln softmax at their partners, from the whole matrix.
fn mean_loss(queries: &[f64], keys: &[f64], channels: usize, partner: Partner, scale: f64) -> f64 {
    let losses = queries.chunks(channels).enumerate().map(|(i, query)| {
        let score = |key: &[f64]| scale * query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>();
        let scores: Vec<f64> = keys.chunks(channels).map(score).collect();
        let compared = || (0..scores.len()).filter(|j| partner.excluded(i) != Some(*j));
        let most = compared().map(|j| scores[j]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = compared().map(|j| (scores[j] - most).exp()).sum();
        most + sum.ln() - scores[partner.key(i)]
    });
    losses.sum::<f64>() / (queries.len() / channels) as f64
}

fn direct_nt_xent(z: &[f64], channels: usize, scale: f64) -> f64 {
    mean_loss(z, z, channels, Partner::Neighbour, scale)
}

fn direct_two_towers([u, v]: [&[f64]; 2], channels: usize, scale: f64) -> f64 {
    let mean = |a, b| mean_loss(a, b, channels, Partner::SameRow, scale);
    f64::midpoint(mean(u, v), mean(v, u))
}

/// The derivative of a function of many elements by each.
fn differences(at: &[f64], function: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let h = 1e-6;
    let slope = |index: usize| {
        let moved = |h: f64| {
            let mut at = at.to_vec();
            at[index] += h;
            function(&at)
        };
        (moved(h) - moved(-h)) / (2.0 * h)
    };
    (0..at.len()).map(slope).collect()
}

fn log_scale_difference(scale: f64, function: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-6;
    (function(scale * f64::exp(h)) - function(scale * f64::exp(-h))) / (2.0 * h)
}

/// Fails unless gradients agree to five digits of the largest.
#[track_caller]
fn assert_gradients(actual: &[f32], expected: &[f64]) {
    let largest = expected.iter().fold(1e-30_f64, |largest, value| largest.max(value.abs()));
    let actual: Vec<f32> =
        actual.iter().map(|value| (f64::from(*value) / largest) as f32).collect();
    assert_close(&actual, &expected.iter().map(|value| value / largest).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(48))]

    #[test]
    fn nt_xent_equals_the_formula_and_its_gradients_its_differences(
        images in 1_usize..14,
        channels in 2_usize..20,
        tile in prop::sample::select(TILES.to_vec()),
        scale in prop::sample::select(vec![1.0, 2.0, 10.0]),
    ) {
        let z = unit_rows(2 * images, channels, 3);
        let mut dz = vec![9.0; z.len()];
        let to = RowsMut::dense(&mut dz, channels);
        let found = nt_xent_in(tile, Rows::dense(&z, channels), &[], scale, to);
        let z = wide(&z);
        assert_close(&[found.loss as f32], &[direct_nt_xent(&z, channels, scale)]);
        let slope = log_scale_difference(scale, |scale| direct_nt_xent(&z, channels, scale));
        assert_close(&[found.log_scale_gradient as f32], &[slope]);
        assert_close(&dz, &differences(&z, |z| direct_nt_xent(z, channels, scale)));
    }

    /// Rows of one group are left out of each other's sums, views of one image never.
    #[test]
    fn masked_nt_xent_equals_the_formula_and_its_gradients_its_differences(
        clusters in proptest::collection::vec(0_u32..4, 1..14),
        channels in 2_usize..20,
        tile in prop::sample::select(TILES.to_vec()),
        scale in prop::sample::select(vec![1.0, 2.0, 10.0]),
    ) {
        let groups: Vec<u32> = clusters.iter().flat_map(|group| [*group; 2]).collect();
        let z = unit_rows(groups.len(), channels, 3);
        let loss = |z: &[f64], scale: f64| -> f64 {
            let rows: Vec<&[f64]> = z.chunks(channels).collect();
            let score = |i: usize, j: usize| -> f64 {
                scale * rows[i].iter().zip(rows[j]).map(|(a, b)| a * b).sum::<f64>()
            };
            let of_row = |i: usize| {
                let is_compared = |j: &usize| *j == i ^ 1 || groups[*j] != groups[i];
                let compared = (0..rows.len()).filter(is_compared);
                compared.map(|j| score(i, j).exp()).sum::<f64>().ln() - score(i, i ^ 1)
            };
            (0..rows.len()).map(of_row).sum::<f64>() / rows.len() as f64
        };
        let mut dz = vec![9.0; z.len()];
        let to = RowsMut::dense(&mut dz, channels);
        let found = nt_xent_in(tile, Rows::dense(&z, channels), &groups, scale, to);
        let z = wide(&z);
        assert_close(&[found.loss as f32], &[loss(&z, scale)]);
        let slope = log_scale_difference(scale, |scale| loss(&z, scale));
        assert_close(&[found.log_scale_gradient as f32], &[slope]);
        assert_close(&dz, &differences(&z, |z| loss(z, scale)));
    }

    #[test]
    fn two_towers_equal_the_formula_and_their_gradients_its_differences(
        pairs in 1_usize..14,
        channels in 2_usize..20,
        tile in prop::sample::select(TILES.to_vec()),
        scale in prop::sample::select(vec![1.0, 2.0, 14.3]),
    ) {
        let (u, v) = (unit_rows(pairs, channels, 4), unit_rows(pairs, channels, 5));
        let (mut du, mut dv) = (vec![9.0; u.len()], vec![9.0; v.len()]);
        let towers = [&u, &v].map(|values| Rows::dense(values, channels));
        let to = [&mut du, &mut dv].map(|values| RowsMut::dense(values, channels));
        let found = two_towers_in(tile, towers, scale, to);
        let (u, v) = (wide(&u), wide(&v));
        assert_close(&[found.loss as f32], &[direct_two_towers([&u, &v], channels, scale)]);
        let by_scale = |scale| direct_two_towers([&u, &v], channels, scale);
        assert_close(&[found.log_scale_gradient as f32], &[log_scale_difference(scale, by_scale)]);
        assert_close(&du, &differences(&u, |u| direct_two_towers([u, &v], channels, scale)));
        assert_close(&dv, &differences(&v, |v| direct_two_towers([&u, v], channels, scale)));
    }
}

/// The reference takes the gradient of rows before they are brought to length 1.
#[test]
fn nt_xent_equals_pytorchs() {
    let path = "parity/nt_xent_pairs_adjacent_f64.safetensors";
    let Some(path) = reference_data(path) else { return };
    let file = SafeTensors::read(&path);
    let (x, channels) = (file.values("z"), file.shape("z")[1]);
    let mut z = vec![0.0; x.len()];
    unit(Rows::dense(&x, channels), 1e-12, RowsMut::dense(&mut z, channels));
    let (mut dz, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let scale = 1.0 / f64::from(file.values("temperature")[0]);
    let found = nt_xent(Rows::dense(&z, channels), scale, RowsMut::dense(&mut dz, channels));
    let (x, dz) = (Rows::dense(&x, channels), Rows::dense(&dz, channels));
    unit_gradient(x, dz, 1e-12, RowsMut::dense(&mut dx, channels), Write::Replace);
    let error = (found.loss - f64::from(file.values("loss")[0])).abs();
    assert!(error < 2e-6, "the loss differs by {error}");
    assert_gradients(&dx, &wide(&file.values("grad")));
}

/// At a temperature of 0.01, exponentials of scores without their maximum taken off would be e¹⁰⁰.
#[test]
fn a_small_temperature_overflows_nothing() {
    const CHANNELS: usize = 24;
    let mut z = unit_rows(600, CHANNELS, 6);
    // Rows that equal their partner and others that are opposite to it.
    z.copy_within(0..CHANNELS, CHANNELS);
    let opposite: Vec<f32> = z[2 * CHANNELS..3 * CHANNELS].iter().map(|value| -value).collect();
    z[3 * CHANNELS..4 * CHANNELS].copy_from_slice(&opposite);
    for scale in [100.0, 1e3, 1e4] {
        let mut dz = vec![9.0; z.len()];
        let to = RowsMut::dense(&mut dz, CHANNELS);
        let found = nt_xent(Rows::dense(&z, CHANNELS), scale, to);
        let expected = direct_nt_xent(&wide(&z), CHANNELS, scale);
        assert!((found.loss / expected - 1.0).abs() < 1e-5, "{} is not {expected}", found.loss);
        assert!(dz.iter().all(|value| value.is_finite()));
        assert!(dz.iter().any(|value| value.abs() > 1e-3));
    }
}

/// ln(2B − 1), published as the start of every run; no direction is better than another.
#[test]
fn equal_rows_lose_the_logarithm_of_their_number() {
    let z: Vec<f32> = [0.6, 0.8].repeat(128);
    let mut dz = vec![9.0; z.len()];
    let found = nt_xent(Rows::dense(&z, 2), 10.0, RowsMut::dense(&mut dz, 2));
    assert!((found.loss - 127.0_f64.ln()).abs() < 1e-6, "{}", found.loss);
    assert!(found.log_scale_gradient.abs() < 1e-5, "{}", found.log_scale_gradient);
}

#[test]
fn a_single_pair_loses_nothing() {
    let (u, mut du, mut dv) = ([0.6, 0.8], [9.0; 2], [9.0; 2]);
    let towers = [Rows::dense(&u, 2), Rows::dense(&[0.0, 1.0], 2)];
    let to = [RowsMut::dense(&mut du, 2), RowsMut::dense(&mut dv, 2)];
    let found = two_towers(towers, 14.3, to);
    assert!(found.loss.abs() < 1e-6 && found.log_scale_gradient.abs() < 1e-6, "{found:?}");
    assert!(du.iter().chain(&dv).all(|value| value.abs() < 1e-5), "{du:?} {dv:?}");
}

#[test]
fn what_is_no_number_is_not_lost() {
    let mut z = unit_rows(40, 4, 7);
    z[13] = f32::NAN;
    let mut dz = vec![0.0; z.len()];
    let found = nt_xent(Rows::dense(&z, 4), 10.0, RowsMut::dense(&mut dz, 4));
    assert!(found.loss.is_nan() && dz.iter().any(|value| value.is_nan()));
}

/// Two processes that have a part of the rows each, and the log-sums of all from each other.
#[test]
fn parts_of_the_rows_come_to_the_same_as_all() {
    const CHANNELS: usize = 16;
    let z = unit_rows(150, CHANNELS, 8);
    let all = Rows::dense(&z, CHANNELS);
    let mut expected = vec![0.0; z.len()];
    let whole = nt_xent(all, 10.0, RowsMut::dense(&mut expected, CHANNELS));
    let parts = [(0, 48), (48, 102)].map(|(first_query, count)| {
        let queries = all.range(first_query, count);
        Contrast {
            queries,
            first_query,
            keys: all,
            partner: Partner::Neighbour,
            groups: &[],
            scale: 10.0,
        }
    });
    let found = parts.map(|part| part.forward());
    let log_sums: Vec<f32> = found.iter().flat_map(|part| part.log_sums.clone()).collect();
    let loss: f64 = found.iter().map(|part| part.loss).sum();
    assert!((loss / 150.0 - whole.loss).abs() < 1e-12);
    let mut gradient = vec![0.0; z.len()];
    let (first, second) = gradient.split_at_mut(48 * CHANNELS);
    for ((part, found), to) in parts.iter().zip(&found).zip([first, second]) {
        let to = RowsMut::dense(to, CHANNELS);
        part.gradient(&found.log_sums, &log_sums, 1.0 / 150.0, to, Write::Replace);
    }
    assert_eq!(gradient, expected, "blocks begin at the same rows");
}

#[test]
fn a_gradient_is_added_where_asked() {
    let z = unit_rows(20, 5, 9);
    let rows = Rows::dense(&z, 5);
    let partner = Partner::Neighbour;
    let contrast =
        Contrast { queries: rows, first_query: 0, keys: rows, partner, groups: &[], scale: 5.0 };
    let sums = contrast.forward().log_sums;
    let gradient = |write| {
        let mut to = vec![1.0; z.len()];
        contrast.gradient(&sums, &sums, 0.05, RowsMut::dense(&mut to, 5), write);
        to
    };
    let (replaced, added) = (gradient(Write::Replace), gradient(Write::Add));
    assert!(replaced.iter().zip(added).all(|(new, sum)| (new + 1.0 - sum).abs() < 1e-6));
}

#[test]
fn results_are_equal_to_the_bit_on_any_number_of_threads() {
    const CHANNELS: usize = 33;
    let (u, v) = (unit_rows(700, CHANNELS, 10), unit_rows(700, CHANNELS, 11));
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut du, mut dv, mut dz) = (u.clone(), v.clone(), u.clone());
        let losses = pool.install(|| {
            let towers = [&u, &v].map(|values| Rows::dense(values, CHANNELS));
            let to = [&mut du, &mut dv].map(|values| RowsMut::dense(values, CHANNELS));
            let views = nt_xent(towers[0], 10.0, RowsMut::dense(&mut dz, CHANNELS));
            [two_towers(towers, 10.0, to), views]
        });
        (losses.map(|l| (l.loss.to_bits(), l.log_scale_gradient.to_bits())), du, dv, dz)
    };
    let one = with_threads(1);
    for threads in [2, 3, 7] {
        assert!(with_threads(threads) == one, "{threads} threads");
    }
}

#[test]
#[should_panic(expected = "5 rows do not stand in pairs")]
fn an_odd_number_of_views_is_refused() {
    nt_xent(Rows::dense(&[1.0; 5], 1), 1.0, RowsMut::dense(&mut [0.0; 5], 1));
}

#[test]
#[should_panic(expected = "3 queries from 2 on of 4")]
fn queries_beyond_the_keys_are_refused() {
    let rows = [1.0; 4];
    let (queries, keys) = (Rows::dense(&rows[..3], 1), Rows::dense(&rows, 1));
    let contrast = Contrast {
        queries,
        first_query: 2,
        keys,
        partner: Partner::SameRow,
        groups: &[],
        scale: 1.0,
    };
    contrast.forward();
}
