//! Which activations of a packed network are quantized, and how. Their ranges are tensors of the file.

use crate::graph::{Graph, Op, QuantizerSettings, reader_name};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The key of the header.
pub(super) const KEY: &str = "activations";

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
