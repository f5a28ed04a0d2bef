//! What the tests of kernels share.

use crate::geometry::{Axis, Geometry, Window};
use proptest::prelude::*;

/// `length` reproducible elements in [−1, 1), different for each `seed`.
pub(crate) fn values(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Fails unless all elements agree to about four digits of their common scale.
#[track_caller]
pub(crate) fn assert_close(actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let scale = expected.iter().fold(1.0_f64, |scale, value| scale.max(value.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*actual) - expected).abs() / scale;
        assert!(error < 2e-5, "value {index} is {actual}, expected {expected}");
    }
}

/// Calls `visit` with target pixel, source pixel and tap wherever a tap falls on the image.
pub(crate) fn for_each_tap(geometry: Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    let (rows, columns) = (geometry.rows, geometry.columns);
    for target in 0..geometry.output_pixels() {
        let (image, row, column) = (
            target / (rows.output * columns.output),
            target / columns.output % rows.output,
            target % columns.output,
        );
        for tap in 0..geometry.taps() {
            let (tap_row, tap_column) = (tap / columns.window.kernel, tap % columns.window.kernel);
            let at = |axis: Axis, output: usize, tap: usize| {
                let index = (output * axis.window.stride + tap * axis.window.dilation) as isize
                    - axis.window.before as isize;
                (index >= 0 && index < axis.input as isize).then_some(index as usize)
            };
            if let (Some(y), Some(x)) = (at(rows, row, tap_row), at(columns, column, tap_column)) {
                visit(target, (image * rows.input + y) * columns.input + x, tap);
            }
        }
    }
}

/// Any window on up to `longest` pixels, padded before and after by different amounts.
fn any_axis(longest: usize) -> impl Strategy<Value = Axis> {
    let sizes = (1..=longest, 1_usize..6, 1_usize..4, 1_usize..3);
    (sizes, 0_usize..4, 0_usize..4).prop_filter_map(
        "a window that fits",
        |((input, kernel, stride, dilation), before, after)| {
            let room = (before + input + after).checked_sub(dilation * (kernel - 1) + 1)?;
            let window = Window { kernel, stride, dilation, before };
            Some(Axis { window, input, output: room / stride + 1 })
        },
    )
}

/// A batch of one to three small images, some of them wide, under any window.
pub(crate) fn any_geometry() -> impl Strategy<Value = Geometry> {
    (1_usize..4, any_axis(11), any_axis(30)).prop_map(|(batch, rows, columns)| Geometry {
        batch,
        rows,
        columns,
    })
}
