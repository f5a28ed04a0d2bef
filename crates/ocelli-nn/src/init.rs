//! The distributions of first values.

use ocelli_random::{Purpose, Seed};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// The distribution from which a parameter's first value is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// The same number everywhere.
    Constant(f32),
    /// Normal with mean zero and this standard deviation.
    Normal(f32),
    /// Uniform between minus and plus this bound.
    Uniform(f32),
}

impl Initializer {
    /// `count` values of the parameter at `position` of its network.
    pub(crate) fn draw(self, count: usize, seed: Seed, position: u64) -> Vec<f32> {
        let mut rng = seed.stream(Purpose::INIT, 0, position);
        match self {
            Self::Constant(value) => vec![value; count],
            Self::Normal(deviation) => (0..count)
                .map(|_| {
                    let unit: f32 = StandardNormal.sample(&mut rng);
                    unit * deviation
                })
                .collect(),
            Self::Uniform(bound) => (0..count)
                .map(|_| {
                    let unit: f32 = StandardUniform.sample(&mut rng);
                    (2.0 * unit - 1.0) * bound
                })
                .collect(),
        }
    }
}

/// How a family of networks draws the weights of its convolutions and its classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitScheme {
    /// PyTorch's default: uniform within 1/√fan_in, for weights and biases.
    FanInUniform,
    /// He et al.: normal with deviation √(2/fan_out) (fan_out of one group); biases zero,
    /// classifiers as in [`Self::FanInUniform`].
    FanOutNormal,
    /// He et al. by the input: normal with deviation √(2/fan_in), classifiers too.
    FanInNormal,
    /// EfficientNetV2's: [`Self::FanOutNormal`] convolutions, classifiers uniform within 1/√classes,
    /// biases zero.
    EfficientNet,
}

impl InitScheme {
    /// Weight and bias of a convolution `[out, in/groups, kh, kw]`.
    pub(crate) fn convolution(
        self,
        shape: [usize; 4],
        groups: usize,
    ) -> (Initializer, Initializer) {
        let [out, input, height, width] = shape;
        let area = (height * width) as f32;
        let (fan_in, fan_out) = (input as f32 * area, out as f32 * area / groups as f32);
        match self {
            Self::FanInUniform => {
                let uniform = Initializer::Uniform(fan_in.sqrt().recip());
                (uniform, uniform)
            }
            Self::FanOutNormal | Self::EfficientNet => {
                (Initializer::Normal((2.0 / fan_out).sqrt()), Initializer::Constant(0.0))
            }
            Self::FanInNormal => {
                (Initializer::Normal((2.0 / fan_in).sqrt()), Initializer::Constant(0.0))
            }
        }
    }

    /// Weight and bias of a linear layer `[out, in]`.
    pub(crate) fn linear(self, [out, input]: [usize; 2]) -> (Initializer, Initializer) {
        let (out, input) = (out as f32, input as f32);
        match self {
            Self::FanInUniform | Self::FanOutNormal => {
                let uniform = Initializer::Uniform(input.sqrt().recip());
                (uniform, uniform)
            }
            Self::FanInNormal => {
                (Initializer::Normal((2.0 / input).sqrt()), Initializer::Constant(0.0))
            }
            Self::EfficientNet => {
                (Initializer::Uniform(out.sqrt().recip()), Initializer::Constant(0.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_stated_moments() {
        let deviation = |values: &[f32]| {
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>();
            (mean, (squares / values.len() as f32).sqrt())
        };
        let (mean, spread) = deviation(&Initializer::Normal(0.5).draw(20_000, Seed(1), 0));
        assert!(mean.abs() < 0.02 && (spread - 0.5).abs() < 0.02, "{mean} {spread}");
        let uniform = Initializer::Uniform(0.3).draw(20_000, Seed(1), 1);
        let (mean, spread) = deviation(&uniform);
        assert!(mean.abs() < 0.01 && (spread - 0.3 / 3_f32.sqrt()).abs() < 0.01);
        assert!(uniform.iter().all(|v| v.abs() <= 0.3));
    }

    #[test]
    fn a_depthwise_kernel_counts_its_own_group_only() {
        let (weight, _) = InitScheme::EfficientNet.convolution([64, 1, 3, 3], 64);
        assert_eq!(weight, Initializer::Normal((2.0_f32 / 9.0).sqrt()));
    }
}
