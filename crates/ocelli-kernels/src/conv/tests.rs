use super::*;
use crate::geometry::{Axis, Window};
use crate::testing::{any_geometry, assert_close, values};
use proptest::prelude::*;

/// The sums of the module's header, one product at a time: output, data and weight gradient.
fn naive(conv: Conv, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f64>; 3] {
    let g = conv.geometry;
    let (inputs, outputs) = (conv.in_channels, conv.out_channels);
    let mut y = vec![0.0; g.output_pixels() * outputs];
    let mut dx = vec![0.0; x.len()];
    let mut dw = vec![0.0; w.len()];
    crate::testing::for_each_tap(g, |target, source, tap| {
        for o in 0..outputs {
            for i in 0..inputs {
                let at_w = (o * inputs + i) * g.taps() + tap;
                let (at_x, at_y) = (source * inputs + i, target * outputs + o);
                y[at_y] += f64::from(w[at_w]) * f64::from(x[at_x]);
                dx[at_x] += f64::from(w[at_w]) * f64::from(dy[at_y]);
                dw[at_w] += f64::from(dy[at_y]) * f64::from(x[at_x]);
            }
        }
    });
    [y, dx, dw]
}

/// Compares forward, with and without bias, inference and both gradients with the sums of the module's header.
#[track_caller]
fn check_all_passes(conv: Conv) {
    let Conv { geometry, in_channels, out_channels } = conv;
    let x = values(geometry.input_pixels() * in_channels, 1);
    let w = values(out_channels * conv.depth(), 2);
    let dy = values(geometry.output_pixels() * out_channels, 3);
    let [y_expected, dx_expected, dw_expected] = naive(conv, &x, &w, &dy);
    let (x_rows, dy_rows) = (Rows::dense(&x, in_channels), Rows::dense(&dy, out_channels));

    let mut y = vec![9.0; dy.len()];
    conv.forward(x_rows, &w, None, RowsMut::dense(&mut y, out_channels), None);
    assert_close(&y, &y_expected);

    let bias = values(out_channels, 4);
    conv.forward(x_rows, &w, Some(&bias), RowsMut::dense(&mut y, out_channels), None);
    let shifted: Vec<f64> = (y_expected.iter().enumerate())
        .map(|(i, y)| y + f64::from(bias[i % out_channels]))
        .collect();
    assert_close(&y, &shifted);

    let mut statistics = Statistics::default();
    conv.forward(
        x_rows,
        &w,
        Some(&bias),
        RowsMut::dense(&mut y, out_channels),
        Some(&mut statistics),
    );
    assert_close(&statistics.mean, &means(&y, out_channels));

    let finish = Finish {
        bias: Some(&bias),
        residual: Some(dy_rows),
        activation: Some(crate::Activation::Relu),
    };
    let finished: Vec<f64> =
        shifted.iter().zip(&dy).map(|(y, residual)| (y + f64::from(*residual)).max(0.0)).collect();
    let packed = conv.pack(&w);
    conv.infer(x_rows, &packed, &finish, RowsMut::dense(&mut y, out_channels));
    assert_close(&y, &finished);
    let alone = Geometry { batch: 1, ..geometry };
    let mut of_image = vec![9.0; alone.output_pixels() * out_channels];
    let x_of_image = x_rows.range(0, alone.input_pixels());
    let first = Finish { residual: Some(dy_rows.range(0, alone.output_pixels())), ..finish };
    let to = RowsMut::dense(&mut of_image, out_channels);
    Conv { geometry: alone, ..conv }.infer(x_of_image, &packed, &first, to);
    assert_eq!(of_image, y[..of_image.len()], "an image alone and in its batch");

    let mut dx = values(x.len(), 5);
    let added: Vec<f64> =
        dx_expected.iter().zip(&dx).map(|(new, old)| new + f64::from(*old)).collect();
    conv.data_gradient(dy_rows, &w, RowsMut::dense(&mut dx, in_channels), Write::Add);
    assert_close(&dx, &added);
    conv.data_gradient(dy_rows, &w, RowsMut::dense(&mut dx, in_channels), Write::Replace);
    assert_close(&dx, &dx_expected);

    let mut dw = vec![9.0; w.len()];
    conv.weight_gradient(x_rows, dy_rows, &mut dw);
    assert_close(&dw, &dw_expected);
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(64))]
    #[test]
    fn all_three_passes_equal_the_naive_sums(
        geometry in any_geometry(), in_channels in 1_usize..20, out_channels in 1_usize..100,
    ) {
        check_all_passes(Conv { geometry, in_channels, out_channels });
    }
}

/// A window of 3 or 5 taps without steps, on up to `longest` pixels, with any padding before and after, which
/// may be less than none.
fn any_sliding_axis(kernel: usize, longest: usize) -> impl Strategy<Value = Axis> {
    (1..=longest, 0_usize..8, 1..longest + 5).prop_map(move |(input, before, output)| {
        let window = Window { kernel, stride: 1, dilation: 1, before };
        Axis { window, input, output }
    })
}

/// A convolution that is computed in tiles.
fn any_tiled_conv() -> impl Strategy<Value = Conv> {
    let axes = prop::sample::select(vec![3, 5])
        .prop_flat_map(|kernel| (any_sliding_axis(kernel, 14), any_sliding_axis(kernel, 19)));
    (1_usize..4, axes, 24_usize..70, 24_usize..70).prop_filter_map(
        "fewer products",
        |(batch, (rows, columns), in_channels, out_channels)| {
            let geometry = Geometry { batch, rows, columns };
            let conv = Conv { geometry, in_channels, out_channels };
            Winograd::new(conv).map(|_| conv)
        },
    )
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(48))]
    #[test]
    fn tiles_give_the_sums_of_plain_products(conv in any_tiled_conv()) {
        check_all_passes(conv);
    }
}

/// A window of `kernel` × `kernel` taps on square images of `size` pixels, which keeps their size.
fn square(batch: usize, size: usize, kernel: usize) -> Geometry {
    let window = Window { kernel, stride: 1, dilation: 1, before: kernel / 2 };
    let axis = Axis { window, input: size, output: size };
    Geometry { batch, rows: axis, columns: axis }
}

#[test]
fn rows_that_are_part_of_wider_ones_are_read_and_written_in_tiles() {
    let conv = Conv { geometry: square(3, 15, 3), in_channels: 40, out_channels: 33 };
    assert!(Winograd::for_gradient(conv).is_some());
    let pixels = conv.geometry.input_pixels();
    let (x, w, dy) = (values(pixels * 40, 1), values(33 * 360, 2), values(pixels * 33, 3));
    let [y_expected, dx_expected, dw_expected] = naive(conv, &x, &w, &dy);
    let wide = |values: &[f32], channels: usize| -> Vec<f32> {
        let row = |row: &[f32]| [row, &[7.0; 5][..]].concat();
        values.chunks_exact(channels).flat_map(row).collect()
    };
    let narrow = |wide: &[f32], channels: usize| -> Vec<f32> {
        assert!(wide.chunks_exact(channels + 5).all(|row| row[channels..] == [7.0; 5]));
        wide.chunks_exact(channels + 5).flat_map(|row| row[..channels].to_vec()).collect()
    };
    let (wide_x, wide_dy) = (wide(&x, 40), wide(&dy, 33));
    let (mut y, mut dx) = (wide(&dy, 33), wide(&x, 40));
    let x_rows = Rows::strided(&wide_x, pixels, 40, 45);
    let dy_rows = Rows::strided(&wide_dy, pixels, 33, 38);
    conv.forward(x_rows, &w, None, RowsMut::strided(&mut y, pixels, 33, 38), None);
    assert_close(&narrow(&y, 33), &y_expected);
    let to = RowsMut::strided(&mut dx, pixels, 40, 45);
    conv.data_gradient(dy_rows, &w, to, Write::Replace);
    assert_close(&narrow(&dx, 40), &dx_expected);
    let mut dw = vec![9.0; w.len()];
    conv.weight_gradient(x_rows, dy_rows, &mut dw);
    assert_close(&dw, &dw_expected);
}

#[test]
fn a_weight_packed_for_an_image_serves_batches_of_any_size_and_none() {
    let conv = Conv { geometry: square(1, 8, 3), in_channels: 64, out_channels: 64 };
    let packed = conv.pack(&values(64 * 576, 1));
    let none = Conv { geometry: Geometry { batch: 0, ..conv.geometry }, ..conv };
    none.infer(Rows::dense(&[], 64), &packed, &Finish::default(), RowsMut::dense(&mut [], 64));
    let large = Axis { output: 1 << 28, ..conv.geometry.rows };
    let large = Geometry { rows: large, columns: large, ..conv.geometry };
    Conv { geometry: large, in_channels: 32, out_channels: 32 }.pack(&values(32 * 288, 1));
}

#[test]
fn a_line_under_a_stride_meets_some_taps_alone() {
    let rows = Window { kernel: 9, stride: 2, dilation: 1, before: 4 };
    let columns = Window { kernel: 5, stride: 1, dilation: 1, before: 2 };
    let rows = Axis { window: rows, input: 1, output: 1 };
    let columns = Axis { window: columns, input: 24, output: 24 };
    let geometry = Geometry { batch: 1, rows, columns };
    check_all_passes(Conv { geometry, in_channels: 256, out_channels: 256 });
}

#[test]
fn rounding_errors_of_tiles_are_a_few_units_in_the_last_place() {
    for kernel in [3, 5] {
        let conv = Conv { geometry: square(1, 16, kernel), in_channels: 64, out_channels: 64 };
        assert!(Winograd::for_gradient(conv).is_some());
        let (x, w) = (values(64 * 256, 1), values(64 * conv.depth(), 2));
        let (dy, mut y, mut dw) = (values(64 * 256, 3), vec![9.0; 64 * 256], w.clone());
        let [y_expected, dx_expected, dw_expected] = naive(conv, &x, &w, &dy);
        let check = |name: &str, actual: &[f32], expected: &[f64]| {
            let rms = |elements: &mut dyn Iterator<Item = f64>| {
                elements.map(|number| number * number).sum::<f64>().sqrt()
            };
            let error = rms(&mut actual.iter().zip(expected).map(|(a, b)| f64::from(*a) - b));
            let error = error / rms(&mut expected.iter().copied());
            assert!(error < 1.5e-6, "{name}, {kernel} taps: {error:e}");
        };
        let (x_rows, dy_rows) = (Rows::dense(&x, 64), Rows::dense(&dy, 64));
        conv.forward(x_rows, &w, None, RowsMut::dense(&mut y, 64), None);
        check("output", &y, &y_expected);
        conv.data_gradient(dy_rows, &w, RowsMut::dense(&mut y, 64), Write::Replace);
        check("data gradient", &y, &dx_expected);
        conv.weight_gradient(x_rows, dy_rows, &mut dw);
        check("weight gradient", &dw, &dw_expected);
    }
}

#[test]
fn kernels_that_no_cache_holds_are_read_once_for_many_tiles() {
    for (kernel, size, inputs, outputs) in [(3, 7, 200, 130), (3, 8, 130, 200), (5, 6, 160, 150)] {
        let geometry = square(7, size, kernel);
        check_all_passes(Conv { geometry, in_channels: inputs, out_channels: outputs });
    }
}

#[test]
fn a_weight_gradient_over_many_pixels_is_summed_over_all_segments() {
    let conv = Conv::linear(10_000, 3, 2);
    let (x, dy) = (values(30_000, 1), values(20_000, 2));
    let [_, _, expected] = naive(conv, &x, &[0.0; 6], &dy);
    let mut dw = [0.0; 6];
    conv.weight_gradient(Rows::dense(&x, 3), Rows::dense(&dy, 2), &mut dw);
    assert_close(&dw, &expected);
}

#[test]
fn blocks_of_padding_alone_add_nothing_to_a_weight_gradient() {
    let plain = Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let rows = Axis { window: plain, input: 9, output: 12 };
    let columns = Axis { window: Window { stride: 3, ..plain }, input: 25, output: 9 };
    let geometry = Geometry { batch: 1, rows, columns };
    let conv = Conv { geometry, in_channels: 1, out_channels: 1 };
    let (x, dy) = (values(9 * 25, 1), values(12 * 9, 2));
    let [_, _, expected] = naive(conv, &x, &[0.0], &dy);
    let mut dw = [9.0];
    conv.weight_gradient(Rows::dense(&x, 1), Rows::dense(&dy, 1), &mut dw);
    assert_close(&dw, &expected);
}

#[test]
fn a_large_weight_is_shared_out_by_channels() {
    let conv = Conv::linear(70, 600, 450);
    assert!(conv.shares_out_channels());
    let (x, w, bias) = (values(42_000, 1), values(270_000, 2), values(450, 3));
    let [expected, ..] = naive(conv, &x, &w, &vec![0.0; 31_500]);
    let shifted = expected.iter().enumerate().map(|(i, y)| y + f64::from(bias[i % 450]));
    let mut y = vec![9.0; 31_500];
    let mut statistics = Statistics::default();
    let to = RowsMut::dense(&mut y, 450);
    conv.forward(Rows::dense(&x, 600), &w, Some(&bias), to, Some(&mut statistics));
    assert_close(&y, &shifted.collect::<Vec<_>>());
    assert_close(&statistics.mean, &means(&y, 450));
}

fn means(y: &[f32], channels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for row in y.chunks_exact(channels) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().map(|sum| sum / (y.len() / channels) as f64).collect()
}

/// A layer with a window of the given height and width and stride 1 on images of 4 × 4 pixels.
fn window_of(height: usize, width: usize, in_channels: usize) -> Conv {
    let axis = |kernel| {
        let window = Window { kernel, stride: 1, dilation: 1, before: 0 };
        Axis { window, input: 4, output: 5 - kernel }
    };
    let geometry = Geometry { batch: 1, rows: axis(height), columns: axis(width) };
    Conv { geometry, in_channels, out_channels: 3 }
}

#[test]
#[should_panic(expected = "layer of a packed weight")]
fn a_weight_of_another_window_is_refused() {
    let (packed, layer) = (window_of(1, 2, 2).pack(&[0.0; 12]), window_of(2, 1, 2));
    let (x, mut y) = ([1.0; 32], [0.0; 36]);
    let to = RowsMut::dense(&mut y, 3);
    layer.infer(Rows::dense(&x, 2), &packed, &Finish::default(), to);
}

#[test]
#[should_panic(expected = "layer of a packed weight")]
fn patches_refuse_a_weight_of_another_number_of_channels() {
    let (packed, layer) = (window_of(2, 2, 1).pack(&[0.0; 12]), window_of(1, 1, 4));
    let (x, mut y) = ([1.0; 4], [0.0; 3]);
    let patches = crate::Patches::new(layer.geometry, 4, &[[1, 1]], &x);
    layer.infer_patches(&patches, &packed, &Finish::default(), RowsMut::dense(&mut y, 3));
}

#[test]
#[should_panic(expected = "packed for whole images alone")]
fn patches_refuse_a_weight_for_whole_images() {
    let geometry = square(1, 8, 3);
    let layer = Conv { geometry, in_channels: 64, out_channels: 64 };
    let (packed, x, mut y) = (layer.pack(&vec![0.0; 9 * 64 * 64]), vec![1.0; 9 * 64], [0.0; 64]);
    let patches = crate::Patches::new(geometry, 64, &[[1, 1]], &x);
    layer.infer_patches(&patches, &packed, &Finish::default(), RowsMut::dense(&mut y, 64));
}

#[test]
#[should_panic(expected = "sizes of a layer")]
fn windows_that_overflow_are_refused() {
    let axis = |output| {
        let window = Window { kernel: 2, stride: 1 << 40, dilation: 1, before: 0 };
        Axis { window, input: 1, output }
    };
    let geometry = Geometry { batch: 1, rows: axis(2), columns: axis(16) };
    let conv = Conv { geometry, in_channels: 1, out_channels: 1 };
    let mut y = [0.0; 32];
    let to = RowsMut::dense(&mut y, 1);
    conv.forward(Rows::dense(&[1.0], 1), &[1.0; 4], None, to, None);
}

#[test]
#[should_panic(expected = "sizes of a layer")]
fn a_window_without_taps_is_refused() {
    let mut conv = window_of(1, 1, 1);
    conv.geometry.rows.window.kernel = 0;
    conv.pack(&[]);
}

/// All passes of a layer on empty data; what is written is all zeros.
fn run_on_nothing(geometry: Geometry, in_channels: usize, out_channels: usize) {
    let conv = Conv { geometry, in_channels, out_channels };
    let x = vec![1.0; geometry.input_pixels() * in_channels];
    let w = vec![1.0; out_channels * conv.depth()];
    let dy = vec![1.0; geometry.output_pixels() * out_channels];
    let x_rows = Rows::strided(&x, geometry.input_pixels(), in_channels, in_channels);
    let dy_rows = Rows::strided(&dy, geometry.output_pixels(), out_channels, out_channels);
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let mut to = RowsMut::strided(&mut y, dy_rows.count(), out_channels, out_channels);
    let mut statistics = Statistics::default();
    conv.forward(x_rows, &w, None, to.reborrow(), Some(&mut statistics));
    conv.infer(x_rows, &conv.pack(&w), &Finish::default(), to);
    assert_eq!(statistics.mean.len(), out_channels);
    let to = RowsMut::strided(&mut dx, x_rows.count(), in_channels, in_channels);
    conv.data_gradient(dy_rows, &w, to, Write::Replace);
    conv.weight_gradient(x_rows, dy_rows, &mut dw);
    for (name, values) in [("output", y), ("data gradient", dx), ("weight gradient", dw)] {
        assert!(values.iter().all(|value| *value == 0.0), "{name} of {conv:?}: {values:?}");
    }
}

#[test]
fn nothing_comes_from_no_images_no_pixels_and_no_channels() {
    for (kernel, stride, dilation, before, size) in [
        (1, 1, 1, 0, 4),
        (3, 1, 1, 1, 4),
        (3, 1, 1, 1, 20),
        (3, 2, 1, 1, 4),
        (3, 2, 1, 1, 40),
        (2, 2, 2, 0, 6),
        (1, 1, 1, 2, 4),
    ] {
        let window = Window { kernel, stride, dilation, before };
        let full = Axis { window, input: size, output: size.div_ceil(stride) };
        let of = |batch, rows, columns| Geometry { batch, rows, columns };
        run_on_nothing(of(0, full, full), 2, 3);
        for empty in [Axis { output: 0, ..full }, Axis { input: 0, output: 0, ..full }] {
            run_on_nothing(of(2, empty, full), 2, 3);
            run_on_nothing(of(2, full, empty), 2, 3);
            run_on_nothing(of(2, empty, empty), 2, 3);
        }
        run_on_nothing(of(2, full, full), 0, 3);
        run_on_nothing(of(2, full, full), 2, 0);
        // Outputs that see padding alone.
        run_on_nothing(of(1, Axis { input: 0, ..full }, full), 2, 3);
        run_on_nothing(of(1, full, Axis { input: 0, ..full }), 2, 3);
    }
}
