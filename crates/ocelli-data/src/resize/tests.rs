use super::*;
use crate::testing::{mean_difference, test_pattern};

/// Raw pixels that Pillow made (`bench/peers/make_pillow_fixtures.py`), case after case.
static GOLDEN: &[u8] = include_bytes!("../../tests/fixtures/resize_pillow.bin");

#[test]
fn resizing_agrees_with_pillow() {
    use Interpolation::{Bicubic, Bilinear, Lanczos, Nearest};
    let (colour, grey, small) =
        (test_pattern(61, 47, 3), test_pattern(61, 47, 1), test_pattern(28, 28, 1));
    let mut golden = GOLDEN;
    for (image, width, height, interpolation) in [
        (&colour, 24, 24, Bilinear),
        (&colour, 24, 24, Bicubic),
        (&colour, 90, 70, Bilinear),
        (&colour, 90, 70, Bicubic),
        (&grey, 20, 33, Bicubic),
        (&small, 32, 32, Bilinear),
        (&colour, 30, 19, Lanczos),
        (&colour, 25, 31, Nearest),
    ] {
        let resized = resize(image, width, height, interpolation).unwrap();
        let difference = mean_difference(&resized.pixels, take(&mut golden, resized.pixels.len()));
        assert!(difference < 0.3, "{interpolation:?} to {width}×{height}: {difference}");
    }
    let region = Region { left: 9, top: 5, width: 41, height: 35 };
    let cut = Resize { region, window: Region::whole(41, 35).into(), ..to_16(Bilinear) };
    let window = Window { left: 9.5, top: 5.25, width: 41.0, height: 34.75 };
    let inside = Resize { window, ..to_16(Bicubic) };
    for plan in [cut, inside] {
        let mut pixels = Vec::new();
        plan.run(&mut Resizer::new(), (61, 47, 3), &colour.pixels, &mut pixels).unwrap();
        let difference = mean_difference(&pixels, take(&mut golden, 16 * 16 * 3));
        assert!(difference < 0.3, "{plan:?}: {difference}");
    }
    assert!(golden.is_empty());
}

fn take<'a>(golden: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (case, rest) = golden.split_at(len);
    *golden = rest;
    case
}

fn to_16(interpolation: Interpolation) -> Resize {
    let region = Region::whole(61, 47);
    Resize { region, window: region.into(), width: 16, height: 16, interpolation }
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let image = test_pattern(8, 8, 3);
    assert!(resize(&image, 0, 8, Interpolation::Bilinear).is_err());
    let cut_off = Image { pixels: image.pixels[1..].to_vec(), ..image.clone() };
    assert!(resize(&cut_off, 4, 4, Interpolation::Bilinear).is_err());
    let region = Region { left: 4, top: 0, width: 5, height: 8 };
    let outside = Resize { region, ..to_16(Interpolation::Bilinear) };
    let run = outside.run(&mut Resizer::new(), (8, 8, 3), &image.pixels, &mut Vec::new());
    assert!(run.unwrap_err().to_string().starts_with("8×8 pixels"));
}
