//! SimCLR: features without labels, from two views of each picture.
//!
//! Paper: Chen, Kornblith, Norouzi and Hinton, *A Simple Framework for Contrastive Learning of Visual
//! Representations*, ICML 2020 (<https://arxiv.org/abs/2002.05709>).
//!
//! | paper | here |
//! | --- | --- |
//! | two views of each picture, section 2.1, appendix A | two rows of a batch (`data.views` of the loader), `[augment]` of the recipe |
//! | base encoder f, section 2.1 | any network of the registry, up to its pooled features |
//! | projection head g, section 2.1 | `Head::Projection`, [`SimclrConfig::widths`] |
//! | NT-Xent, equation 1 | [`ocelli_kernels::nt_xent`], tiled and in closed form |
//! | LARS, warm-up and cosine, appendix B.6 | `[optimizer]` and `[schedule]` of the recipe |
//! | the features that are used afterwards are h, not z, section 4.2 | `graph.embed()` |
//!
//! A batch that does not fit into memory is cut into parts (`train.accumulate`), and the loss is still that
//! of all pairs: a first pass computes the projections of all parts, whose gradients follow from the loss,
//! and a second one, of the same parts, hands these to the network (gradient caching, Gao et al.,
//! <https://arxiv.org/abs/2101.06983>). Batch normalisations then see a part at a time.
//!
//! Deviations:
//! - the views of a picture go through the network side by side in one batch, as in the released code,
//!   and every view has its own random numbers;
//! - while it trains, features are examined by their nearest neighbours, which needs labelled pictures
//!   (`data.probe`, or the dataset itself if it has classes) but trains nothing; the paper trains a linear
//!   classifier afterwards, for which `ocelli train --pretrained RUN --reset-head` serves.

mod clusters;
mod collisions;
mod config;
mod errors;
mod method;

pub use config::{NegativesChoice, SimclrConfig, SimclrKind};
pub use errors::SimclrError;
pub use method::{Negatives, Simclr};
