//! Several graphs as one.

use super::{Graph, Node};
use crate::init::Initializer;
use crate::node_id::NodeId;
use crate::parameter::{ParamId, ParamSpec, Role};
use crate::{Result, Route};
use std::collections::{BTreeMap, BTreeSet};

impl Graph {
    /// Several graphs side by side in one, so that optimiser, average, freezing, checkpoint and resume
    /// are one thing. Names of operations, parameters and routes get a prefix with a dot; the route of a
    /// part from its image to its logits is named by the prefix alone. What the graph is asked for without
    /// a route (image, features, pooled, logits, stages) is the first part's.
    ///
    /// A prefix of no letters adds nothing: the first part keeps its names then.
    ///
    /// # Panics
    /// When there is no part.
    #[must_use]
    pub fn join(parts: &[(&str, &Self)]) -> Self {
        let (_, first) = parts[0];
        let mut joined = Self {
            nodes: Vec::new(),
            params: Vec::new(),
            routes: BTreeMap::new(),
            ..first.clone()
        };
        for (prefix, part) in parts {
            joined.append(prefix, part);
        }
        joined
    }

    fn append(&mut self, prefix: &str, part: &Self) {
        let (nodes, params) = (self.nodes.len(), self.params.len());
        let named = |name: &str| {
            if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
        };
        let at = |id: NodeId| NodeId(nodes + id.0);
        for node in &part.nodes {
            let mut op = node.op.clone();
            op.operation_mut().map_params(&mut |id| ParamId(params + id.0));
            let inputs = node.inputs.iter().map(|id| at(*id)).collect();
            self.nodes.push(Node { name: named(&node.name), op, inputs });
        }
        self.params.extend(part.params.iter().map(|spec| {
            let mut spec = spec.clone();
            spec.name = named(&spec.name);
            spec
        }));
        if !prefix.is_empty() {
            self.routes.insert(prefix.to_owned(), part.classify().map(at));
        }
        for (name, route) in &part.routes {
            self.routes.insert(named(name), route.map(at));
        }
    }

    /// The same graph with a route of its own name.
    #[must_use]
    pub fn with_route(mut self, name: &str, route: Route) -> Self {
        self.routes.insert(name.to_owned(), route);
        self
    }

    /// The same graph with a parameter that no operation reads, which a method uses: a temperature, say.
    /// It comes after all others, whose first values stay as they are.
    #[must_use]
    pub fn with_free(
        mut self,
        name: &str,
        shape: &[usize],
        role: Role,
        initializer: Initializer,
    ) -> Self {
        let (name, shape) = (name.to_owned(), shape.to_vec());
        self.params.push(ParamSpec { name, shape, role, initializer });
        self
    }

    /// The parameters that no operation reads.
    pub(crate) fn free_params(&self) -> Vec<ParamId> {
        let read = self.params_read();
        (0..self.params.len()).map(ParamId).filter(|id| !read.contains(id)).collect()
    }

    /// The parameters of a route, in state-dict order: those to freeze for training what comes after it,
    /// say.
    ///
    /// # Errors
    /// [`NotGiven`](crate::Error::NotGiven) when it needs an input that is not given.
    pub fn params_on(&self, route: &Route) -> Result<Vec<ParamId>> {
        let needed = self.needed(route)?;
        let runs = |index: usize| needed[index] && !route.from.contains(&NodeId(index));
        Ok(self.params_of(runs).into_iter().collect())
    }

    /// The parameters that some operation reads.
    pub(crate) fn params_read(&self) -> BTreeSet<ParamId> {
        self.params_of(|_| true)
    }

    fn params_of(&self, counts: impl Fn(usize) -> bool) -> BTreeSet<ParamId> {
        let mut read = BTreeSet::new();
        for (_, node) in self.nodes.iter().enumerate().filter(|(index, _)| counts(*index)) {
            node.op.clone().operation_mut().map_params(&mut |id| {
                read.insert(id);
                id
            });
        }
        read
    }
}
