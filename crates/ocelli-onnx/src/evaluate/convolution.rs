//! Convolutions and matrix products.

use super::settings::Settings;
use super::tensor::Values;
use super::window::AxisWindow;
use crate::Result;
use rayon::prelude::*;

/// `Conv`
pub(super) fn conv(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let ([x, weight] | [x, weight, _]) = inputs else {
        return Err(settings.wrong("two or three inputs are expected"));
    };
    let [batch, channels, height, width] = x.as_map(at)?;
    let [outputs, per_group, kernel_height, kernel_width] = weight.as_map(at)?;
    let groups = settings.int("group")?;
    let [rows, columns] = AxisWindow::pair(settings, [height, width])?;
    if per_group * groups != channels
        || [rows.kernel, columns.kernel] != [kernel_height, kernel_width]
        || groups == 0
        || !outputs.is_multiple_of(groups)
    {
        let shape = &weight.shape;
        return Err(settings.wrong(format!("a kernel of {shape:?} for {channels} channels")));
    }
    let (x, weight) = (x.as_floats(at)?, weight.as_floats(at)?);
    let bias = inputs.get(2).map(|bias| bias.as_floats(at)).transpose()?;
    let pixels = height * width;
    let mut y = vec![0.0_f32; batch * outputs * rows.output * columns.output];
    y.par_chunks_mut(rows.output * columns.output).enumerate().for_each(|(index, map)| {
        let (sample, output) = (index / outputs, index % outputs);
        map.fill(bias.and_then(|bias| bias.get(output)).copied().unwrap_or(0.0));
        let first = sample * channels + output / (outputs / groups) * per_group;
        let kernels = weight[output * per_group * kernel_height * kernel_width..]
            .chunks(kernel_height * kernel_width);
        let planes = x[first * pixels..].chunks(pixels).take(per_group);
        for (plane, kernel) in planes.zip(kernels) {
            add_plane(plane, kernel, [rows, columns], width, map);
        }
    });
    Values::floats(y, &[batch, outputs, rows.output, columns.output])
}

/// Adds what one input channel gives to one output channel.
fn add_plane(
    plane: &[f32],
    kernel: &[f32],
    [rows, columns]: [AxisWindow; 2],
    width: usize,
    map: &mut [f32],
) {
    for (tap, weight) in kernel.iter().enumerate() {
        let (row_tap, column_tap) = (tap / columns.kernel, tap % columns.kernel);
        let range = columns.outputs(column_tap);
        if range.is_empty() {
            continue;
        }
        let first = columns.source(range.start, column_tap);
        for row in rows.outputs(row_tap) {
            let x = &plane[rows.source(row, row_tap) * width + first..];
            let y = &mut map[row * columns.output..][range.clone()];
            if columns.stride == 1 {
                y.iter_mut().zip(x).for_each(|(y, x)| *y += weight * x);
            } else {
                y.iter_mut()
                    .zip(x.iter().step_by(columns.stride))
                    .for_each(|(y, x)| *y += weight * x);
            }
        }
    }
}

/// `Gemm` with its second matrix transposed.
pub(super) fn gemm(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let ([x, weight] | [x, weight, _]) = inputs else {
        return Err(settings.wrong("two or three inputs are expected"));
    };
    let ([batch, depth], [outputs, columns]) = (x.shape.as_slice(), weight.shape.as_slice()) else {
        return Err(settings.wrong("matrices are expected"));
    };
    if depth != columns || settings.int("transB")? != 1 {
        return Err(settings.wrong(format!("{:?} times {:?}", x.shape, weight.shape)));
    }
    let (x, weight) = (x.as_floats(at)?, weight.as_floats(at)?);
    let bias = inputs.get(2).map(|bias| bias.as_floats(at)).transpose()?;
    let mut y = vec![0.0_f32; batch * outputs];
    for (x, y) in x.chunks(*depth).zip(y.chunks_mut(*outputs)) {
        for (index, (y, row)) in y.iter_mut().zip(weight.chunks(*depth)).enumerate() {
            let start = bias.and_then(|bias| bias.get(index)).copied().unwrap_or(0.0);
            *y = x.iter().zip(row).fold(start, |sum, (x, weight)| sum + x * weight);
        }
    }
    Values::floats(y, &[*batch, *outputs])
}
