//! What is told about a plan.

/// Which operations of a network run on integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegerLayers {
    /// The layers whose products are of integers, in running order.
    pub integer: Vec<String>,
    /// The operations that compute in floats, in running order.
    pub float: Vec<String>,
}
