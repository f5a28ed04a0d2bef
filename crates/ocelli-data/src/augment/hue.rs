//! Turning the hue.

use crate::Image;

/// Turns every hue by `turns` of the colour circle (−0.5…0.5), keeping saturation and value.
pub fn hue(image: &mut Image, turns: f32) {
    if image.channels != 3 {
        return;
    }
    // Whole turns change nothing; without them, the sum with a hue is at most one turn away.
    let turns = turns.fract();
    for pixel in image.pixels.as_chunks_mut::<3>().0 {
        let [hue, saturation, value] = to_hsv(pixel.map(|level| f32::from(level) / 255.0));
        let turned = to_rgb([within_turn(hue + turns), saturation, value]);
        *pixel = turned.map(|level| (level * 255.0).round() as u8);
    }
}

fn to_hsv([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let value = red.max(green).max(blue);
    let spread = value - red.min(green).min(blue);
    if spread == 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == red {
        (green - blue) / spread
    } else if value == green {
        2.0 + (blue - red) / spread
    } else {
        4.0 + (red - green) / spread
    };
    [within_turn(sixths / 6.0), spread / value, value]
}

/// The hue from 0 to 1 that is a whole turn away from one between −1 and 2. The remainder of a division
/// would be the same number, at a multiple of the time.
fn within_turn(hue: f32) -> f32 {
    if hue < 0.0 {
        hue + 1.0
    } else if hue >= 1.0 {
        hue - 1.0
    } else {
        hue
    }
}

fn to_rgb([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    // Each channel rises, stays and falls along the circle, a third of a turn after the other.
    [5.0, 3.0, 1.0].map(|shift| {
        let at = hue * 6.0 + shift;
        let at = if at < 6.0 { at } else { at - 6.0 };
        value - value * saturation * at.min(4.0 - at).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(pixel: [u8; 3], turns: f32) -> Vec<u8> {
        let mut image = Image { width: 1, height: 1, channels: 3, pixels: pixel.to_vec() };
        hue(&mut image, turns);
        image.pixels
    }

    #[test]
    fn a_third_of_a_turn_swaps_the_channels() {
        assert_eq!(turned([200, 40, 90], 1.0 / 3.0), [90, 200, 40]);
        assert_eq!(turned([200, 40, 90], -1.0 / 3.0), [40, 90, 200]);
    }

    #[test]
    fn no_turn_and_no_colour_stay_as_they_are() {
        assert_eq!(turned([13, 77, 201], 0.0), [13, 77, 201]);
        assert_eq!(turned([90, 90, 90], 0.4), [90, 90, 90]);
    }

    #[test]
    fn a_hue_within_a_turn_is_the_remainder_to_the_bit() {
        for step in -999..2000_i16 {
            let hue = f32::from(step) / 1000.0;
            assert_eq!(within_turn(hue).to_bits(), hue.rem_euclid(1.0).to_bits(), "{hue}");
        }
        for turns in [-0.5, -0.013, 0.25, 0.5] {
            assert_eq!(turned([13, 77, 201], turns), turned([13, 77, 201], turns + 1.0), "{turns}");
        }
    }

    #[test]
    fn agrees_with_torchvision() {
        // torchvision 0.29: v2.functional.adjust_hue on uint8 tensors
        let close =
            |left: Vec<u8>, right: [u8; 3]| left.iter().zip(right).all(|(l, r)| l.abs_diff(r) <= 1);
        assert!(close(turned([13, 77, 201], 0.1), [62, 13, 201]));
        assert!(close(turned([250, 128, 3], -0.3), [178, 3, 250]));
    }
}
