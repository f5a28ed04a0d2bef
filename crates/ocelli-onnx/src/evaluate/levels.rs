//! Values on levels.

use super::settings::Settings;
use super::tensor::{Elements, Values};
use crate::Result;

/// `QuantizeLinear` to unsigned bytes, with one scale.
pub(super) fn quantize(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let [x, scale, point] = inputs else {
        return Err(settings.wrong("a value, a scale and a zero point are expected"));
    };
    let ([scale], [point]) = (scale.as_floats(at)?, point.as_codes(at)?) else {
        return Err(settings.wrong("one scale is expected"));
    };
    let code = |x: &f32| {
        // A cast cuts at the ends of 32 bits, which are far beyond those of a byte.
        ((x / scale).round_ties_even() as i32).saturating_add(*point).clamp(0, 255)
    };
    let codes = x.as_floats(at)?.iter().map(code).collect();
    Ok(Values { shape: x.shape.clone(), elements: Elements::Codes(codes) })
}

/// `DequantizeLinear`, with one scale or with one for each part of the first axis.
pub(super) fn dequantize(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let at = settings.name();
    let ([x, scales] | [x, scales, _]) = inputs else {
        return Err(settings.wrong("codes and scales are expected"));
    };
    let scales = scales.as_floats(at)?;
    let points = inputs.get(2).map(|points| points.as_codes(at)).transpose()?;
    let codes = x.as_codes(at)?;
    if scales.len() != 1 && (settings.int("axis")? != 0 || x.shape.first() != Some(&scales.len())) {
        return Err(settings.wrong(format!("{} scales of {:?}", scales.len(), x.shape)));
    }
    let per_scale = (codes.len() / scales.len()).max(1);
    let mut y = Vec::with_capacity(codes.len());
    for (index, (codes, scale)) in codes.chunks(per_scale).zip(scales).enumerate() {
        let point = points.and_then(|points| points.get(index)).copied().unwrap_or(0);
        y.extend(codes.iter().map(|code| (code - point) as f32 * scale));
    }
    Values::floats(y, &x.shape)
}
