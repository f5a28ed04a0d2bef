//! Which activations of a network in a file are quantized, and how. Their ranges and learnt numbers are tensors
//! of the file.

use super::StateDict;
use super::error::WeightsError;
use crate::graph::{Graph, Op, QuantizerSettings, reader_name};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The key of a file's metadata under which it says which layers read quantized activations: JSON, from each
/// quantizer to the names of the layers. Files without it are of networks whose activations are floats.
pub const KEY: &str = "activations";

/// For each quantizer, as in `min_max:8`, the layers, and the inputs of sums and the like (`SUM.add1`), that read
/// values on its levels.
type Readers = BTreeMap<String, Vec<String>>;

/// What the header says of the activations of a network; `None` if they are floats.
///
/// # Errors
/// When a tensor has a mixture of several quantizers: then it is not decided yet.
pub(super) fn describe(graph: &Graph) -> Result<Option<String>> {
    let mut readers = Readers::new();
    for (id, node, quantize) in graph.quantizers() {
        let [branch] = quantize.branches[..] else {
            return Err(refuse(node.name.clone(), "one quantizer of each tensor"));
        };
        let of = graph.nodes().iter().flat_map(|reader| {
            let inputs = reader.inputs.iter().enumerate().filter(|(_, input)| **input == id);
            inputs.filter_map(|(input, _)| reader_name(reader, input))
        });
        readers.entry(branch.quantizer.to_string()).or_default().extend(of);
    }
    let text = (!readers.is_empty()).then(|| serde_json::to_string(&readers)).transpose();
    text.map_err(|error| refuse(error.to_string(), "names of layers"))
}

/// The graph with the quantizations that a file tells of; `None` if it tells of none.
///
/// # Errors
/// As for [`quantized`].
pub(super) fn of_file(graph: &Graph, dict: &StateDict) -> Result<Option<Graph>, WeightsError> {
    let text = dict.metadata.get(KEY);
    let graph = text.map(|text| quantized(graph, text)).transpose();
    graph.map_err(|error| WeightsError::Container {
        file: dict.file().to_owned(),
        reason: error.to_string(),
    })
}

/// The graph with the quantizations that the header describes.
///
/// # Errors
/// When it does not say which layers read what, or of layers that there are not.
pub(super) fn quantized(graph: &Graph, text: &str) -> Result<Graph> {
    let readers: Readers =
        serde_json::from_str(text).map_err(|error| refuse(error.to_string(), "quantizers"))?;
    let quantizers = readers.keys().map(|name| name.parse()).collect::<Result<Vec<_>>>()?;
    let choice: BTreeMap<&str, usize> = readers
        .values()
        .enumerate()
        .flat_map(|(index, layers)| layers.iter().map(move |layer| (layer.as_str(), index)))
        .collect();
    let mut known = BTreeSet::new();
    let (mut image, mut sums) = (false, false);
    for node in graph.nodes() {
        for (input, id) in node.inputs.iter().enumerate() {
            let Some(name) = reader_name(node, input) else { continue };
            if choice.contains_key(name.as_str()) {
                image |= matches!(graph.node(*id).op, Op::Input(_));
                sums |= !matches!(node.op, Op::Conv2d(_) | Op::Linear(_));
            }
            known.insert(name);
        }
    }
    if let Some(layer) = choice.keys().find(|layer| !known.contains(**layer)) {
        return Err(refuse((*layer).to_owned(), "a layer of the network"));
    }
    let settings = QuantizerSettings { image, sums, ..QuantizerSettings::new(quantizers) };
    let all = graph.with_quantizers(&settings, |layer| choice.contains_key(layer))?;
    let of_tensor =
        |name: &str| name.strip_suffix(".quantize").and_then(|layer| choice.get(layer)).copied();
    all.hardened(|name, _| of_tensor(name).unwrap_or(0))
}

fn refuse(value: String, expected: &str) -> Error {
    Error::ModelOption { option: KEY.to_owned(), value, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{self, ModelOptions};
    use crate::weights::{
        LoadOptions, ReadOptions, convert, load, network_from, safetensors, state_dict,
    };
    use crate::{InferenceEngine, Network};
    use burn::tensor::{Device, Tensor};
    use ocelli_random::Seed;

    fn floats() -> Network {
        let model = registry::find("resnet20_cifar").unwrap();
        model.network(&ModelOptions::default(), Seed(4), &Device::flex()).unwrap()
    }

    /// Quantizers that differ between tensors, one tensor of floats, and ranges and scales that are none's first.
    fn quantized() -> Network {
        let names = ["pact:2", "lsq:3", "min_max:4", "float"];
        let settings = QuantizerSettings::new(names.map(|name| name.parse().unwrap()).to_vec());
        let mixture = floats().graph().with_quantizers(&settings, |name| name != "linear").unwrap();
        let choice = |name: &str| match name {
            "layer1.0.conv1.quantize" => 3,
            name => usize::from(name.contains("layer2")) + 2 * usize::from(name.contains("layer3")),
        };
        let mut network =
            floats().with_graph(mixture.hardened(|name, _| choice(name)).unwrap()).unwrap();
        let ids: Vec<_> = network.params().iter().map(|(id, param)| (id, param.clone())).collect();
        for (id, param) in ids.into_iter().filter(|(_, it)| it.spec.name.contains(".quantize.")) {
            let values = if param.spec.len() == 2 { vec![0.0, 1.7] } else { vec![0.6] };
            network.params_mut().set_values(id, values).unwrap();
        }
        network
    }

    fn logits(network: &Network) -> Vec<f32> {
        let images = Tensor::<4>::ones([1, 3, 32, 32], &Device::flex()).mul_scalar(0.37);
        let logits = InferenceEngine::new(network).unwrap().logits(images).unwrap();
        logits.into_data().iter::<f32>().collect()
    }

    fn reread(dict: &StateDict) -> StateDict {
        let bytes = safetensors::to_bytes(dict).unwrap();
        StateDict::from_bytes("m", bytes, &ReadOptions::default()).unwrap()
    }

    #[test]
    fn a_file_of_floats_has_the_network_with_its_quantizers() {
        let network = quantized();
        let dict = reread(&state_dict(&network).unwrap());
        assert!(dict.metadata[KEY].contains("lsq:3"), "{}", dict.metadata[KEY]);
        let model = registry::find("resnet20_cifar").unwrap();
        let plain = || model.graph(&ModelOptions::default()).unwrap();
        let converted = convert(&dict, model, &ModelOptions::default(), None).unwrap().0;
        for dict in [&dict, &reread(&converted)] {
            let (read, report) = network_from(plain(), dict, &Device::flex()).unwrap();
            assert!(report.is_complete());
            assert_eq!(logits(&read), logits(&network), "to the bit");
            assert_ne!(logits(&read), logits(&floats()));
        }
        // Files of before have no such key.
        let old = reread(&state_dict(&floats()).unwrap());
        assert!(!old.metadata.contains_key(KEY));
        let (read, _) = network_from(plain(), &old, &Device::flex()).unwrap();
        assert_eq!(logits(&read), logits(&floats()));
        let mut altered = dict.clone();
        altered.metadata.insert(KEY.to_owned(), r#"{"min_max:9": ["conv1"]}"#.to_owned());
        let error = network_from(plain(), &altered, &Device::flex()).unwrap_err().to_string();
        assert!(error.starts_with("m: ") && error.contains("1 to 8 bits"), "{error}");
    }

    #[test]
    fn a_network_of_floats_leaves_them_beside() {
        let dict = reread(&state_dict(&quantized()).unwrap());
        let mut network = floats();
        let report = load(&mut network, &dict, &LoadOptions::default()).unwrap();
        // Of 18 tensors one is of floats.
        let ranges = report.beside.iter().filter(|name| name.contains(".quantize.range")).count();
        assert_eq!(ranges, 17, "{:?}", report.beside);
        assert_eq!(logits(&network), logits(&floats()));
        let mut same = quantized();
        assert!(load(&mut same, &dict, &LoadOptions::default()).unwrap().beside.is_empty());
        // What is not said to be of activations is foreign still.
        let mut silent = dict.clone();
        silent.metadata.remove(KEY);
        assert!(load(&mut network, &silent, &LoadOptions::default()).is_err());
    }
}
