//! Runs an ONNX file by the definitions of its operations, with loops that are easy to compare with the
//! standard. It shares nothing with the engines, so that it can tell whether a file says what they compute.

mod convolution;
mod elementwise;
mod layout;
mod levels;
mod normalisation;
mod operation;
mod pooling;
mod settings;
mod tensor;
mod window;

use crate::names::{INPUT, OUTPUT};
use crate::proto::ModelProto;
use crate::{Error, Result};
use bytes::Bytes;
use operation::run;
use prost::Message;
use settings::Settings;
use std::collections::HashMap;
use tensor::Values;

/// The result for a batch of images.
///
/// # Shapes
/// - `images`: `shape`
pub(crate) fn evaluate(bytes: Bytes, images: Vec<f32>, shape: [usize; 4]) -> Result<Vec<f32>> {
    let model = ModelProto::decode(bytes)
        .map_err(|error| Error::malformed("the file", error.to_string()))?;
    let graph = model.graph.ok_or_else(|| Error::malformed("the file", "it has no graph"))?;
    let mut uses: HashMap<&str, usize> = HashMap::from([(OUTPUT, 1)]);
    for name in graph.node.iter().flat_map(|node| &node.input) {
        *uses.entry(name).or_default() += 1;
    }
    let mut values = HashMap::from([(INPUT, Values::floats(images, &shape)?)]);
    for tensor in &graph.initializer {
        values.insert(tensor.name.as_str(), Values::from_proto(tensor)?);
    }
    for node in &graph.node {
        let inputs: Vec<&Values> = node
            .input
            .iter()
            .map(|name| values.get(name.as_str()))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::malformed(&node.name, "an input is not computed before"))?;
        let result = run(Settings::new(node), &inputs)?;
        for name in &node.input {
            if let Some(left) = uses.get_mut(name.as_str()) {
                *left -= 1;
                if *left == 0 {
                    values.remove(name.as_str());
                }
            }
        }
        if let [output] = node.output.as_slice() {
            values.insert(output, result);
        }
    }
    let result = values.remove(OUTPUT);
    result.ok_or_else(|| Error::malformed(OUTPUT, "nothing computes it"))?.into_floats(OUTPUT)
}
