//! A graph with its parameters: what is trained, evaluated, saved and attacked.

use crate::execute::execute;
use crate::gradients::Gradients;
use crate::graph::Graph;
use crate::node_id::NodeId;
use crate::op::{Dropout, Op};
use crate::parameter::{Parameters, Role};
use crate::pass::{BatchStats, Pass};
use crate::route::Route;
use crate::{Result, parameter::ParamId};
use burn::tensor::{Device, Tensor};
use ocelli_random::Seed;
use std::sync::Arc;

/// A network that runs.
///
/// Cloning is cheap: clones share the graph and the memory of the values until one is changed.
#[derive(Clone, Debug)]
pub struct Network {
    graph: Arc<Graph>,
    params: Parameters,
}

impl Network {
    /// A network with first values drawn from `seed`.
    pub fn new(graph: Graph, seed: Seed, device: &Device) -> Self {
        let params = Parameters::initialise(graph.params(), seed, device);
        Self { graph: Arc::new(graph), params }
    }

    pub(crate) fn from_parts(graph: Graph, params: Parameters) -> Self {
        Self { graph: Arc::new(graph), params }
    }

    /// The operations.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The operations, as clones of this network share them.
    pub(crate) fn shared_graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Changes the probability of every dropout of the network; one that has none stays so.
    pub fn set_dropout(&mut self, new: f64) {
        let differs =
            |op: &Op| matches!(op, Op::Dropout(Dropout { probability }) if *probability != new);
        if !self.graph.nodes().iter().any(|node| differs(&node.op)) {
            return;
        }
        for node in &mut Arc::make_mut(&mut self.graph).nodes {
            if let Op::Dropout(Dropout { probability }) = &mut node.op {
                *probability = new;
            }
        }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Parameters {
        &mut self.params
    }

    /// The logits of a batch of images.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>, mut pass: Pass<'_>) -> Tensor<2> {
        let [logits] = self.run(images, [self.graph.logits()], &mut pass);
        flat(logits)
    }

    /// The last feature map before pooling.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, features, rows, columns]`
    pub fn features(&self, images: Tensor<4>, mut pass: Pass<'_>) -> Tensor<4> {
        let [features] = self.run(images, [self.graph.features()], &mut pass);
        features
    }

    /// The pooled features that the classifier takes.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, features]`
    pub fn pooled(&self, images: Tensor<4>, mut pass: Pass<'_>) -> Tensor<2> {
        let [pooled] = self.run(images, [self.graph.pooled()], &mut pass);
        flat(pooled)
    }

    /// The values of any operations of the graph, in the order asked for.
    pub fn run<const N: usize>(
        &self,
        images: Tensor<4>,
        wanted: [NodeId; N],
        pass: &mut Pass<'_>,
    ) -> [Tensor<4>; N] {
        let route = Route { from: vec![Graph::IMAGE], to: wanted.to_vec() };
        let values = self.run_route(&route, vec![images], pass).unwrap_or_default();
        let mut values = values.into_iter();
        std::array::from_fn(|_| {
            values.next().unwrap_or_else(|| {
                unreachable!("all that a graph is asked for without a route comes of its image")
            })
        })
    }

    /// The wanted values of a route, on burn's tensors.
    ///
    /// # Shapes
    /// - `given` and result: `[batch, channels, height, width]` each
    ///
    /// # Errors
    /// When the values are not those that the route gives, or it needs others.
    pub fn run_route(
        &self,
        route: &Route,
        given: Vec<Tensor<4>>,
        pass: &mut Pass<'_>,
    ) -> Result<Vec<Tensor<4>>> {
        execute(&self.graph, &self.params, route, given, pass)
    }

    /// A copy whose trainable parameters are leaves of a gradient computation; run it, and ask it
    /// for the [`gradients`](Self::gradients) of the loss.
    #[must_use]
    pub fn tracked(&self) -> Self {
        Self { graph: Arc::clone(&self.graph), params: self.params.tracked() }
    }

    /// The gradients of a `loss` that was computed from this [`tracked`](Self::tracked) copy.
    ///
    /// # Shapes
    /// - `loss`: `[1]`
    pub fn gradients(&self, loss: &Tensor<1>) -> Gradients {
        let mut gradients = loss.backward();
        self.params.iter().map(|(_, entry)| entry.value().grad_remove(&mut gradients)).collect()
    }

    /// Moves the running statistics of the batch normalisations towards those of a batch:
    /// `running ← (1 − momentum) · running + momentum · batch`.
    ///
    /// # Errors
    /// When the statistics are those of another network.
    pub fn apply_batch_stats(&mut self, stats: &[BatchStats]) -> Result<()> {
        let graph = Arc::clone(&self.graph);
        for batch in stats {
            let Op::BatchNorm(norm) = &graph.node(batch.node).op else { continue };
            let mut blend = |id: ParamId, new: &Tensor<1>| {
                let old = self.params.get(id).value();
                let moved =
                    old.mul_scalar(1.0 - norm.momentum) + new.clone().mul_scalar(norm.momentum);
                self.params.set(id, moved)
            };
            blend(norm.running_mean, &batch.mean)?;
            blend(norm.running_var, &batch.variance)?;
            let count = self.params.get(norm.num_batches_tracked).value().add_scalar(1.0);
            self.params.set(norm.num_batches_tracked, count)?;
        }
        Ok(())
    }

    /// The classifier's parameters: weight first, then the bias if it has one.
    pub fn head(&self) -> Vec<ParamId> {
        self.graph.head()
    }

    /// Whether any normalisation keeps running statistics.
    pub fn has_batch_norm(&self) -> bool {
        self.params.iter().any(|(_, entry)| entry.spec.role == Role::RunningMean)
    }
}

fn flat(value: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = value.dims();
    value.reshape([batch, channels * height * width])
}
