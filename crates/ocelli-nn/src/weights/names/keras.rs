//! Files of Keras models whose layers have the names that Keras gives them.

use super::tables::keras_weight;
use super::{Alias, Layout, tensorflow_leaf};
use crate::parameter::{ParamSpec, Role};

/// What the scheme is called.
pub(in crate::weights) const NAME: &str = "keras";

/// The kinds of layers, as Keras names them before their number.
const KINDS: [&str; 3] = ["conv2d", "batch_normalization", "dense"];

/// Where a file has each of `params`; `None` unless all their modules are named as layers of Keras.
pub(in crate::weights) fn aliases(params: &[ParamSpec]) -> Option<Vec<Alias>> {
    params.iter().map(alias).collect()
}

/// `conv2d_1/conv2d_1/kernel:0` → `conv2d_1/kernel`
pub(in crate::weights) fn canonical(name: &str) -> (String, bool) {
    keras_weight(name)
}

fn alias(param: &ParamSpec) -> Option<Alias> {
    let (module, _) = param.name.rsplit_once('.')?;
    let (kind, number) = module.rsplit_once('_')?;
    let is_numbered = KINDS.contains(&kind) && number.parse::<usize>().is_ok();
    let (leaf, layout) = tensorflow_leaf(module, param);
    let layout = match (kind, param.role, &param.shape[..]) {
        // A dense layer over a flattened map, which is a convolution here.
        ("dense", Role::Weight, &[_, channels, height, width]) => {
            Layout::Flattened([height, width, channels])
        }
        ("dense", Role::Weight, _) => Layout::InOut,
        _ => layout,
    };
    is_numbered.then(|| Alias { name: format!("{module}{leaf}"), layout })
}
