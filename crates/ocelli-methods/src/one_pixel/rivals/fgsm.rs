//! The fast gradient sign method: x + ε · sign(∇ₓ J(x, y)), cut off at 0 and 255.
//!
//! Paper: Goodfellow, Shlens and Szegedy, *Explaining and Harnessing Adversarial Examples*, ICLR 2015
//! (<https://arxiv.org/abs/1412.6572>), section 4.

use super::{AttackContext, Rival, RivalOutcome, Session, change};
use crate::Result;

/// One gradient, one step.
pub(super) fn attack(
    context: &AttackContext<'_>,
    session: &mut dyn Session,
) -> Result<RivalOutcome> {
    let image = context.image();
    let (channels, width) = (usize::from(image.channels), image.width as usize);
    let gradient = session.gradient(context.truth)?;
    let epsilon = f32::from(context.section.epsilon);
    let step = |(byte, slope): (&u8, &f32)| {
        let sign = if *slope == 0.0 { 0.0 } else { slope.signum() };
        (f32::from(*byte) + epsilon * sign).clamp(0.0, 255.0)
    };
    let pixels = image.pixels.chunks_exact(channels).zip(gradient.chunks_exact(channels));
    let changes = pixels.enumerate().map(|(at, (bytes, slopes))| {
        let coordinates = [(at % width) as u32, (at / width) as u32];
        change(coordinates, bytes.iter().zip(slopes).map(step).collect())
    });
    let changes: Vec<_> = changes.collect();
    let probabilities = context.probabilities_with(session, &changes)?;
    Ok(context.outcome(Rival::Fgsm, &changes, &probabilities, [1, 1]))
}
