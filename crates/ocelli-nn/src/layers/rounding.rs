//! Channel counts that are multiples of a divisor.

/// The multiple of `divisor` that is nearest to `channels`, at least `divisor`, and never more
/// than 10 % below `channels` (`_make_divisible` of the MobileNet and GhostNet code).
pub fn make_divisible(channels: f64, divisor: usize) -> usize {
    let rounded = round_channels(channels, divisor);
    if (rounded as f64) < 0.9 * channels { rounded + divisor } else { rounded }
}

/// The multiple of `divisor` that is nearest to `channels`, at least `divisor`, without the guard
/// of [`make_divisible`] (EfficientNetV2).
pub fn round_channels(channels: f64, divisor: usize) -> usize {
    let half = divisor as f64 / 2.0;
    let rounded = (channels + half) as usize / divisor * divisor;
    rounded.max(divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squeeze_widths_of_ghostnet_round_as_published() {
        let widths = [72, 120, 480, 672, 960].map(|c| make_divisible(0.25 * f64::from(c), 4));
        assert_eq!(widths, [20, 32, 120, 168, 240]);
    }

    #[test]
    fn only_the_guard_adds_a_step() {
        assert_eq!(make_divisible(10.9, 8), 16);
        assert_eq!(round_channels(10.9, 8), 8);
    }
}
