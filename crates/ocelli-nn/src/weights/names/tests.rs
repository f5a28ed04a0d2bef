use super::*;
use crate::registry;
use crate::weights::{DType, LoadOptions, StateDict, TensorEntry, load};
use burn::tensor::Device;
use ocelli_random::Seed;
use std::collections::HashSet;

fn scheme(name: &str) -> &'static Scheme {
    SCHEMES.iter().find(|scheme| scheme.name == name).unwrap()
}

fn params(model: &str) -> Vec<ParamSpec> {
    let model = registry::find(model).unwrap();
    model.graph(&model.options()).unwrap().params().to_vec()
}

/// Where `scheme` keeps the parameter `name` of `model`.
fn alias(scheme_name: &str, model: &str, name: &str) -> String {
    let params = params(model);
    let at = params.iter().position(|param| param.name == name).unwrap();
    scheme(scheme_name).aliases(&params).unwrap().swap_remove(at).name
}

#[test]
fn no_two_parameters_share_a_name_in_any_scheme() {
    for model in registry::models() {
        let params = model.graph(&model.options()).unwrap().params().to_vec();
        for scheme in SCHEMES {
            let Some(aliases) = scheme.aliases(&params) else { continue };
            let names: HashSet<&str> = aliases.iter().map(|alias| alias.name.as_str()).collect();
            assert_eq!(names.len(), params.len(), "{} in {}", model.name(), scheme.name);
        }
    }
}

#[test]
fn every_efficientnetv2_has_names_in_every_scheme_for_it() {
    for model in registry::models().filter(|model| model.family == "efficientnetv2") {
        let params = model.graph(&model.options()).unwrap().params().to_vec();
        for name in ["torchvision_efficientnetv2", "google_efficientnetv2", "keras_efficientnetv2"]
        {
            assert!(scheme(name).aliases(&params).is_some(), "{} in {name}", model.name());
        }
    }
}

#[test]
fn a_network_that_a_scheme_does_not_know_has_no_names_there() {
    for scheme in SCHEMES {
        assert!(scheme.aliases(&params("ghostnet_100")).is_none(), "{}", scheme.name);
        assert!(scheme.aliases(&[]).is_none(), "{}", scheme.name);
    }
}

#[test]
fn torchvision_names_are_those_of_its_state_dict() {
    for (ours, theirs) in [
        ("conv_stem.weight", "features.0.0.weight"),
        ("bn1.running_var", "features.0.1.running_var"),
        ("blocks.0.1.conv.weight", "features.1.1.block.0.0.weight"),
        ("blocks.1.0.conv_pwl.weight", "features.2.0.block.1.0.weight"),
        ("blocks.1.0.bn2.bias", "features.2.0.block.1.1.bias"),
        ("blocks.3.0.se.conv_reduce.bias", "features.4.0.block.2.fc1.bias"),
        ("blocks.5.14.conv_pwl.weight", "features.6.14.block.3.0.weight"),
        ("blocks.5.14.bn3.num_batches_tracked", "features.6.14.block.3.1.num_batches_tracked"),
        ("conv_head.weight", "features.7.0.weight"),
        ("bn2.weight", "features.7.1.weight"),
        ("classifier.bias", "classifier.1.bias"),
    ] {
        assert_eq!(alias("torchvision_efficientnetv2", "efficientnetv2_s", ours), theirs);
    }
    // M has a stage more.
    let head = alias("torchvision_efficientnetv2", "efficientnetv2_m", "conv_head.weight");
    assert_eq!(head, "features.8.0.weight");
}

#[test]
fn google_names_number_the_blocks_through() {
    for (ours, theirs) in [
        ("conv_stem.weight", "stem/conv2d/kernel"),
        ("bn1.running_mean", "stem/tpu_batch_normalization/moving_mean"),
        ("blocks.0.0.conv.weight", "blocks_0/conv2d/kernel"),
        ("blocks.1.1.conv_pwl.weight", "blocks_2/conv2d_1/kernel"),
        ("blocks.3.0.conv_dw.weight", "blocks_5/depthwise_conv2d/depthwise_kernel"),
        ("blocks.3.0.se.conv_expand.bias", "blocks_5/se/conv2d_1/bias"),
        ("blocks.3.0.bn3.weight", "blocks_5/tpu_batch_normalization_2/gamma"),
        ("classifier.weight", "head/dense/kernel"),
    ] {
        assert_eq!(alias("google_efficientnetv2", "tf_efficientnetv2_b0", ours), theirs);
    }
    let canonical = |name| scheme("google_efficientnetv2").canonical.unwrap()(name);
    assert_eq!(
        canonical("efficientnetv2-b0/stem/conv2d/kernel/ExponentialMovingAverage"),
        ("stem/conv2d/kernel".to_owned(), true)
    );
    assert_eq!(canonical("stem/conv2d/kernel"), ("stem/conv2d/kernel".to_owned(), false));
}

#[test]
fn keras_names_letter_the_blocks_of_a_stage() {
    for (ours, theirs) in [
        ("blocks.0.0.conv.weight", "block1a_project_conv/kernel"),
        ("blocks.1.1.conv_exp.weight", "block2b_expand_conv/kernel"),
        ("blocks.5.7.conv_dw.weight", "block6h_dwconv2/depthwise_kernel"),
        ("blocks.5.7.bn2.bias", "block6h_bn/beta"),
        ("classifier.bias", "predictions/bias"),
    ] {
        assert_eq!(alias("keras_efficientnetv2", "tf_efficientnetv2_b0", ours), theirs);
    }
    let canonical = |name| scheme("keras_efficientnetv2").canonical.unwrap()(name).0;
    assert_eq!(canonical("stem_conv/stem_conv/kernel:0"), "stem_conv/kernel");
    assert_eq!(canonical("stem_conv/kernel"), "stem_conv/kernel");
}

#[test]
fn networks_with_keras_names_are_found_under_them() {
    let named = |model: &str| keras::aliases(&params(model));
    let [lenet, resnet] = ["lenet_keras_cifar", "resnet32_keras_cifar"].map(|m| named(m).unwrap());
    let names: Vec<&str> = lenet.iter().map(|alias| alias.name.as_str()).collect();
    let expected = ["conv2d_1", "conv2d_2", "dense_1", "dense_2", "dense_3"];
    let expected = expected.iter().flat_map(|l| [format!("{l}/kernel"), format!("{l}/bias")]);
    assert_eq!(names, expected.collect::<Vec<_>>());
    let layouts = [0, 4, 6].map(|at: usize| lenet[at].layout);
    assert_eq!(layouts, [Layout::Hwio, Layout::Flattened([5, 5, 16]), Layout::InOut]);
    // The projection of a block is made after its two other convolutions.
    let shape_of = |name: &str| {
        let at = resnet.iter().position(|alias| alias.name == name).unwrap();
        params("resnet32_keras_cifar")[at].shape.clone()
    };
    assert_eq!(shape_of("conv2d_14/kernel"), [32, 16, 1, 1]);
    assert_eq!(shape_of("conv2d_33/kernel"), [64, 64, 3, 3]);
    assert_eq!(shape_of("batch_normalization_31/moving_variance"), [64]);
    assert!(named("resnet20_cifar").is_none());
    assert_eq!(keras::canonical("conv2d_1/conv2d_1/kernel:0").0, "conv2d_1/kernel");
}

/// torchvision's VGG-16 has a classifier of three layers, and features named as those of ours.
#[test]
fn a_network_whose_classifier_has_other_layers_lends_its_features() {
    let params = params("vgg16_small_cifar");
    let mut dict = StateDict::new();
    let mut push = |name: &str, shape: &[usize]| {
        let values = vec![0.5; shape.iter().product()];
        dict.push(TensorEntry::new(name, DType::F32, shape, values).unwrap()).unwrap();
    };
    for param in params.iter().filter(|param| param.name.starts_with("features.")) {
        push(&param.name, &param.shape);
    }
    push("classifier.0.weight", &[8, 128]);
    push("classifier.6.bias", &[1000]);
    let model = registry::find("vgg16_small_cifar").unwrap();
    let mut network = model.network(&model.options(), Seed(0), &Device::flex()).unwrap();
    assert!(load(&mut network, &dict, &LoadOptions::default()).is_err());
    let reset = LoadOptions { reset_head: true, ..LoadOptions::default() };
    let report = load(&mut network, &dict, &reset).unwrap();
    assert_eq!(report.left_out, ["classifier.0.weight", "classifier.6.bias"]);
    assert_eq!(report.reset, ["classifier.weight", "classifier.bias"]);
    assert!(report.to_string().contains("left out (2): classifier.0.weight"), "{report}");
}
