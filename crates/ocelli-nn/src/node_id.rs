//! Which operation of a graph is meant.

/// The index of an operation in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The position in [`Graph::nodes`](crate::graph::Graph::nodes), counted from zero.
    pub fn index(self) -> usize {
        self.0
    }
}
