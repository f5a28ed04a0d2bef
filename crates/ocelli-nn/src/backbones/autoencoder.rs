//! The encoders of G-SimCLR's denoising autoencoders.
//!
//! Paper: Chakraborty, Gosthipaty and Paul, *G-SimCLR*, 2020 (<https://arxiv.org/abs/2009.12007>), whose
//! public notebooks have the layers. A block is a convolution with bias, a batch normalisation with Keras'
//! settings, ReLU and a maximum over 2 × 2 pixels. The last map, averaged, is what is clustered: 128 values
//! of the shallow one, 1,024 of the deep one.
//!
//! The decoder is the head [`Decoder`]. With it the shallow one has 335,747
//! parameters and running statistics, of which 94,144 are the encoder's, the deep one 61,059,843.
//!
//! First values are Keras': uniform within √(6 / (fan_in + fan_out)) there; here as PyTorch draws them, which
//! differs by a factor below 2.

use crate::graph::{Activation, Builder, ConvSettings, Decoder, Graph, KERAS, Pool};
use crate::init::InitScheme;
use crate::registry::ModelOptions;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Three blocks of 32 to 128 channels, windows of 3 × 3.
    Shallow,
    /// Five blocks of 64 to 1,024 channels, windows of 5 × 5.
    Deep,
}

impl Form {
    fn widths(self) -> &'static [usize] {
        match self {
            Self::Shallow => &[32, 64, 128],
            Self::Deep => &[64, 128, 256, 512, 1024],
        }
    }

    fn kernel(self) -> usize {
        match self {
            Self::Shallow => 3,
            Self::Deep => 5,
        }
    }

    /// The published decoder: the encoder's widths in reverse.
    pub fn decoder(self) -> Decoder {
        let widths = self.widths().iter().rev().copied().collect();
        Decoder { widths, kernel: self.kernel() }
    }
}

/// An encoder with a classifier on its averaged map.
pub fn encoder(form: Form, options: &ModelOptions) -> Graph {
    let (mut b, mut x) = Builder::new(options.in_channels, InitScheme::FanInUniform, KERAS);
    for (index, width) in form.widths().iter().enumerate() {
        let part = |part: &str| format!("encoder.{index}.{part}");
        x = b.conv(&part("conv"), x, ConvSettings::new(*width, form.kernel()).with_bias());
        x = b.batch_norm(&part("bn"), x);
        x = b.activation(x, Activation::Relu);
        let halved = Pool { kernel: [2; 2], stride: [2; 2], padding: [0; 2] };
        x = b.max_pool(&part("pool"), x, halved);
        b.end_stage(x);
    }
    let pooled = b.global_avg_pool("global_pool", x);
    let dropped = b.dropout("dropout", pooled, options.dropout.unwrap_or(0.0));
    let logits = b.linear("classifier", dropped, options.num_classes);
    b.finish(x, pooled, logits)
}
