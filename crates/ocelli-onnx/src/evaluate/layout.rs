//! Operations that compute nothing: elements in other places.

use super::settings::Settings;
use super::tensor::Values;
use crate::Result;

/// `Flatten` after the batch.
pub(super) fn flatten(settings: Settings<'_>, x: &Values) -> Result<Values> {
    let (batch, rest) = x.shape.split_first().ok_or_else(|| settings.wrong("a single number"))?;
    if settings.int("axis")? != 1 {
        return Err(settings.wrong("another axis than the first"));
    }
    Values::floats(x.as_floats(settings.name())?.to_vec(), &[*batch, rest.iter().product()])
}

/// `Reshape`, in which zero is the length that an axis has.
pub(super) fn reshape(settings: Settings<'_>, inputs: [&Values; 2]) -> Result<Values> {
    let [x, shape] = inputs;
    let lengths = shape.as_integers(settings.name())?.iter().enumerate();
    let kept = |axis: usize| x.shape.get(axis).copied().unwrap_or(1);
    let shape: Vec<usize> =
        lengths.map(|(axis, it)| if *it == 0 { kept(axis) } else { *it as usize }).collect();
    Values::floats(x.as_floats(settings.name())?.to_vec(), &shape)
}

/// `Concat` of maps on the axis of channels.
pub(super) fn concat(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let [batch, _, height, width] = inputs[0].as_map(at)?;
    let (mut channels, mut parts) = (0, Vec::with_capacity(inputs.len()));
    for part in inputs {
        let [_, own, ..] = part.as_map(at)?;
        if part.as_map(at)? != [batch, own, height, width] {
            return Err(settings.wrong(format!("{:?} beside {:?}", part.shape, inputs[0].shape)));
        }
        channels += own;
        parts.push((part.as_floats(at)?, own * height * width));
    }
    if settings.int("axis")? != 1 {
        return Err(settings.wrong("another axis than the channels"));
    }
    let mut y = Vec::with_capacity(batch * channels * height * width);
    for sample in 0..batch {
        for (part, length) in &parts {
            y.extend_from_slice(&part[sample * length..][..*length]);
        }
    }
    Values::floats(y, &[batch, channels, height, width])
}

/// `Slice` of a map on some axes, with steps or without.
pub(super) fn slice(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let ([x, lists @ ..], 4..) = (inputs, inputs.len()) else {
        return Err(settings.wrong("starts, ends and axes are expected"));
    };
    let shape = x.as_map(at)?;
    let mut taken: [Vec<usize>; 4] = shape.map(|length| (0..length).collect());
    let lists: Vec<&[i64]> =
        lists.iter().map(|list| list.as_integers(at)).collect::<Result<_>>()?;
    for (index, axis) in lists[2].iter().enumerate() {
        let item = |list: usize| lists.get(list).and_then(|list| list.get(index)).copied();
        let (start, end, step) = (item(0), item(1), item(3).unwrap_or(1));
        let positions = taken.get_mut(*axis as usize);
        let (Some(start), Some(end), Some(positions), 1..) = (start, end, positions, step) else {
            return Err(settings.wrong("its lists do not fit"));
        };
        let end = (end as usize).min(positions.len());
        *positions = (start as usize..end).step_by(step as usize).collect();
    }
    let x = x.as_floats(at)?;
    let [samples, channels, rows, columns] = &taken;
    let mut y = Vec::with_capacity(taken.iter().map(Vec::len).product());
    for sample in samples {
        for channel in channels {
            for row in rows {
                let first = ((sample * shape[1] + channel) * shape[2] + row) * shape[3];
                y.extend(columns.iter().map(|column| x[first + column]));
            }
        }
    }
    Values::floats(y, &taken.map(|positions| positions.len()))
}

/// `Pad` of a map with channels of zeros.
pub(super) fn pad(settings: Settings<'_>, [x, pads]: [&Values; 2]) -> Result<Values> {
    let at = settings.name();
    let [batch, channels, height, width] = x.as_map(at)?;
    let [0, before, 0, 0, 0, after, 0, 0] = pads.as_integers(at)? else {
        return Err(settings.wrong("other axes than the channels"));
    };
    let pixels = height * width;
    let (before, after) = (*before as usize, *after as usize);
    let mut y = Vec::with_capacity(batch * (before + channels + after) * pixels);
    for image in x.as_floats(at)?.chunks(channels * pixels) {
        y.extend(std::iter::repeat_n(0.0, before * pixels));
        y.extend_from_slice(image);
        y.extend(std::iter::repeat_n(0.0, after * pixels));
    }
    Values::floats(y, &[batch, before + channels + after, height, width])
}
