use super::*;
use crate::registry::{self, ModelOptions};
use crate::weights::options_of;
use crate::weights::{LoadOptions, ReadOptions, identify, load, safetensors};
use burn::tensor::Device;
use ocelli_random::Seed;

fn network(model: &str, num_classes: usize, seed: u64) -> Network {
    let model = registry::find(model).unwrap();
    let options = ModelOptions { num_classes, ..model.options() };
    model.network(&options, Seed(seed), &Device::flex()).unwrap()
}

fn values(network: &Network) -> Vec<Vec<f32>> {
    network.params().iter().map(|(id, _)| network.params().to_values(id)).collect()
}

#[test]
fn a_saved_network_loads_into_an_equal_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let original = network("ghostnet_050", 7, 1);
    save(&original, "ghostnet_050", &path).unwrap();

    let dict = StateDict::open(&path, &ReadOptions::default()).unwrap();
    assert_eq!(dict.metadata["arch"], "ghostnet_050");
    assert_eq!(dict.metadata["num_classes"], "7");
    let count = dict.get("bn1.num_batches_tracked").unwrap();
    assert_eq!((count.dtype(), count.shape()), (DType::I64, &[][..]));

    let mut other = network("ghostnet_050", 7, 2);
    let report = load(&mut other, &dict, &LoadOptions::default()).unwrap();
    assert!(report.is_complete());
    assert_eq!(report.loaded.len(), original.params().len());
    assert_eq!(values(&other), values(&original));
}

#[test]
fn another_number_of_classes_is_refused_unless_the_head_is_reset() {
    let dict = state_dict(&network("ghostnet_050", 7, 1)).unwrap();
    let mut other = network("ghostnet_050", 5, 2);
    let first_values = values(&other);
    let error = load(&mut other, &dict, &LoadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "memory: the classifier is of another size: `classifier.weight` is [7, 1280] in the file \
         and [5, 1280] in the model, `classifier.bias` is [7] in the file and [5] in the model; \
         reset the head to load all other layers"
    );
    assert_eq!(values(&other), first_values, "a refused file changes nothing");

    let options = LoadOptions { reset_head: true, ..LoadOptions::default() };
    let report = load(&mut other, &dict, &options).unwrap();
    assert_eq!(report.reset, ["classifier.weight", "classifier.bias"]);
    let loaded = values(&other);
    let head = loaded.len() - 2;
    assert_eq!(loaded[head..], [vec![0.0; 5 * 1280], vec![0.0; 5]]);
    assert_eq!(loaded[..head], values(&network("ghostnet_050", 7, 1))[..head]);
}

#[test]
fn weights_of_another_model_are_refused_and_named() {
    let dict = state_dict(&network("ghostnet_050", 7, 1)).unwrap();
    let mut other = network("ghostnet_100", 7, 2);
    let text = load(&mut other, &dict, &LoadOptions::default()).unwrap_err().to_string();
    let start = "memory: weights of another model: ";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("`conv_stem.weight` is [8, 3, 3, 3] in the file and [16, 3, 3, 3]"));
    assert!(text.ends_with("they are those of `ghostnet_050`"), "{text}");
}

#[test]
fn a_part_is_loaded_only_when_asked_for() {
    let whole = state_dict(&network("ghostnet_050", 7, 1)).unwrap();
    let mut part = StateDict::new();
    for entry in whole.iter().take(10).cloned() {
        part.push(entry).unwrap();
    }
    part.push(TensorEntry::new("extra", DType::F32, &[1], vec![0.0]).unwrap()).unwrap();
    let mut other = network("ghostnet_050", 7, 2);
    assert!(load(&mut other, &part, &LoadOptions::default()).is_err());

    let options = LoadOptions { partial: true, ..LoadOptions::default() };
    let report = load(&mut other, &part, &options).unwrap();
    assert_eq!((report.loaded.len(), &report.unexpected[..]), (10, &["extra".to_owned()][..]));
    let text = report.to_string();
    assert!(text.starts_with("loaded 10 tensors from memory\n"), "{text}");
    assert!(text.contains("\n  unused (1): extra"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["unexpected"][0], "extra");

    let error = load(&mut other, &StateDict::new(), &options).unwrap_err();
    assert!(error.to_string().contains("tensors are missing"), "nothing at all is no part");
}

#[test]
fn every_scheme_gives_back_the_values_it_was_given() {
    use crate::weights::names::{Layout, SCHEMES, keras};
    for (scheme, model) in [
        ("torchvision_efficientnetv2", "tv_efficientnetv2_s"),
        ("google_efficientnetv2", "tf_efficientnetv2_b0"),
        ("keras_efficientnetv2", "tf_efficientnetv2_b0"),
        ("keras", "lenet_keras_cifar"),
        ("keras", "resnet32_keras_cifar"),
    ] {
        let original = network(model, 7, 1);
        let params = original.graph().params();
        let known = SCHEMES.iter().find(|known| known.name == scheme);
        let aliases = known.map_or_else(|| keras::aliases(params), |known| known.aliases(params));
        let aliases = aliases.unwrap();
        let mut dict = StateDict::new();
        for (entry, alias) in state_dict(&original).unwrap().iter().zip(aliases) {
            let values = entry.values().unwrap();
            let shape = entry.shape().to_vec();
            let (shape, values) = match alias.layout {
                Layout::Own => (shape, values),
                Layout::InOut => (vec![shape[1], shape[0]], moved(&values, &shape, [1, 0])),
                Layout::Hwio => {
                    let [o, i, h, w] = shape[..] else { panic!("four axes") };
                    (vec![h, w, i, o], moved(&values, &shape, [2, 3, 1, 0]))
                }
                Layout::Flattened([height, width, inputs]) => {
                    let values = moved(&values, &[shape[0], inputs, height, width], [2, 3, 1, 0]);
                    (vec![height * width * inputs, shape[0]], values)
                }
                Layout::Depthwise => {
                    let [c, one, h, w] = shape[..] else { panic!("four axes") };
                    (vec![h, w, c, one], moved(&values, &shape, [2, 3, 0, 1]))
                }
            };
            dict.push(TensorEntry::new(alias.name, DType::F32, &shape, values).unwrap()).unwrap();
        }
        let names: Vec<String> = identify(&dict).into_iter().map(Model::name).collect();
        assert_eq!(names, [model], "only one flavour is right for {scheme}");
        let mut other = network(model, 7, 2);
        let report = load(&mut other, &dict, &LoadOptions::default()).unwrap();
        assert_eq!(report.scheme, scheme);
        assert!(values(&other) == values(&original), "{scheme}");
    }
}

/// `values` with axis `k` of the result taken from axis `order[k]`.
fn moved<const N: usize>(values: &[f32], shape: &[usize], order: [usize; N]) -> Vec<f32> {
    let lengths = order.map(|axis| shape[axis]);
    let mut result = Vec::with_capacity(values.len());
    for flat in 0..values.len() {
        let mut rest = flat;
        let mut index = [0; N];
        for axis in (0..N).rev() {
            index[order[axis]] = rest % lengths[axis];
            rest /= lengths[axis];
        }
        let offset = index.iter().zip(shape).fold(0, |offset, (at, length)| offset * length + at);
        result.push(values[offset]);
    }
    result
}

#[test]
fn averaged_variables_come_before_those_of_the_last_step() {
    let original = network("tf_efficientnetv2_b0", 7, 1);
    let scheme = crate::weights::names::SCHEMES
        .iter()
        .find(|scheme| scheme.name == "google_efficientnetv2")
        .unwrap();
    let params = original.graph().params();
    let at = params.iter().position(|param| param.name == "bn1.weight").unwrap();
    let name = scheme.aliases(params).unwrap().swap_remove(at).name;
    let mut dict = StateDict::new();
    for (name, value) in [(name.clone(), 1.0), (format!("{name}/ExponentialMovingAverage"), 2.0)] {
        dict.push(TensorEntry::new(name, DType::F32, &[32], vec![value; 32]).unwrap()).unwrap();
    }
    let mut other = network("tf_efficientnetv2_b0", 7, 2);
    let options = LoadOptions { partial: true, ..LoadOptions::default() };
    let report = load(&mut other, &dict, &options).unwrap();
    assert_eq!(
        (&report.loaded[..], &report.unexpected[..]),
        (&["bn1.weight".to_owned()][..], &[][..])
    );
    assert_eq!(values(&other)[at], [2.0; 32]);
}

#[test]
fn conversion_keeps_counts_whole_and_rounds_the_rest() {
    let original = network("ghostnet_050", 7, 1);
    let dict = state_dict(&original).unwrap();
    let model = registry::find("ghostnet_050").unwrap();
    let (half, report) =
        convert(&dict, model, &options_of(&dict, model), Some(DType::F16)).unwrap();
    assert!(report.is_complete());
    assert_eq!(half.metadata["num_classes"], "7");
    assert_eq!(half.get("bn1.num_batches_tracked").unwrap().dtype(), DType::I64);
    assert_eq!(half.get("bn1.weight").unwrap().dtype(), DType::F16);
    let bytes = safetensors::to_bytes(&half).unwrap();
    assert!(bytes.len() < safetensors::to_bytes(&dict).unwrap().len() * 6 / 10);

    let other = registry::find("ghostnet_100").unwrap();
    assert!(matches!(
        convert(&dict, other, &options_of(&dict, other), None),
        Err(WeightsError::OtherModel { .. })
    ));
}
