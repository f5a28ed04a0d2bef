use super::*;
use crate::Network;
use crate::weights::{DType, TensorEntry, convert, state_dict};
use burn::tensor::Device;
use ocelli_random::Seed;

fn network(model: &str, options: &ModelOptions) -> Network {
    let model = registry::find(model).unwrap();
    model.network(options, Seed(1), &Device::flex()).unwrap()
}

fn names(dict: &StateDict) -> Vec<String> {
    identify(dict).into_iter().map(Model::name).collect()
}

#[test]
fn a_network_for_grey_images_is_known_by_its_tensors() {
    let options = ModelOptions { in_channels: 1, num_classes: 7, ..ModelOptions::default() };
    let dict = state_dict(&network("ghostnet_050", &options)).unwrap();
    assert_eq!(names(&dict), ["ghostnet_050"]);
    let model = model_of(&dict).unwrap();
    assert_eq!(options_of(&dict, model), options);
    assert!(convert(&dict, model, &options_of(&dict, model), Some(DType::F16)).is_ok());
}

#[test]
fn models_that_differ_in_no_tensor_are_all_named() {
    let options = ModelOptions { num_classes: 3, ..ModelOptions::default() };
    let dict = state_dict(&network("efficientnetv2_b0", &options)).unwrap();
    assert_eq!(names(&dict), ["efficientnetv2_b0", "tf_efficientnetv2_b0"]);
    assert_eq!(
        model_of(&dict).unwrap_err().to_string(),
        "memory: the tensors fit several models, and the file does not say which: \
         efficientnetv2_b0, tf_efficientnetv2_b0"
    );
}

#[test]
fn nothing_is_of_no_model() {
    assert!(identify(&StateDict::new()).is_empty());
    let error = model_of(&StateDict::new()).unwrap_err();
    assert_eq!(error.to_string(), "memory: the tensors are those of no known model");
}

#[test]
fn a_shape_of_absurd_size_fits_no_model() {
    let original = state_dict(&network("resnet20_cifar", &ModelOptions::default())).unwrap();
    for (tensor, shape) in [("linear.weight", [1 << 40, 0]), ("conv1.weight", [16, 1 << 40])] {
        let mut dict = StateDict::new();
        for entry in original.iter() {
            let changed = entry.name() == tensor;
            let absurd = || TensorEntry::new(tensor, DType::F32, &[shape[0], shape[1], 0], vec![]);
            dict.push(if changed { absurd().unwrap() } else { entry.clone() }).unwrap();
        }
        assert!(names(&dict).is_empty(), "{tensor}");
        let model = registry::find("resnet20_cifar").unwrap();
        assert!(convert(&dict, model, &options_of(&dict, model), None).is_err(), "{tensor}");
    }
}

#[test]
fn no_model_has_nearly_as_many_tensors_as_are_looked_at() {
    for model in registry::models() {
        // Those that are described by a recipe have no network of their own.
        let Ok(graph) = model.graph(&model.options()) else { continue };
        assert!(10 * graph.params().len() <= MOST_TENSORS, "{}", model.name());
    }
    let mut dict = StateDict::new();
    for at in 0..=MOST_TENSORS {
        let entry = TensorEntry::new(format!("layer{at}.weight"), DType::F32, &[0], vec![]);
        dict.push(entry.unwrap()).unwrap();
    }
    assert!(identify(&dict).is_empty());
}
