use super::*;
use crate::testing::{assert_close, values};
use proptest::prelude::*;

/// Two bits from −0.5 to 1 with zero as a level, a clip of 0.7 and a step of 0.3, both learnt, and nothing.
fn quantizers() -> [FakeQuantizer; 4] {
    let clip = Grid { offset: 0.0, step: 0.7 / 7.0, top: 7 };
    let steps = Grid { offset: -2.0 * 0.3, step: 0.3, top: 3 };
    [
        FakeQuantizer::fixed(Grid { offset: -0.5, step: 0.5, top: 3 }, [-0.5, 1.0]),
        FakeQuantizer { grid: Some(clip), low: 0.0, high: 0.7, slopes: [0.0, 0.0, 1.0] },
        FakeQuantizer { grid: Some(steps), low: -0.6, high: 0.3, slopes: [-0.4, 0.2, 0.2] },
        FakeQuantizer::IDENTITY,
    ]
}

fn level(quantizer: &FakeQuantizer, x: f32) -> f64 {
    quantizer.grid.map_or(x, |grid| grid.nearest(x)).into()
}

fn slope(quantizer: &FakeQuantizer, x: f32) -> f64 {
    let Some(grid) = quantizer.grid else { return 0.0 };
    let [below, inside, above] = quantizer.slopes.map(f64::from);
    if x < quantizer.low {
        below
    } else if x < quantizer.high {
        let place = f64::from((x - grid.offset) / grid.step);
        inside * (f64::from(grid.code(x)) - place)
    } else {
        above
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]

    /// In rows with gaps and without, for every number of quantizers.
    #[test]
    fn mixtures_and_their_gradients_are_those_of_single_values(
        images in 1_usize..4, pixels in 1_usize..20, channels in 1_usize..40, count in 1_usize..5,
        gap in 0_usize..2,
    ) {
        let quantizers = &quantizers()[..count];
        let (rows, stride) = (images * pixels, channels + gap);
        let length = rows * stride;
        let (x, dy, old) = (values(length, 1), values(length, 2), values(length, 3));
        let attention = values(images * count, 4);
        let of = |data: &[f32], i: usize| data[i / channels * stride + i % channels];
        let image = |i: usize| i / channels / pixels;
        let all = || 0..rows * channels;
        let strided = |data| Rows::strided(data, rows, channels, stride);
        let (x_rows, weights) = (strided(&x), Rows::dense(&attention, count));

        let mut y = old.clone();
        let to = RowsMut::strided(&mut y, rows, channels, stride);
        let bounds = fake_quantize(x_rows, quantizers, Some(weights), to);
        let weight = |i: usize, k: usize| f64::from(attention[image(i) * count + k]);
        let mixture = |i: usize| -> f64 {
            let of_one = |(k, q): (usize, &FakeQuantizer)| weight(i, k) * level(q, of(&x, i));
            quantizers.iter().enumerate().map(of_one).sum()
        };
        let seen: Vec<f32> = all().map(|i| of(&y, i)).collect();
        assert_close(&seen, &all().map(mixture).collect::<Vec<_>>());
        let extreme = |f: fn(f32, f32) -> f32| all().map(|i| of(&x, i)).fold(0.0, f);
        prop_assert_eq!(bounds, [extreme(f32::min), extreme(f32::max)]);

        let mut dx = old.clone();
        let to = RowsMut::strided(&mut dx, rows, channels, stride);
        let found = fake_quantize_gradient(
            x_rows, strided(&dy), quantizers, Some(weights), Some((to, Write::Add)),
        );
        let passed = |i: usize| -> f64 {
            let inside = |q: &FakeQuantizer| f64::from(q.low <= of(&x, i) && of(&x, i) < q.high);
            let of_one = |(k, q): (usize, &FakeQuantizer)| weight(i, k) * inside(q);
            let sum: f64 = quantizers.iter().enumerate().map(of_one).sum();
            f64::from(of(&old, i)) + f64::from(of(&dy, i)) * sum
        };
        let seen: Vec<f32> = all().map(|i| of(&dx, i)).collect();
        assert_close(&seen, &all().map(passed).collect::<Vec<_>>());

        let (mut products, mut scales) = (vec![0.0; images * count], vec![0.0; count]);
        for i in all() {
            for (k, quantizer) in quantizers.iter().enumerate() {
                let dy = f64::from(of(&dy, i));
                products[image(i) * count + k] += dy * level(quantizer, of(&x, i));
                scales[k] += weight(i, k) * dy * slope(quantizer, of(&x, i));
            }
        }
        assert_close(&found.attention, &products);
        assert_close(&found.scales, &scales);
        let without = fake_quantize_gradient(x_rows, strided(&dy), quantizers, Some(weights), None);
        prop_assert_eq!(without, found);
    }

    /// So that integers can stand for the levels.
    #[test]
    fn one_quantizer_gives_the_levels_of_its_grid_to_the_bit(
        x in prop::collection::vec(-3.0_f32..3.0, 1..70),
        low in -2.0_f32..=0.0, high in 0.01_f32..2.0, bits in 1_u32..9,
    ) {
        let top = (1 << bits) - 1;
        let step = (high - low) / top as f32;
        let zero = (-low / step).round_ties_even();
        let grid = Grid { offset: -(zero * step), step, top };
        let mut y = vec![9.0; x.len()];
        let quantizer = FakeQuantizer::fixed(grid, [low, high]);
        fake_quantize(Rows::dense(&x, 1), &[quantizer], None, RowsMut::dense(&mut y, 1));
        let expected: Vec<f32> = x.iter().map(|x| grid.nearest(*x)).collect();
        prop_assert_eq!(y, expected);
        prop_assert_eq!(grid.nearest(0.0), 0.0);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (images, pixels, channels) = (3, 900, 17);
    let length = images * pixels * channels;
    let (x, dy, attention) = (values(length, 1), values(length, 2), values(images * 3, 3));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let quantizers = &quantizers()[..3];
            let weights = Some(Rows::dense(&attention, 3));
            let (x, dy) = (Rows::dense(&x, channels), Rows::dense(&dy, channels));
            let (mut y, mut dx) = (vec![0.0; length], vec![0.0; length]);
            fake_quantize(x, quantizers, weights, RowsMut::dense(&mut y, channels));
            let to = Some((RowsMut::dense(&mut dx, channels), Write::Replace));
            let found = fake_quantize_gradient(x, dy, quantizers, weights, to);
            (y, dx, found)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_nan_stays_one() {
    let mut y = [0.0; 2];
    let x = [f32::NAN, 0.3];
    fake_quantize(Rows::dense(&x, 1), &quantizers()[..1], None, RowsMut::dense(&mut y, 1));
    assert!(y[0].is_nan());
    assert_eq!(y[1], 0.5);
}

#[test]
#[should_panic(expected = "several quantizers without attention")]
fn several_quantizers_need_attention() {
    let mut y = [0.0; 2];
    fake_quantize(Rows::dense(&[0.0; 2], 1), &quantizers()[..2], None, RowsMut::dense(&mut y, 1));
}
