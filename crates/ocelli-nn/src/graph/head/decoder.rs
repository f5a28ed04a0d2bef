//! The decoder of an autoencoder.

use super::refuse;
use crate::Result;
use crate::graph::{Builder, ConvSettings, Graph, NodeId, NormSettings};
use crate::op::{Activation, Upsample};
use serde::{Deserialize, Serialize};

/// The module of a decoder.
pub(crate) const DECODER: &str = "decoder";

/// The decoder of G-SimCLR's autoencoders (Chakraborty et al., <https://arxiv.org/abs/2009.12007>, and
/// their public code): for each width the map is enlarged twofold by nearest neighbours, convolved,
/// normalised and put through ReLU; a last convolution and a sigmoid make the image, whose values are 0 to
/// 1.
///
/// Layers are named as in `decoder.0.conv`, `decoder.0.bn`, and `decoder.image`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decoder {
    /// The channels after each doubling. There are as many as the encoder halves its image.
    pub widths: Vec<usize>,
    /// The side of each convolution's window.
    pub kernel: usize,
}

impl Default for Decoder {
    /// The shallow one.
    fn default() -> Self {
        Self { widths: vec![128, 64, 32], kernel: 3 }
    }
}

/// Keras' settings, as the public code has them.
pub(crate) const KERAS: NormSettings = NormSettings { epsilon: 1e-3, momentum: 0.01 };

impl Decoder {
    /// The channels of the map that is decoded.
    ///
    /// # Errors
    /// When a setting is impossible, or the image would not be as large as the encoder's.
    pub(super) fn input(&self, encoder: &Graph) -> Result<usize> {
        let Self { widths, kernel } = self;
        if !(1..=8).contains(&widths.len()) {
            let found = format!("{} doublings", widths.len());
            return Err(refuse("decoder.widths", found, "1 to 8 of them"));
        }
        if let Some(width) = widths.iter().find(|width| !(1..=1 << 16).contains(*width)) {
            return Err(refuse("decoder.widths", width.to_string(), "1 to 65536"));
        }
        if !(1..=15).contains(kernel) || kernel.is_multiple_of(2) {
            return Err(refuse("decoder.kernel", kernel.to_string(), "an odd number, 1 to 15"));
        }
        let side = 1 << widths.len();
        let map = encoder.shapes(side, side)?[encoder.features().index()];
        if (map.height, map.width) != (1, 1) {
            let expected = format!(
                "as many as the encoder halves its images: it makes {} × {} of {side} × {side}",
                map.height, map.width
            );
            let found = format!("{} doublings", widths.len());
            return Err(refuse("decoder.widths", found, &expected));
        }
        Ok(map.channels)
    }

    /// The image that is made of `map`.
    pub(super) fn append(&self, b: &mut Builder, map: NodeId, channels: usize) -> NodeId {
        b.set_norm(KERAS);
        let mut x = map;
        for (index, width) in self.widths.iter().enumerate() {
            let part = |part: &str| format!("{DECODER}.{index}.{part}");
            x = b.apply(&part("up"), x, Upsample { factor: 2 });
            x = b.conv(&part("conv"), x, ConvSettings::new(*width, self.kernel).with_bias());
            x = b.batch_norm(&part("bn"), x);
            x = b.activation(x, Activation::Relu);
        }
        let last = ConvSettings::new(channels, self.kernel).with_bias();
        let image = b.conv(&format!("{DECODER}.image"), x, last);
        b.activation(image, Activation::Sigmoid)
    }
}
