//! Which values of a graph are given and which are wanted.

use crate::node_id::NodeId;

/// A way through a graph: from values that are given to values that are wanted. Only the operations
/// between them run, so that one graph can hold an encoder and a decoder, two towers, or a backbone in
/// two halves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The operations whose values are given, the input image among them where it is needed.
    pub from: Vec<NodeId>,
    /// The operations whose values are wanted.
    pub to: Vec<NodeId>,
}

impl Route {
    /// The same way through another form of the graph.
    pub(crate) fn map(&self, at: impl Fn(NodeId) -> NodeId) -> Self {
        let ids = |ids: &[NodeId]| ids.iter().map(|id| at(*id)).collect();
        Self { from: ids(&self.from), to: ids(&self.to) }
    }
}
