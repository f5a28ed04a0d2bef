use super::*;
use crate::testing::{any_geometry, assert_close, values};
use crate::{Activation, Conv, Depthwise, Finish, GroupedConv, Rows, RowsMut};
use crate::{avg_pool, avg_pool_patches, max_pool, max_pool_patches};
use proptest::prelude::*;

/// Rectangles of outputs: first line and column, lines and columns.
type Rects = Vec<[usize; 4]>;

fn any_case() -> impl Strategy<Value = (Geometry, Rects)> {
    let corner = prop::collection::vec((0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0), 0..5);
    (any_geometry(), corner).prop_map(|(geometry, corners)| {
        let geometry = Geometry { batch: 1, ..geometry };
        let rects = corners.into_iter().map(|(top, left, height, width): (f64, f64, f64, f64)| {
            let part = |share: f64, whole: usize| (share * whole as f64) as usize;
            let (lines, columns) = (geometry.rows.output, geometry.columns.output);
            let (top, left) = (part(top, lines), part(left, columns));
            [top, left, part(height, lines - top) + 1, part(width, columns - left) + 1]
        });
        let fits = |rect: &[usize; 4]| {
            rect[0] + rect[2] <= geometry.rows.output
                && rect[1] + rect[3] <= geometry.columns.output
        };
        (geometry, rects.filter(fits).collect())
    })
}

/// The patches of rectangles, pixel by pixel; `outside` stands for padding.
fn cut(geometry: Geometry, rects: &Rects, x: &[f32], channels: usize, outside: f32) -> Vec<f32> {
    let mut data = Vec::new();
    for [top, left, lines, columns] in rects {
        let [height, width] = patch_size(geometry, [*lines, *columns]);
        for row in 0..height {
            for column in 0..width {
                let at = |axis: crate::Axis, first: usize, step: usize| {
                    (first * axis.window.stride + step)
                        .checked_sub(axis.window.before)
                        .filter(|source| *source < axis.input)
                };
                match (at(geometry.rows, *top, row), at(geometry.columns, *left, column)) {
                    (Some(row), Some(column)) => {
                        let pixel = row * geometry.columns.input + column;
                        data.extend_from_slice(&x[pixel * channels..][..channels]);
                    }
                    _ => data.extend(std::iter::repeat_n(outside, channels)),
                }
            }
        }
    }
    data
}

/// The rows of the rectangles out of those of a whole output.
fn rows_of(geometry: Geometry, rects: &Rects, y: &[f32], channels: usize) -> Vec<f32> {
    let mut rows = Vec::new();
    for [top, left, lines, columns] in rects {
        for row in *top..top + lines {
            let first = row * geometry.columns.output + left;
            rows.extend_from_slice(&y[first * channels..][..columns * channels]);
        }
    }
    rows
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn rectangles_are_parts_of_the_whole(
        (geometry, rects) in any_case(), inputs in 1_usize..20, outputs in 1_usize..40,
        with_residual: bool,
    ) {
        let sizes: Vec<[usize; 2]> = rects.iter().map(|rect| [rect[2], rect[3]]).collect();
        let x = values(geometry.input_pixels() * inputs, 1);
        let data = cut(geometry, &rects, &x, inputs, 0.0);
        let patches = Patches::new(geometry, inputs, &sizes, &data);

        let conv = Conv { geometry, in_channels: inputs, out_channels: outputs };
        let weight = conv.pack_for_patches(&values(outputs * inputs * geometry.taps(), 2));
        let (bias, other) = (values(outputs, 3), values(geometry.output_pixels() * outputs, 4));
        let other = with_residual.then_some(other);
        let finish = Finish {
            bias: Some(&bias),
            residual: other.as_ref().map(|other| Rows::dense(other, outputs)),
            activation: Some(Activation::Silu),
        };
        let mut y = vec![9.0; geometry.output_pixels() * outputs];
        conv.infer(Rows::dense(&x, inputs), &weight, &finish, RowsMut::dense(&mut y, outputs));
        let expected = rows_of(geometry, &rects, &y, outputs);
        let at_rects = other.as_ref().map(|other| rows_of(geometry, &rects, other, outputs));
        let residual = at_rects.as_ref().map(|other| Rows::dense(other, outputs));
        let mut actual = vec![9.0; expected.len()];
        let to = RowsMut::dense(&mut actual, outputs);
        conv.infer_patches(&patches, &weight, &Finish { residual, ..finish }, to);
        assert_close(&actual, &doubles(&expected));

        let grouped = GroupedConv { conv, groups: 3 };
        let x3 = values(geometry.input_pixels() * 3 * inputs, 7);
        let data3 = cut(geometry, &rects, &x3, 3 * inputs, 0.0);
        let weight = grouped.pack_for_patches(&values(3 * outputs * inputs * geometry.taps(), 8));
        let bias = values(3 * outputs, 9);
        let finish = Finish { bias: Some(&bias), ..Finish::default() };
        let mut y = vec![9.0; geometry.output_pixels() * 3 * outputs];
        let to = RowsMut::dense(&mut y, 3 * outputs);
        grouped.infer(Rows::dense(&x3, 3 * inputs), &weight, &finish, to);
        let expected = rows_of(geometry, &rects, &y, 3 * outputs);
        let mut actual = vec![9.0; expected.len()];
        let to = RowsMut::dense(&mut actual, 3 * outputs);
        let patches3 = Patches::new(geometry, 3 * inputs, &sizes, &data3);
        grouped.infer_patches(&patches3, &weight, &finish, to);
        assert_close(&actual, &doubles(&expected));

        let depthwise = Depthwise { geometry, channels: inputs };
        let weight = depthwise.pack(&values(inputs * geometry.taps(), 5));
        let finish = Finish::default();
        let mut y = vec![9.0; geometry.output_pixels() * inputs];
        let to = RowsMut::dense(&mut y, inputs);
        depthwise.infer(Rows::dense(&x, inputs), &weight, &finish, to);
        let expected = rows_of(geometry, &rects, &y, inputs);
        let mut actual = vec![9.0; expected.len()];
        let to = RowsMut::dense(&mut actual, inputs);
        depthwise.infer_patches(&patches, &weight, &finish, to);
        assert_close(&actual, &doubles(&expected));

        let shares: Vec<f32> = rects
            .iter()
            .flat_map(|rect| {
                let columns = rect[1]..rect[1] + rect[3];
                (rect[0]..rect[0] + rect[2]).flat_map(move |row| columns.clone().map(move |c| (row, c)))
            })
            .map(|(row, column)| {
                let taps = |axis: crate::Axis, output: usize| {
                    (0..axis.window.kernel).filter(|tap| axis.source(output, *tap).is_some()).count()
                };
                1.0 / (taps(geometry.rows, row) * taps(geometry.columns, column)).max(1) as f32
            })
            .collect();
        avg_pool(geometry, Rows::dense(&x, inputs), RowsMut::dense(&mut y, inputs));
        let expected = rows_of(geometry, &rects, &y, inputs);
        avg_pool_patches(&patches, &shares, RowsMut::dense(&mut actual, inputs));
        assert_close(&actual, &doubles(&expected));

        max_pool(geometry, Rows::dense(&x, inputs), RowsMut::dense(&mut y, inputs));
        let expected = rows_of(geometry, &rects, &y, inputs);
        let data = cut(geometry, &rects, &x, inputs, f32::NEG_INFINITY);
        let patches = Patches::new(geometry, inputs, &sizes, &data);
        max_pool_patches(&patches, RowsMut::dense(&mut actual, inputs));
        prop_assert_eq!(actual, expected);
    }
}

#[test]
#[should_panic(expected = "sizes of a layer")]
fn windows_that_overflow_are_refused() {
    let window = Window { kernel: 2, stride: 1, dilation: usize::MAX, before: 0 };
    let axis = crate::Axis { window, input: 1, output: 1 };
    Patches::new(Geometry { batch: 1, rows: axis, columns: axis }, 1, &[[1, 1]], &[]);
}

#[test]
#[should_panic(expected = "sizes of patches")]
fn rectangles_that_overflow_are_refused() {
    let window = Window { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let axis = crate::Axis { window, input: 1, output: 1 };
    let geometry = Geometry { batch: 1, rows: axis, columns: axis };
    Patches::new(geometry, 1, &[[1 << 32, 1 << 32]], &[]);
}
