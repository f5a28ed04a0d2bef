//! Functions of each element, and of pairs of them.

use super::settings::Settings;
use super::tensor::Values;
use crate::Result;

/// A function of each element.
pub(super) fn map(
    settings: Settings<'_>,
    x: &Values,
    function: impl Fn(f32) -> f32,
) -> Result<Values> {
    let elements = x.as_floats(settings.name())?.iter().map(|x| function(*x)).collect();
    Values::floats(elements, &x.shape)
}

/// A function of pairs, the second value repeated along axes on which it has one element.
pub(super) fn zip(
    settings: Settings<'_>,
    [x, other]: [&Values; 2],
    function: impl Fn(f32, f32) -> f32,
) -> Result<Values> {
    let fits = |(length, other): (&usize, &usize)| length == other || *other == 1;
    if x.shape.len() != other.shape.len() || !x.shape.iter().zip(&other.shape).all(fits) {
        return Err(settings.wrong(format!("{:?} with {:?}", x.shape, other.shape)));
    }
    let elements = other.as_floats(settings.name())?;
    let partner = |index: usize| {
        let (mut rest, mut step, mut at) = (index, 1, 0);
        for (length, other) in x.shape.iter().zip(&other.shape).rev() {
            at += (rest % length).min(other - 1) * step;
            (rest, step) = (rest / length, step * other);
        }
        elements[at]
    };
    let x_elements = x.as_floats(settings.name())?.iter().enumerate();
    let y = if x.shape == other.shape {
        x_elements.zip(elements).map(|((_, x), other)| function(*x, *other)).collect()
    } else {
        x_elements.map(|(index, x)| function(*x, partner(index))).collect()
    };
    Values::floats(y, &x.shape)
}

/// `Clip` between one or two numbers.
pub(super) fn clip(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let number = |index: usize| -> Result<Option<f32>> {
        let value = inputs.get(index).map(|it| it.as_floats(settings.name())).transpose()?;
        Ok(value.and_then(|value| value.first().copied()))
    };
    let least = number(1)?.unwrap_or(f32::NEG_INFINITY);
    let most = number(2)?.unwrap_or(f32::INFINITY);
    map(settings, inputs[0], |x| x.max(least).min(most))
}
