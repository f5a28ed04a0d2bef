//! The schemes of the projects whose files are read.

use super::{BlockKind, BlockPosition, Scheme, tensorflow_leaf, torch_leaf};

/// Every scheme but our own.
pub(in crate::weights) const SCHEMES: &[Scheme] = &[
    TORCHVISION_EFFICIENTNETV2,
    TORCHVISION_MOBILENETV2,
    EFFICIENTNET_PYTORCH,
    GOOGLE_EFFICIENTNETV2,
    KERAS_EFFICIENTNETV2,
];

type PartNames = &'static [(&'static str, &'static str)];

const TORCHVISION_EFFICIENTNETV2: Scheme = Scheme {
    name: "torchvision_efficientnetv2",
    flavour: "tv_",
    stem: ["features.0.0", "features.0.1"],
    block: |BlockPosition { stage, block, .. }| format!("features.{}.{block}.block.", stage + 1),
    parts: |kind| -> PartNames {
        match kind {
            BlockKind::Plain => &[("conv", "0.0"), ("bn1", "0.1")],
            BlockKind::Fused => {
                &[("conv_exp", "0.0"), ("bn1", "0.1"), ("conv_pwl", "1.0"), ("bn2", "1.1")]
            }
            BlockKind::Separable => &[],
            BlockKind::Inverted => &[
                ("conv_pw", "0.0"),
                ("bn1", "0.1"),
                ("conv_dw", "1.0"),
                ("bn2", "1.1"),
                ("se.conv_reduce", "2.fc1"),
                ("se.conv_expand", "2.fc2"),
                ("conv_pwl", "3.0"),
                ("bn3", "3.1"),
            ],
        }
    },
    head: |extent| [0, 1].map(|part| format!("features.{}.{part}", extent.stages + 1)),
    classifier: "classifier.1",
    leaf: torch_leaf,
    canonical: None,
};

const TORCHVISION_MOBILENETV2: Scheme = Scheme {
    name: "torchvision_mobilenetv2",
    flavour: "",
    stem: ["features.0.0", "features.0.1"],
    block: |BlockPosition { index, .. }| format!("features.{}.conv.", index + 1),
    parts: |kind| -> PartNames {
        match kind {
            BlockKind::Plain | BlockKind::Fused => &[],
            BlockKind::Separable => {
                &[("conv_dw", "0.0"), ("bn1", "0.1"), ("conv_pw", "1"), ("bn2", "2")]
            }
            BlockKind::Inverted => &[
                ("conv_pw", "0.0"),
                ("bn1", "0.1"),
                ("conv_dw", "1.0"),
                ("bn2", "1.1"),
                ("conv_pwl", "2"),
                ("bn3", "3"),
            ],
        }
    },
    head: |extent| [0, 1].map(|part| format!("features.{}.{part}", extent.blocks + 1)),
    classifier: "classifier.1",
    leaf: torch_leaf,
    canonical: None,
};

const EFFICIENTNET_PYTORCH: Scheme = Scheme {
    name: "efficientnet_pytorch",
    flavour: "",
    stem: ["_conv_stem", "_bn0"],
    block: |BlockPosition { index, .. }| format!("_blocks.{index}."),
    parts: |kind| -> PartNames {
        match kind {
            BlockKind::Plain | BlockKind::Fused => &[],
            BlockKind::Separable => &[
                ("conv_dw", "_depthwise_conv"),
                ("bn1", "_bn1"),
                ("se.conv_reduce", "_se_reduce"),
                ("se.conv_expand", "_se_expand"),
                ("conv_pw", "_project_conv"),
                ("bn2", "_bn2"),
            ],
            BlockKind::Inverted => &[
                ("conv_pw", "_expand_conv"),
                ("bn1", "_bn0"),
                ("conv_dw", "_depthwise_conv"),
                ("bn2", "_bn1"),
                ("se.conv_reduce", "_se_reduce"),
                ("se.conv_expand", "_se_expand"),
                ("conv_pwl", "_project_conv"),
                ("bn3", "_bn2"),
            ],
        }
    },
    head: |_| ["_conv_head", "_bn1"].map(str::to_owned),
    classifier: "_fc",
    leaf: torch_leaf,
    canonical: None,
};

const GOOGLE_EFFICIENTNETV2: Scheme = Scheme {
    name: "google_efficientnetv2",
    flavour: "tf_",
    stem: ["stem/conv2d", "stem/tpu_batch_normalization"],
    block: |BlockPosition { index, .. }| format!("blocks_{index}/"),
    parts: |kind| -> PartNames {
        match kind {
            BlockKind::Plain => &[("conv", "conv2d"), ("bn1", "tpu_batch_normalization")],
            BlockKind::Fused => &[
                ("conv_exp", "conv2d"),
                ("bn1", "tpu_batch_normalization"),
                ("conv_pwl", "conv2d_1"),
                ("bn2", "tpu_batch_normalization_1"),
            ],
            BlockKind::Separable => &[],
            BlockKind::Inverted => &[
                ("conv_pw", "conv2d"),
                ("bn1", "tpu_batch_normalization"),
                ("conv_dw", "depthwise_conv2d"),
                ("bn2", "tpu_batch_normalization_1"),
                ("se.conv_reduce", "se/conv2d"),
                ("se.conv_expand", "se/conv2d_1"),
                ("conv_pwl", "conv2d_1"),
                ("bn3", "tpu_batch_normalization_2"),
            ],
        }
    },
    head: |_| ["head/conv2d", "head/tpu_batch_normalization"].map(str::to_owned),
    classifier: "head/dense",
    leaf: tensorflow_leaf,
    canonical: Some(google_variable),
};

const KERAS_EFFICIENTNETV2: Scheme = Scheme {
    name: "keras_efficientnetv2",
    flavour: "tf_",
    stem: ["stem_conv", "stem_bn"],
    block: |BlockPosition { stage, block, .. }| {
        // Keras counts on through the characters after `z`, as `chr(97 + block)` does.
        format!("block{}{}_", stage + 1, char::from(b'a'.saturating_add(block as u8)))
    },
    parts: |kind| -> PartNames {
        match kind {
            BlockKind::Plain => &[("conv", "project_conv"), ("bn1", "project_bn")],
            BlockKind::Fused => &[
                ("conv_exp", "expand_conv"),
                ("bn1", "expand_bn"),
                ("conv_pwl", "project_conv"),
                ("bn2", "project_bn"),
            ],
            BlockKind::Separable => &[],
            BlockKind::Inverted => &[
                ("conv_pw", "expand_conv"),
                ("bn1", "expand_bn"),
                ("conv_dw", "dwconv2"),
                ("bn2", "bn"),
                ("se.conv_reduce", "se_reduce"),
                ("se.conv_expand", "se_expand"),
                ("conv_pwl", "project_conv"),
                ("bn3", "project_bn"),
            ],
        }
    },
    head: |_| ["top_conv", "top_bn"].map(str::to_owned),
    classifier: "predictions",
    leaf: tensorflow_leaf,
    canonical: Some(keras_weight),
};

/// `efficientnetv2-s/stem/conv2d/kernel/ExponentialMovingAverage` → `stem/conv2d/kernel`. The
/// averages are the published weights, so they come before the variables of the last step.
fn google_variable(name: &str) -> (String, bool) {
    let name = match name.split_once('/') {
        Some((network, rest)) if network.starts_with("efficientnetv2-") => rest,
        _ => name,
    };
    match name.strip_suffix("/ExponentialMovingAverage") {
        Some(name) => (name.to_owned(), true),
        None => (name.to_owned(), false),
    }
}

/// `stem_conv/stem_conv/kernel:0` → `stem_conv/kernel`: HDF5 files of Keras name the layer twice.
pub(super) fn keras_weight(name: &str) -> (String, bool) {
    let name = name.strip_suffix(":0").unwrap_or(name);
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.dedup();
    (parts.join("/"), false)
}
