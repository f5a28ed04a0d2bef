//! What stands after a backbone's features.

mod decoder;

pub use decoder::Decoder;
pub(crate) use decoder::{DECODER, KERAS};

use super::{Builder, Graph};
use crate::op::{Activation, Op, Unit};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The module of a projection head.
pub(crate) const PROJECTION: &str = "projection";

/// What a network makes of its features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// The classifier that the backbone comes with.
    #[default]
    Linear,
    /// A projection onto the unit sphere, by which views of an image are compared.
    Projection(Projection),
    /// An image as large as the one that went in, of its last feature map: an autoencoder.
    Decoder(Decoder),
    /// Nothing: the logits are the pooled features.
    None,
}

/// The projection head of SimCLR: linear layers with ReLU between them, and a result of length 1.
///
/// Papers: Chen et al., *A Simple Framework for Contrastive Learning of Visual Representations*, ICML
/// 2020 (<https://arxiv.org/abs/2002.05709>), section 2.1 (two layers, 128 values); *Big Self-Supervised
/// Models are Strong Semi-Supervised Learners*, NeurIPS 2020 (<https://arxiv.org/abs/2006.10029>),
/// section 3 (three layers); Chakraborty et al., *G-SimCLR* (<https://arxiv.org/abs/2009.12007>; 256, 128
/// and 50 values, no normalisation).
///
/// Layers are named as PyTorch's `Sequential` numbers them: `projection.0` is linear, `projection.1` the
/// normalisation if there is one, then ReLU, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Projection {
    /// The values of each layer's result, the last of which is the network's.
    pub widths: Vec<usize>,
    /// Whether a batch normalisation follows each linear layer, which then has no bias.
    pub batch_norm: bool,
}

impl Default for Projection {
    /// SimCLR's: a hidden layer as wide as ResNet-50's features, 128 values, normalised.
    fn default() -> Self {
        Self { widths: vec![2048, 128], batch_norm: true }
    }
}

impl Projection {
    /// That of G-SimCLR.
    pub fn g_simclr() -> Self {
        Self { widths: vec![256, 128, 50], batch_norm: false }
    }

    fn check(&self) -> Result<()> {
        const MOST: usize = 1 << 16;
        if !(1..=8).contains(&self.widths.len()) {
            let value = format!("{} layers", self.widths.len());
            return Err(refuse("projection.widths", value, "1 to 8 of them"));
        }
        match self.widths.iter().find(|width| !(1..=MOST).contains(*width)) {
            Some(width) => {
                Err(refuse("projection.widths", width.to_string(), &format!("1 to {MOST}")))
            }
            None => Ok(()),
        }
    }
}

fn refuse(option: &str, value: String, expected: &str) -> Error {
    let option = format!("head.{option}");
    Error::ModelOption { option, value, expected: expected.to_owned() }
}

impl Head {
    /// Whether it is the backbone's own.
    pub fn is_linear(&self) -> bool {
        *self == Self::Linear
    }
}

impl Graph {
    /// The same backbone with another head after its pooled features, which stay what
    /// [`embed`](Self::embed) gives. All parameters before the head keep their names, positions and first values.
    ///
    /// # Errors
    /// [`ModelOption`](crate::Error::ModelOption) when a head has an impossible value, or the backbone's
    /// own is no layer on pooled features that can be taken off.
    pub fn with_head(self, head: &Head) -> Result<Self> {
        let (features, pooled, init) = (self.features, self.pooled, self.init);
        let routes = self.routes.clone();
        if head.is_linear() {
            return Ok(self);
        }
        let map = match head {
            Head::Decoder(decoder) => Some(decoder.input(&self)?),
            _ => None,
        };
        let in_channels = self.in_channels;
        let mut b = self.without_head()?;
        let logits = match head {
            Head::Linear | Head::None => pooled,
            Head::Decoder(decoder) => {
                b.set_channels(features, map.unwrap_or_default());
                decoder.append(&mut b, features, in_channels)
            }
            Head::Projection(projection) => {
                projection.check()?;
                let (mut x, mut index) = (pooled, 0);
                for (layer, width) in projection.widths.iter().enumerate() {
                    if layer > 0 {
                        x = b.activation(x, Activation::Relu);
                        index += 1;
                    }
                    let name = format!("{PROJECTION}.{index}");
                    index += 1;
                    if projection.batch_norm {
                        x = b.linear_without_bias(&name, x, *width);
                        x = b.batch_norm(&format!("{PROJECTION}.{index}"), x);
                        index += 1;
                    } else {
                        x = b.linear(&name, x, *width);
                    }
                }
                b.apply("unit", x, Unit)
            }
        };
        Ok(Self { routes, init, ..b.finish(features, pooled, logits) })
    }

    /// The backbone up to its pooled features, to go on from.
    fn without_head(mut self) -> Result<Builder> {
        let refuse = |value: &str| Error::ModelOption {
            option: "head".to_owned(),
            value: value.to_owned(),
            expected: "a backbone whose classifier is its last layer, on pooled features"
                .to_owned(),
        };
        let width = match &self.node(self.logits).op {
            Op::Linear(linear) => linear.in_features,
            Op::Conv2d(conv) => conv.in_channels,
            _ => return Err(refuse("a network without a classifier")),
        };
        let kept = self.pooled.index() + 1;
        let marked = self.stages.iter().chain([&self.features]);
        let named = self.routes.values().flat_map(|route| route.from.iter().chain(&route.to));
        if marked.chain(named).any(|id| id.index() >= kept) {
            return Err(refuse("a network with values beside its classifier"));
        }
        self.nodes.truncate(kept);
        let read = self.params_read().last().map_or(0, |id| id.index() + 1);
        self.params.truncate(read);
        Ok(Builder::resume(self, width))
    }
}
