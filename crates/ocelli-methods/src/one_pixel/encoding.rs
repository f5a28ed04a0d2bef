//! Between the genes of an individual and pixels.

use super::{Config, FirstPopulation, PixelChange, Rounding};
use crate::Result;
use ocelli_evolution::{Gene, Space};

/// How a candidate is written as genes: for each pixel x, y and a value for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// d.
    pub pixels: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// How real numbers become pixels.
    pub rounding: Rounding,
}

impl Encoding {
    /// The encoding of `pixels` changes to images of `[channels, height, width]`.
    ///
    /// # Errors
    /// When the images have fewer pixels than that.
    pub fn new(
        pixels: usize,
        [channels, height, width]: [usize; 3],
        rounding: Rounding,
    ) -> Result<Self> {
        let expected = format!("up to {}, the pixels of {height}×{width}", height * width);
        crate::error::require("pixels", pixels, pixels <= height * width, &expected)?;
        Ok(Self { pixels, channels, height, width, rounding })
    }

    /// How many genes an individual has.
    pub fn genes(&self) -> usize {
        self.pixels * (2 + self.channels)
    }

    /// The ranges and first values of all genes.
    pub fn space(&self, config: &Config) -> Space {
        let shift = if self.rounding == Rounding::Nearest { 0.5 } else { 0.0 };
        let coordinate = |side: usize| Gene::uniform(-shift, side as f64 - shift);
        let levels = if self.rounding == Rounding::Real { 255.0 } else { 256.0 };
        let colour = match config.first_population {
            FirstPopulation::Paper => {
                let (mean, deviation) = (config.colour_mean, config.colour_deviation);
                Gene::normal(-shift, levels - shift, mean, deviation)
            }
            FirstPopulation::Uniform | FirstPopulation::LatinHypercube => {
                Gene::uniform(-shift, levels - shift)
            }
        };
        let pixel = [coordinate(self.width), coordinate(self.height)];
        let pixel = || pixel.into_iter().chain(std::iter::repeat_n(colour, self.channels));
        Space::new((0..self.pixels).flat_map(|_| pixel()).collect())
    }

    /// Column, row and values of each pixel of an individual.
    pub(super) fn decode<'a>(
        &'a self,
        genes: &'a [f64],
    ) -> impl Iterator<Item = ([u32; 2], impl Iterator<Item = f32> + 'a)> + 'a {
        genes.chunks_exact(2 + self.channels).map(|pixel| {
            let x = self.whole(pixel[0]).clamp(0.0, (self.width - 1) as f64) as u32;
            let y = self.whole(pixel[1]).clamp(0.0, (self.height - 1) as f64) as u32;
            ([x, y], pixel[2..].iter().map(|value| self.colour(*value)))
        })
    }

    /// What an individual does to an image.
    pub fn changes(&self, genes: &[f64]) -> Vec<PixelChange> {
        let change = |([x, y], value): ([u32; 2], _)| {
            let value: Vec<f32> = Iterator::collect(value);
            PixelChange { x, y, value }
        };
        self.decode(genes).map(change).collect()
    }

    fn whole(&self, gene: f64) -> f64 {
        if self.rounding == Rounding::Nearest { (gene + 0.5).floor() } else { gene.trunc() }
    }

    fn colour(&self, gene: f64) -> f32 {
        let value = if self.rounding == Rounding::Real { gene } else { self.whole(gene) };
        // Adding zero takes the sign from a negative zero.
        value.clamp(0.0, 255.0) as f32 + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_each_range_are_the_first_and_the_last_pixel() {
        for rounding in [Rounding::Truncate, Rounding::Nearest, Rounding::Real] {
            let encoding = Encoding::new(1, [1, 4, 6], rounding).unwrap();
            let space = encoding.space(&Config::default());
            let all = |end: fn(&Gene) -> f64| space.genes().iter().map(end).collect::<Vec<_>>();
            let change = |genes: Vec<f64>| encoding.changes(&genes)[0].to_string();
            assert_eq!(change(all(|gene| gene.low)), "0,0,0");
            assert_eq!(change(all(|gene| gene.high)), "5,3,255");
        }
    }

    #[test]
    fn switches_of_the_first_population_change_the_laws_of_the_genes() {
        let genes = |config: &Config, rounding| {
            let encoding = Encoding::new(1, [1, 4, 6], rounding).unwrap();
            encoding.space(config).genes().to_vec()
        };
        let of = |config: &Config| genes(config, Rounding::Truncate);
        let coordinates = [Gene::uniform(0.0, 6.0), Gene::uniform(0.0, 4.0)];
        let with = |colour| [&coordinates[..], &[colour]].concat();
        let paper = Config::default();
        assert_eq!(of(&paper), with(Gene::normal(0.0, 256.0, 128.0, 127.0)));
        let other = Config { colour_mean: 90.0, colour_deviation: 10.0, ..paper.clone() };
        assert_eq!(of(&other), with(Gene::normal(0.0, 256.0, 90.0, 10.0)));
        for first_population in [FirstPopulation::Uniform, FirstPopulation::LatinHypercube] {
            let config = Config { first_population, ..paper.clone() };
            assert_eq!(of(&config), with(Gene::uniform(0.0, 256.0)));
        }
        let colour = |rounding| genes(&paper, rounding)[2];
        assert_eq!(colour(Rounding::Real), Gene::normal(0.0, 255.0, 128.0, 127.0));
        assert_eq!(colour(Rounding::Nearest), Gene::normal(-0.5, 255.5, 128.0, 127.0));
        assert_eq!(genes(&paper, Rounding::Nearest)[0], Gene::uniform(-0.5, 5.5));
    }

    #[test]
    fn rounding_is_what_it_is_called() {
        let change = |rounding| {
            let encoding = Encoding::new(1, [1, 9, 9], rounding).unwrap();
            encoding.changes(&[2.75, 3.25, 100.75])[0].to_string()
        };
        assert_eq!(change(Rounding::Truncate), "2,3,100");
        assert_eq!(change(Rounding::Nearest), "3,3,101");
        assert_eq!(change(Rounding::Real), "2,3,100.75");
    }

    #[test]
    fn more_pixels_than_there_are_is_refused() {
        let message = Encoding::new(17, [3, 4, 4], Rounding::Truncate).unwrap_err().to_string();
        assert_eq!(message, "`pixels` is 17, expected up to 16, the pixels of 4×4");
        assert_eq!(Encoding::new(16, [3, 4, 4], Rounding::Truncate).unwrap().genes(), 80);
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn any_genes_are_pixels_of_the_image(
            pixels in 1..6_usize,
            channels in 1..5_usize,
            (height, width) in (3..40_usize, 3..40_usize),
            rounding in 0..3_usize,
            genes in proptest::collection::vec(proptest::num::f64::ANY, 40),
        ) {
            let rounding = [Rounding::Truncate, Rounding::Nearest, Rounding::Real][rounding];
            let encoding = Encoding::new(pixels, [channels, height, width], rounding).unwrap();
            let changes = encoding.changes(&genes[..encoding.genes().min(40)]);
            prop_assert!(changes.len() <= pixels);
            for change in changes {
                prop_assert!((change.x as usize) < width && (change.y as usize) < height);
                prop_assert_eq!(change.value.len(), channels);
                for value in change.value {
                    prop_assert!(value.is_nan() || (0.0..=255.0).contains(&value));
                    prop_assert!(rounding == Rounding::Real || value.is_nan() || value.fract() == 0.0);
                }
            }
        }
    }
}
