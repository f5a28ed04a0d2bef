//! Why a network cannot be quantized without training.

/// An error of a quantization without training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostTrainingError {
    /// There are no codes of so many bits.
    #[error("`bits` is {bits}, expected 1 to 8")]
    Bits {
        /// What was asked for.
        bits: u32,
    },

    /// The network has codes already.
    #[error("`{layer}` has codes of {bits} bits already, expected floats")]
    Packed {
        /// The first layer that has.
        layer: String,
        /// Their bits.
        bits: u32,
    },

    /// A pattern of layers to keep is that of no layer.
    #[error("no layer is called `{pattern}`; the first are {}", layers.join(", "))]
    NoLayer {
        /// The pattern.
        pattern: String,
        /// Some layers that there are.
        layers: Vec<String>,
    },

    /// All layers stay as they are.
    #[error("all {layers} layers are kept as floats: there is nothing to quantize")]
    NothingLeft {
        /// How many layers the network has.
        layers: usize,
    },

    /// A weight of a layer is no finite number.
    #[error("layer `{layer}`: {value} at element {index} of its weights, expected finite numbers")]
    NotFinite {
        /// The layer.
        layer: String,
        /// Which weight.
        index: usize,
        /// The weight.
        value: f32,
    },

    /// The weights of a layer are all the same.
    #[error("layer `{layer}`: all {count} weights are {value}, expected a range of values")]
    Constant {
        /// The layer.
        layer: String,
        /// How many weights.
        count: usize,
        /// What they are.
        value: f32,
    },

    /// No choice of bits is small enough.
    #[error("a budget of {budget} bytes: with one bit for each weight the file has {smallest}")]
    Budget {
        /// The budget in bytes.
        budget: u64,
        /// The smallest file.
        smallest: u64,
    },
}
