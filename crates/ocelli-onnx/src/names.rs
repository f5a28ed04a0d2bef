//! What values are called in a file.

/// The name of the image in a file, `[batch, channels, height, width]`.
pub const INPUT: &str = "image";

/// The name of the result in a file, `[batch, classes]`; of a network that ends in features, those.
pub const OUTPUT: &str = "logits";
