//! The plans that an engine keeps from step to step.

use crate::graph::Graph;
use crate::network::Network;
use crate::op::Shape;
use crate::route::Route;
use crate::train_plan::{TrainPlan, Wants};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a plan is made for.
#[derive(Clone)]
pub(super) struct Key {
    graph: Arc<Graph>,
    route: Route,
    wants: Wants,
    frozen: Vec<bool>,
    shapes: Vec<Shape>,
    batch: usize,
}

impl Key {
    pub(super) fn new(
        network: &Network,
        route: &Route,
        batch: usize,
        shapes: Vec<Shape>,
        wants: Wants,
    ) -> Self {
        let frozen = network.params().iter().map(|(_, entry)| entry.frozen).collect();
        let graph = Arc::clone(network.shared_graph());
        Self { graph, route: route.clone(), wants, frozen, shapes, batch }
    }

    /// Whether it is the same way through the same graph.
    fn is_same_way(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.graph, &other.graph)
            && self.route == other.route
            && self.wants == other.wants
    }

    /// Whether all but the batch is the same.
    fn fits(&self, other: &Self) -> bool {
        self.is_same_way(other) && self.frozen == other.frozen && self.shapes == other.shapes
    }
}

/// A plan and what it was made for.
pub(super) struct Planned {
    key: Key,
    /// `None` if there can be none.
    pub(super) plan: Option<TrainPlan>,
}

/// The plans that are not in use.
#[derive(Clone, Default)]
pub(super) struct Plans(Arc<Mutex<Vec<Planned>>>);

impl Plans {
    /// How many batch sizes are kept on each way.
    const SIZES: usize = 2;

    /// The plan for a key, which is no longer kept then.
    pub(super) fn take(&self, key: Key, network: &Network) -> Planned {
        let mut kept = self.kept();
        // On the same way a plan for samples of another size is not needed again soon, and one of a graph
        // that nobody else holds never. The memory of old plans goes before the new one's comes.
        let graphs: Vec<_> = kept.iter().map(|planned| Arc::clone(&planned.key.graph)).collect();
        kept.retain(|planned| {
            let graph = &planned.key.graph;
            // Each is held by its plan and by the list just made.
            let ours = 2 * graphs.iter().filter(|other| Arc::ptr_eq(graph, other)).count();
            let is_alive = Arc::strong_count(graph) > ours;
            is_alive && (planned.key.fits(&key) || !planned.key.is_same_way(&key))
        });
        drop(graphs);
        let fits = |planned: &Planned| planned.key.fits(&key) && planned.key.batch == key.batch;
        if let Some(index) = kept.iter().position(fits) {
            return kept.remove(index);
        }
        let same: Vec<usize> =
            (0..kept.len()).filter(|index| kept[*index].key.is_same_way(&key)).collect();
        if same.len() >= Self::SIZES {
            kept.remove(same[0]);
        }
        drop(kept);
        let Key { graph, route, wants, shapes, batch, .. } = &key;
        let plan = TrainPlan::new(graph, network.params(), route, *batch, shapes, *wants);
        Planned { key, plan }
    }

    /// Keeps a plan for the next step, as the newest.
    pub(super) fn keep(&self, planned: Planned) {
        self.kept().push(planned);
    }

    /// What a panic in another thread left is still whole: it is changed by single calls.
    fn kept(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
