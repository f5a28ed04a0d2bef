use super::*;
use crate::geometry::{Axis, Window};
use crate::testing::{any_geometry, assert_close, for_each_tap, values};
use proptest::prelude::*;

/// The sums of the module's header, one product at a time: output, data and weight gradient.
fn naive(conv: Depthwise, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f64>; 3] {
    let (g, channels) = (conv.geometry, conv.channels);
    let mut y = vec![0.0; dy.len()];
    let mut dx = vec![0.0; x.len()];
    let mut dw = vec![0.0; w.len()];
    for_each_tap(g, |target, source, tap| {
        for c in 0..channels {
            let (at_w, at_x, at_y) =
                (c * g.taps() + tap, source * channels + c, target * channels + c);
            y[at_y] += f64::from(w[at_w]) * f64::from(x[at_x]);
            dx[at_x] += f64::from(w[at_w]) * f64::from(dy[at_y]);
            dw[at_w] += f64::from(dy[at_y]) * f64::from(x[at_x]);
        }
    });
    [y, dx, dw]
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(128))]
    #[test]
    fn all_three_passes_equal_the_naive_sums(
        geometry in any_geometry(), channels in 1_usize..40, gap in 0_usize..3,
    ) {
        let conv = Depthwise { geometry, channels };
        let (inputs, outputs) = (geometry.input_pixels(), geometry.output_pixels());
        let stride = channels + gap;
        let x = values(inputs * channels, 1);
        let w = values(channels * geometry.taps(), 2);
        let dy = values(outputs * channels, 3);
        let [y_expected, dx_expected, dw_expected] = naive(conv, &x, &w, &dy);
        let strided = |dense: &[f32]| -> Vec<f32> {
            dense.chunks(channels).flat_map(|row| row.iter().copied().chain(vec![5.0; gap])).collect()
        };
        let (x, dy) = (strided(&x), strided(&dy));
        let x_rows = Rows::strided(&x, inputs, channels, stride);
        let dy_rows = Rows::strided(&dy, outputs, channels, stride);

        let mut y = vec![9.0; outputs * channels];
        conv.forward(x_rows, &w, RowsMut::dense(&mut y, channels), None);
        assert_close(&y, &y_expected);

        let bias = values(channels, 6);
        let finish = Finish {
            bias: Some(&bias),
            residual: Some(dy_rows),
            activation: Some(crate::Activation::Relu6),
        };
        conv.infer(x_rows, &conv.pack(&w), &finish, RowsMut::dense(&mut y, channels));
        let finished = y_expected.iter().enumerate().map(|(i, sum)| {
            let residual = dy[i / channels * stride + i % channels];
            (sum + f64::from(bias[i % channels]) + f64::from(residual)).clamp(0.0, 6.0)
        });
        assert_close(&y, &finished.collect::<Vec<_>>());

        let mut dx = strided(&values(inputs * channels, 5));
        let start = dx.clone();
        let mut added: Vec<f64> = start.iter().map(|old| f64::from(*old)).collect();
        for (index, new) in dx_expected.iter().enumerate() {
            added[index / channels * stride + index % channels] += new;
        }
        conv.data_gradient(dy_rows, &w, RowsMut::strided(&mut dx, inputs, channels, stride), Write::Add);
        assert_close(&dx, &added);

        let mut dw = vec![9.0; w.len()];
        conv.weight_gradient(x_rows, dy_rows, &mut dw);
        assert_close(&dw, &dw_expected);
    }
}

/// A layer of `channels` channels with a window of `kernel` × `kernel` pixels and stride 1, on images
/// whose sides are `size` pixels before and after.
fn square(kernel: usize, size: usize, channels: usize) -> Depthwise {
    let window = Window { kernel, stride: 1, dilation: 1, before: kernel / 2 };
    let axis = Axis { window, input: size, output: size };
    Depthwise { geometry: Geometry { batch: 1, rows: axis, columns: axis }, channels }
}

#[test]
#[should_panic(expected = "layer of a packed depthwise weight")]
fn a_weight_of_as_many_numbers_for_another_layer_is_refused() {
    let (packed, x) = (square(2, 8, 1).pack(&[0.0; 4]), [1.0; 256]);
    let mut y = [0.0; 256];
    let (x, to) = (Rows::dense(&x, 4), RowsMut::dense(&mut y, 4));
    square(1, 8, 4).infer(x, &packed, &Finish::default(), to);
}

#[test]
#[should_panic(expected = "layer of a packed depthwise weight")]
fn patches_refuse_a_weight_for_another_layer() {
    let (packed, layer) = (square(2, 8, 1).pack(&[0.0; 4]), square(1, 8, 4));
    let (x, mut y) = ([1.0; 4], [0.0; 4]);
    let patches = crate::Patches::new(layer.geometry, 4, &[[1, 1]], &x);
    layer.infer_patches(&patches, &packed, &Finish::default(), RowsMut::dense(&mut y, 4));
}

#[test]
fn a_packed_weight_serves_batches_of_any_size() {
    let (layer, x) = (square(3, 4, 2), values(3 * 16 * 2, 1));
    let (packed, mut y) = (layer.pack(&values(18, 2)), vec![9.0; x.len()]);
    let batch = Depthwise { geometry: Geometry { batch: 3, ..layer.geometry }, ..layer };
    batch.infer(Rows::dense(&x, 2), &packed, &Finish::default(), RowsMut::dense(&mut y, 2));
    let mut last = vec![9.0; 32];
    let to = RowsMut::dense(&mut last, 2);
    layer.infer(Rows::dense(&x[64..], 2), &packed, &Finish::default(), to);
    assert_eq!(y[64..], last);
}

#[test]
#[should_panic(expected = "sizes of a layer")]
fn pixels_that_overflow_are_refused() {
    let window = Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let axis = Axis { window, input: 1 << 32, output: 1 };
    let geometry = Geometry { batch: 1, rows: axis, columns: axis };
    let mut y = [0.0];
    let (x, to) = (Rows::dense(&[], 1), RowsMut::dense(&mut y, 1));
    Depthwise { geometry, channels: 1 }.forward(x, &[1.0], to, None);
}

/// All passes of a layer on empty data; what is written is all zeros.
fn run_on_nothing(geometry: Geometry, channels: usize) {
    let conv = Depthwise { geometry, channels };
    let x = vec![1.0; geometry.input_pixels() * channels];
    let w = vec![1.0; channels * geometry.taps()];
    let dy = vec![1.0; geometry.output_pixels() * channels];
    let x_rows = Rows::strided(&x, geometry.input_pixels(), channels, channels);
    let dy_rows = Rows::strided(&dy, geometry.output_pixels(), channels, channels);
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let mut to = RowsMut::strided(&mut y, dy_rows.count(), channels, channels);
    let mut statistics = Statistics::default();
    conv.forward(x_rows, &w, to.reborrow(), Some(&mut statistics));
    assert_eq!(statistics.mean.len(), channels);
    conv.infer(x_rows, &conv.pack(&w), &Finish::default(), to);
    let to = RowsMut::strided(&mut dx, x_rows.count(), channels, channels);
    conv.data_gradient(dy_rows, &w, to, Write::Replace);
    conv.weight_gradient(x_rows, dy_rows, &mut dw);
    for (name, values) in [("output", y), ("data gradient", dx), ("weight gradient", dw)] {
        assert!(values.iter().all(|value| *value == 0.0), "{name} of {conv:?}: {values:?}");
    }
}

#[test]
fn nothing_comes_from_no_images_no_pixels_and_no_channels() {
    for stride in [1, 2] {
        let window = Window { kernel: 3, stride, dilation: 1, before: 1 };
        let full = Axis { window, input: 6, output: 6 / stride };
        let of = |batch, rows, columns| Geometry { batch, rows, columns };
        run_on_nothing(of(0, full, full), 3);
        for empty in [Axis { output: 0, ..full }, Axis { input: 0, output: 0, ..full }] {
            run_on_nothing(of(2, empty, full), 3);
            run_on_nothing(of(2, full, empty), 3);
        }
        run_on_nothing(of(2, full, full), 0);
        run_on_nothing(of(2, Axis { input: 0, ..full }, full), 3);
        run_on_nothing(of(2, full, Axis { input: 0, ..full }), 3);
    }
}
