//! k-means and product quantization, with exact assignments.
//!
//! Papers: Lloyd, *Least squares quantization in PCM*, IEEE Transactions on Information Theory 28(2), 1982;
//! Arthur and Vassilvitskii, *k-means++: The Advantages of Careful Seeding*, SODA 2007; Ding et al.,
//! *Yinyang K-Means*, ICML 2015 (<https://proceedings.mlr.press/v37/ding15.html>); Sculley, *Web-Scale K-Means
//! Clustering*, WWW 2010; Jégou, Douze and Schmid, *Product Quantization for Nearest Neighbor Search*, PAMI
//! 33(1), 2011 (<https://inria.hal.science/inria-00514462>).
//!
//! | papers | here |
//! | --- | --- |
//! | Lloyd's two steps | [`KMeans::fit`], [`KMeans::fit_from`] |
//! | D² seeding (k-means++) | [`Seeding::PlusPlus`], and the best of several draws, [`Seeding::Greedy`] |
//! | group filtering (Yinyang, section 3; one group is Hamerly's bound) | [`Pruning`] |
//! | mini-batch k-means, algorithm 1 | [`MiniBatch`] |
//! | clusters of equal size | [`Balanced`] |
//! | product quantizer, section II-B | [`ProductQuantizer`] |
//!
//! A row's centroid is the one at the least squared distance, of equal ones the one with the lowest index, as
//! double precision has it ([`ocelli_kernels::nearest`]); sums run in the order of rows. So results do not
//! depend on the instruction set or on the number of threads, and pruning changes none of them.
//!
//! ```
//! use ocelli_codebooks::{KMeans, KMeansConfig, Rows};
//! use ocelli_random::Seed;
//!
//! let values = [0.0, 0.1, 5.0, 5.1, 0.2, 4.9];
//! let kmeans = KMeans::new(KMeansConfig { k: 2, ..KMeansConfig::default() })?;
//! let fit = kmeans.fit(Rows::dense(&values, 1), Seed(0))?;
//! assert_eq!(fit.assignment[0], fit.assignment[4]);
//! assert_ne!(fit.assignment[0], fit.assignment[2]);
//! # Ok::<(), ocelli_codebooks::Error>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod balanced;
mod choose;
mod error;
mod file;
mod kmeans;
mod mini_batch;
mod product;
mod rows;

pub use balanced::Balanced;
pub use choose::{Silhouette, elbow, silhouette};
pub use error::{Error, Result};
pub use file::{Clusters, codes_from_bytes, codes_to_bytes};
pub use kmeans::{EmptyRule, End, KMeans, KMeansConfig, KMeansFit, Pruning, Seeding};
pub use mini_batch::MiniBatch;
pub use ocelli_kernels::Rows;
pub use product::{Codes, Encoder, FewRows, ProductConfig, ProductQuantizer, ProductTraining};
