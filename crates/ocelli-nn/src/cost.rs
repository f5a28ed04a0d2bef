//! What a network costs: parameters, multiply-adds and activations, per layer and in all.
//!
//! Multiply-adds (MACs) count convolutions and linear layers, as the papers do; activations are
//! the values that these layers write, the `activations` of timm's tables.

use crate::Result;
use crate::graph::{Graph, Node};
use crate::op::{OperationCost, Shape};
use serde::Serialize;

/// The cost of one layer for one image.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCost {
    /// The module path.
    pub name: String,
    /// `conv`, `linear` or `batch_norm`.
    pub kind: &'static str,
    /// `[channels, rows, columns]` of the result.
    pub output: [usize; 3],
    /// Learnt parameters.
    pub params: u64,
    /// Multiply-adds.
    pub macs: u64,
    /// Values written, zero for a normalisation.
    pub activations: u64,
}

/// The cost of a network for one image of one size.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Learnt parameters.
    pub params: u64,
    /// Multiply-adds of convolutions and linear layers.
    pub macs: u64,
    /// Values that convolutions and linear layers write.
    pub activations: u64,
    /// Values that batch normalisations write; some tools add one or two operations for each.
    pub norm_elements: u64,
    /// Every layer that has parameters, in running order.
    pub layers: Vec<LayerCost>,
}

impl Cost {
    /// Counts `graph` for an image of `height` × `width` pixels.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) when the image is too small for the network.
    pub fn new(graph: &Graph, height: usize, width: usize) -> Result<Self> {
        let shapes = graph.shapes(height, width)?;
        let layers: Vec<LayerCost> = graph
            .nodes()
            .iter()
            .zip(shapes)
            .filter_map(|(node, shape)| layer_cost(node, shape))
            .collect();
        let sum = |part: fn(&LayerCost) -> u64| layers.iter().map(part).sum();
        let norms = layers.iter().filter(|layer| layer.kind == "batch_norm");
        Ok(Self {
            params: sum(|layer| layer.params),
            macs: sum(|layer| layer.macs),
            activations: sum(|layer| layer.activations),
            norm_elements: norms.map(|layer| layer.output.iter().product::<usize>() as u64).sum(),
            layers,
        })
    }
}

fn layer_cost(node: &Node, shape: Shape) -> Option<LayerCost> {
    let OperationCost { kind, params, macs, activations } = node.op.operation().cost(shape)?;
    let output = [shape.channels, shape.height, shape.width];
    Some(LayerCost { name: node.name.clone(), kind, output, params, macs, activations })
}
