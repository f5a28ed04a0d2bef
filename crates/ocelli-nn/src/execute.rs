//! Runs a graph on tensors, one operation after another.

use crate::graph::Graph;
use crate::node_id::NodeId;
use crate::op::Run;
use crate::parameter::Parameters;
use crate::pass::Pass;
use crate::route::Route;
use crate::{Error, Result};
use burn::tensor::Tensor;

/// Runs a route of `graph` and returns the wanted values. A value is freed after its last use.
///
/// # Shapes
/// - `given` and result: `[batch, channels, height, width]` each
///
/// # Errors
/// When the values are not those that the route gives, or it needs others.
pub(crate) fn execute(
    graph: &Graph,
    params: &Parameters,
    route: &Route,
    given: Vec<Tensor<4>>,
    pass: &mut Pass<'_>,
) -> Result<Vec<Tensor<4>>> {
    if given.len() != route.from.len() {
        return Err(Error::GivenValues { expected: route.from.len(), actual: given.len() });
    }
    let needed = graph.needed(route)?;
    let is_computed = |index: usize| needed[index] && !route.from.contains(&NodeId(index));
    let computed = || graph.nodes.iter().enumerate().filter(|(index, _)| is_computed(*index));
    let mut uses = vec![0_usize; graph.nodes.len()];
    for id in computed().flat_map(|(_, node)| &node.inputs).chain(&route.to) {
        uses[id.0] += 1;
    }
    let mut values: Vec<Option<Tensor<4>>> = vec![None; graph.nodes.len()];
    for (id, value) in route.from.iter().zip(given) {
        values[id.0] = Some(value);
    }
    let mut take = |values: &mut Vec<Option<Tensor<4>>>, id: NodeId| {
        uses[id.0] -= 1;
        let value = if uses[id.0] == 0 { values[id.0].take() } else { values[id.0].clone() };
        value.unwrap_or_else(|| unreachable!("a graph's inputs come before their use"))
    };
    for (index, node) in computed() {
        let inputs: Vec<Tensor<4>> = node.inputs.iter().map(|id| take(&mut values, *id)).collect();
        let mut run = Run { node: NodeId(index), params, pass };
        values[index] = Some(node.op.operation().run(inputs, &mut run));
    }
    Ok(route.to.iter().map(|id| take(&mut values, *id)).collect())
}
