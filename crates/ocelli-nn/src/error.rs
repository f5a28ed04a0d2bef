//! What can go wrong with networks and weights.

/// The result of an operation on networks.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry has no model of that name.
    #[error("unknown model `{name}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// The known name that is closest to it.
        nearest: Option<String>,
    },

    /// A network has no layer of that name.
    #[error("the network has no layer `{name}`; near are {}", near.join(", "))]
    UnknownLayer {
        /// What was asked for.
        name: String,
        /// Names that it has, the nearest first.
        near: Vec<String>,
    },

    /// An option of a model has a value that the architecture cannot have.
    #[error("model option `{option}`: {value} is not possible, expected {expected}")]
    ModelOption {
        /// The field of the model's options.
        option: String,
        /// The value given.
        value: String,
        /// What would be accepted.
        expected: String,
    },

    /// A layer cannot take its input: it is too small, or layer and input do not fit together.
    #[error("layer `{layer}` cannot take an input of shape {shape:?}: {reason}")]
    Shape {
        /// The layer that refuses.
        layer: String,
        /// The shape, `[channels, height, width]`.
        shape: [usize; 3],
        /// Why.
        reason: String,
    },

    /// An image has another number of values than its size says.
    #[error("an image of {expected:?} has {} values, got {actual}", expected.iter().product::<usize>())]
    ImageLength {
        /// `[channels, height, width]`
        expected: [usize; 3],
        /// The number of values given.
        actual: usize,
    },

    /// A changed pixel is not one of the image's.
    #[error("pixel {pixel:?} of {values} values is not in an image of {image:?}")]
    Edit {
        /// Row and column.
        pixel: [usize; 2],
        /// How many values it has.
        values: usize,
        /// `[channels, height, width]`
        image: [usize; 3],
    },

    /// Candidates do not fit the image that they are to differ from, or the room for their logits.
    #[error(
        "candidates of {image:?} with {logits} logits, expected {expected:?} with {expected_logits}"
    )]
    Candidates {
        /// `[channels, height, width]` of the candidates.
        image: [usize; 3],
        /// Of the image.
        expected: [usize; 3],
        /// How many logits there is room for.
        logits: usize,
        /// How many there are.
        expected_logits: usize,
    },

    /// A graph has no route of that name.
    #[error("the network has no route `{name}`; it has {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    UnknownRoute {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },

    /// A route names an operation that a graph does not have: it is a route of another graph.
    #[error("the route has operation {index} of a graph of {operations}")]
    ForeignRoute {
        /// The operation.
        index: usize,
        /// How many the graph has.
        operations: usize,
    },

    /// A route needs a value that it does not give.
    #[error("the value of `{layer}` is needed, but not given")]
    NotGiven {
        /// The input.
        layer: String,
    },

    /// Another number of values is given than a route says.
    #[error("a route of {expected} given values got {actual}")]
    GivenValues {
        /// How many the route says.
        expected: usize,
        /// How many there are.
        actual: usize,
    },

    /// Given values are of different batches.
    #[error("the given values are of {first} and of {other} samples")]
    BatchSizes {
        /// Samples of the first.
        first: usize,
        /// Of another.
        other: usize,
    },

    /// A tensor for a parameter has the wrong number of values.
    #[error("parameter `{name}` has shape {expected:?}, got {actual} values")]
    ParameterLength {
        /// The parameter.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The number of values offered.
        actual: usize,
    },

    /// Codes of few bits do not fit a parameter.
    #[error("parameter `{name}`: {reason}")]
    Packed {
        /// The parameter.
        name: String,
        /// What does not fit.
        reason: String,
    },

    /// A pattern for parameter names is malformed.
    #[error("`{pattern}` is not a pattern for parameter names: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A file of weights was refused.
    #[error(transparent)]
    Weights(#[from] crate::weights::WeightsError),
}
