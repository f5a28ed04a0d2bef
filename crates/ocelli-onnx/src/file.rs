//! A network as an ONNX file.

use crate::names::{INPUT, OUTPUT};
use crate::opset::Opset;
use crate::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::weights_form::WeightsForm;
use crate::write::{Written, write};
use crate::{Error, Result};
use bytes::Bytes;
use ocelli_nn::Network;
use ocelli_nn::graph::Shape;
use prost::Message;

/// The name of the axis that may have any length.
const BATCH: &str = "batch";

/// How a network is written.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportOptions {
    /// The version of the standard's operations.
    pub opset: Opset,
    /// Height and width of an image, pixels.
    pub size: [usize; 2],
    /// What the network is called.
    pub name: String,
    /// What else the file says of itself: preprocessing, classes and the like, by name.
    pub properties: Vec<(String, String)>,
}

impl ExportOptions {
    /// A name and a size, and else the defaults.
    pub fn new(name: &str, size: [usize; 2]) -> Self {
        Self { opset: Opset::default(), size, name: name.to_owned(), properties: Vec::new() }
    }
}

/// The bytes of an ONNX file, with what is needed to run it.
#[derive(Clone, Debug)]
pub struct OnnxFile {
    bytes: Bytes,
    opset: Opset,
    input: [usize; 3],
    outputs: usize,
    weights: WeightsForm,
    has_levels: bool,
}

impl OnnxFile {
    /// Protocol buffers count their bytes in 31 bits.
    pub const MOST_BYTES: u64 = i32::MAX as u64;

    /// Writes a network, from its image to its logits.
    ///
    /// # Errors
    /// [`Error::NoExport`] for an operation that ONNX has not, [`Error::TooLarge`] from 2 GiB on, and what the
    /// network says of images of another size.
    pub fn from_network(network: &Network, options: &ExportOptions) -> Result<Self> {
        let graph = network.graph();
        let [height, width] = options.size;
        let input = [graph.in_channels(), height, width];
        refuse_large(network)?;
        let folded = network.fold_batch_norm()?;
        let Written { nodes, initializers, outputs, weights, has_levels } =
            write(&folded, Shape::from(input), options.opset)?;
        let axis = |length: usize| DimensionValue::Fixed(length as i64);
        let images = input.map(axis);
        let of_weights = property(&("weights".to_owned(), weights.to_string()));
        let model = ModelProto {
            ir_version: options.opset.ir_version(),
            producer_name: "ocelli".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(GraphProto {
                node: nodes,
                name: options.name.clone(),
                initializer: initializers,
                input: vec![float_value(INPUT, images)],
                output: vec![float_value(OUTPUT, [axis(outputs)])],
            }),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: i64::from(options.opset.version()),
            }],
            metadata_props: options.properties.iter().map(property).chain([of_weights]).collect(),
        };
        let bytes = model.encoded_len() as u64;
        if bytes > Self::MOST_BYTES {
            return Err(Error::TooLarge { bytes, most: Self::MOST_BYTES });
        }
        let bytes = Bytes::from(model.encode_to_vec());
        Ok(Self { bytes, opset: options.opset, input, outputs, weights, has_levels })
    }

    /// What is to be written to disk.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, shared.
    pub(crate) fn shared_bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The version of the standard's operations.
    pub fn opset(&self) -> Opset {
        self.opset
    }

    /// How weights are kept, which the file also says of itself as `weights`.
    pub fn weights(&self) -> WeightsForm {
        self.weights
    }

    /// Whether activations are quantized, so that a value may be a level away where sums round otherwise.
    pub(crate) fn has_levels(&self) -> bool {
        self.has_levels
    }

    /// Channels, height and width of an image.
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// How many values the result has for an image.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// Refuses a network by its weights alone, before any of them is copied.
fn refuse_large(network: &Network) -> Result<()> {
    let elements: u64 = network.params().iter().map(|(_, entry)| entry.spec.len() as u64).sum();
    match 4 * elements {
        bytes if bytes > OnnxFile::MOST_BYTES => {
            Err(Error::TooLarge { bytes, most: OnnxFile::MOST_BYTES })
        }
        _ => Ok(()),
    }
}

fn float_value(name: &str, axes: impl IntoIterator<Item = DimensionValue>) -> ValueInfoProto {
    let batch = DimensionValue::Named(BATCH.to_owned());
    let axes = [batch].into_iter().chain(axes);
    let dim = axes.map(|value| Dimension { value: Some(value) }).collect();
    let shape = Some(TensorShapeProto { dim });
    let tensor = TensorTypeProto { elem_type: TensorProto::FLOAT, shape };
    ValueInfoProto {
        name: name.to_owned(),
        value_type: Some(TypeProto { tensor_type: Some(tensor) }),
    }
}

fn property((key, value): &(String, String)) -> StringStringEntryProto {
    StringStringEntryProto { key: key.clone(), value: value.clone() }
}
