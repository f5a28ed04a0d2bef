//! Who reads whose value.

use crate::graph::{Graph, Node};
use crate::node_id::NodeId;
use crate::route::Route;

/// The readers of each operation's value, once operations that change nothing are looked through.
///
/// Plans of training and of inference, `ghostify` and `fold` fuse an operation with the one that alone
/// reads its value; all ask here.
#[derive(Debug)]
pub(crate) struct Wiring {
    /// For each operation the one whose value is its own.
    sources: Vec<usize>,
    /// The operations that read each operation's value, under whatever name; that of an identity is its
    /// source's. Whoever asked for a value is a reader beyond the last operation.
    readers: Vec<Vec<usize>>,
}

impl Wiring {
    /// The wiring of a route, on which `needed` are. An identity is an operation that `is_identity`
    /// says to have its input's value.
    pub(crate) fn of_route(
        graph: &Graph,
        route: &Route,
        needed: &[bool],
        is_identity: impl Fn(&Node) -> bool,
    ) -> Self {
        let is_given = |index| route.from.contains(&NodeId(index));
        let computed = |index: usize| needed[index] && !is_given(index);
        Self::new(graph, &route.to, computed, is_identity)
    }

    /// The wiring of a whole graph as it is written, for rewriting: what the graph names (stages,
    /// features, pooled, logits, ends of routes) is read from outside.
    pub(crate) fn of_all(graph: &Graph) -> Self {
        let mut wanted = vec![graph.features(), graph.pooled(), graph.logits()];
        wanted.extend(graph.stages());
        for route in graph.routes.values() {
            wanted.extend(route.from.iter().chain(&route.to));
        }
        Self::new(graph, &wanted, |_| true, |_| false)
    }

    fn new(
        graph: &Graph,
        wanted: &[NodeId],
        is_computed: impl Fn(usize) -> bool,
        is_identity: impl Fn(&Node) -> bool,
    ) -> Self {
        let nodes = graph.nodes();
        let mut sources: Vec<usize> = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let identity = is_computed(index) && is_identity(node);
            let through = node.inputs.first().filter(|_| identity);
            sources.push(through.map_or(index, |input| sources[input.index()]));
        }
        let mut readers = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            if sources[index] == index && is_computed(index) {
                node.inputs.iter().for_each(|input| readers[sources[input.index()]].push(index));
            }
        }
        for id in wanted {
            readers[sources[id.index()]].push(nodes.len());
        }
        Self { sources, readers }
    }

    /// The operation whose value is that of `index`.
    pub(crate) fn source(&self, index: usize) -> usize {
        self.sources[index]
    }

    /// The only operation that reads a value.
    pub(crate) fn sole_reader(&self, index: usize) -> Option<usize> {
        match self.readers[self.sources[index]][..] {
            [reader] if reader < self.sources.len() => Some(reader),
            _ => None,
        }
    }

    /// Whether a value is read after operation `index`, or from outside.
    pub(crate) fn is_read_after(&self, value: usize, index: usize) -> bool {
        self.readers[self.sources[value]].iter().any(|reader| *reader > index)
    }
}
