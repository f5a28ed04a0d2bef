//! A network's operations in the standard's words.

mod attribute;
mod integers;
mod operation;
mod writer;
mod written;

use crate::names::OUTPUT;
use crate::opset::Opset;
use crate::{Error, Result};
use ocelli_nn::Network;
use ocelli_nn::graph::Shape;
use operation::write_operation;
use writer::{Value, Writer};

pub(crate) use written::Written;

/// Writes all operations between the image, of the shape `input`, and the logits.
pub(crate) fn write(network: &Network, input: Shape, opset: Opset) -> Result<Written> {
    let graph = network.graph();
    if let Some((_, node, _)) = graph.quantizers().find(|(.., it)| it.branches.len() != 1) {
        let reason = "it mixes several quantizers".to_owned();
        return Err(Error::NoExport { layer: node.name.clone(), reason });
    }
    let shapes = graph.shapes_on(&graph.classify(), &[input])?;
    let mut writer = Writer::new(network.params(), opset);
    let mut values: Vec<Option<Value>> = Vec::with_capacity(shapes.len());
    for (index, (node, shape)) in graph.nodes().iter().zip(&shapes).enumerate() {
        let Some(shape) = *shape else {
            values.push(None);
            continue;
        };
        let inputs: Vec<Value> =
            node.inputs.iter().filter_map(|id| values[id.index()].clone()).collect();
        let value = match (index, inputs.as_slice()) {
            (0, _) => Value::image(input),
            (_, []) => return Err(Error::malformed(&node.name, "it has no input")),
            (_, inputs) => write_operation(&mut writer, node, inputs, shape)?,
        };
        values.push(Some(value));
    }
    let logits = values.into_iter().nth(graph.logits().index()).flatten();
    let logits = logits.ok_or_else(|| Error::malformed(OUTPUT, "nothing computes it"))?;
    let outputs = logits.shape.len();
    Ok(writer.finish(&logits, outputs))
}
