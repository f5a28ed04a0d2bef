//! Means and maxima over windows.

use super::settings::Settings;
use super::tensor::Values;
use super::window::AxisWindow;
use crate::Result;

/// `AveragePool` without padding in its means.
pub(super) fn average(settings: Settings<'_>, x: &Values) -> Result<Values> {
    pool(settings, x, 0.0, |sum, x| sum + x, |sum, taps| sum / taps as f32)
}

/// `MaxPool`
pub(super) fn maximum(settings: Settings<'_>, x: &Values) -> Result<Values> {
    pool(settings, x, f32::NEG_INFINITY, f32::max, |most, _| most)
}

/// `GlobalAveragePool`
pub(super) fn global_average(settings: Settings<'_>, x: &Values) -> Result<Values> {
    let [batch, channels, height, width] = x.as_map(settings.name())?;
    let pixels = height * width;
    let x = x.as_floats(settings.name())?;
    // Sums of thousands of values round less in double precision.
    let mean =
        |map: &[f32]| (map.iter().map(|x| f64::from(*x)).sum::<f64>() / pixels as f64) as f32;
    Values::floats(x.chunks(pixels).map(mean).collect(), &[batch, channels, 1, 1])
}

fn pool(
    settings: Settings<'_>,
    x: &Values,
    start: f32,
    join: impl Fn(f32, f32) -> f32,
    end: impl Fn(f32, usize) -> f32,
) -> Result<Values> {
    let [batch, channels, height, width] = x.as_map(settings.name())?;
    let [rows, columns] = AxisWindow::pair(settings, [height, width])?;
    let mut y = Vec::with_capacity(batch * channels * rows.output * columns.output);
    for map in x.as_floats(settings.name())?.chunks(height * width) {
        for row in 0..rows.output {
            for column in 0..columns.output {
                let (mut value, mut taps) = (start, 0);
                for row_tap in (0..rows.kernel).filter(|tap| rows.outputs(*tap).contains(&row)) {
                    let line = &map[rows.source(row, row_tap) * width..][..width];
                    for tap in 0..columns.kernel {
                        if columns.outputs(tap).contains(&column) {
                            value = join(value, line[columns.source(column, tap)]);
                            taps += 1;
                        }
                    }
                }
                y.push(end(value, taps));
            }
        }
    }
    Values::floats(y, &[batch, channels, rows.output, columns.output])
}
