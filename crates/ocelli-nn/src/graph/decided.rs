//! A network whose activations are mixtures of quantizers, once it is decided what they are.

use super::quantizers::{Rewritten, refuse};
use super::{Graph, Node};
use crate::Result;
use crate::node_id::NodeId;
use crate::op::{ActivationQuantizer, Op, Quantize, QuantizeBranch};
use crate::parameter::ParamId;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a tensor's quantizers.
enum Decision {
    /// The tensor is not quantized any more.
    Float,
    /// One of them stays.
    One(QuantizeBranch),
    /// All of them stay, with these shares.
    Mixture(Vec<f32>),
}

impl Graph {
    /// The same network with one quantizer of each tensor, by its number, and no attention; a tensor whose
    /// choice is [`Float`](ActivationQuantizer::Float) is not quantized any more. Parameters that stay keep
    /// their names, for [`Network::with_graph`](crate::Network::with_graph).
    ///
    /// # Errors
    /// [`ModelOption`](crate::Error::ModelOption) when a tensor has fewer quantizers.
    pub fn hardened(&self, choice: impl Fn(&str, &Quantize) -> usize) -> Result<Self> {
        let mut decided = BTreeMap::new();
        for (id, node, quantize) in self.quantizers() {
            let index = choice(&node.name, quantize);
            let count = quantize.branches.len();
            let branch = quantize.branches.get(index).copied().ok_or_else(|| {
                refuse(
                    format!("number {index} of `{}`", node.name),
                    format!("one of its {count} quantizers, counted from zero"),
                )
            })?;
            let is_float = branch.quantizer == ActivationQuantizer::Float;
            decided.insert(id, if is_float { Decision::Float } else { Decision::One(branch) });
        }
        Ok(self.decided(&decided))
    }

    /// The same network with fixed shares of each tensor's quantizers, and no attention: what it computes
    /// with that attention, for those who give it images alone.
    ///
    /// # Errors
    /// [`ModelOption`](crate::Error::ModelOption) when a tensor has another number of quantizers.
    pub fn with_shares(&self, shares: impl Fn(&str, &Quantize) -> Vec<f32>) -> Result<Self> {
        let mut decided = BTreeMap::new();
        for (id, node, quantize) in self.quantizers() {
            let (shares, count) = (shares(&node.name, quantize), quantize.branches.len());
            if shares.len() != count {
                let found = format!("{} shares of `{}`", shares.len(), node.name);
                return Err(refuse(found, format!("one for each of its {count} quantizers")));
            }
            decided.insert(
                id,
                match quantize.branches[..] {
                    [branch] => Decision::One(branch),
                    _ => Decision::Mixture(shares),
                },
            );
        }
        Ok(self.decided(&decided))
    }

    /// The same network without its quantizers of activations.
    #[must_use]
    pub fn without_quantizers(&self) -> Self {
        self.decided(&self.quantizers().map(|(id, ..)| (id, Decision::Float)).collect())
    }

    fn decided(&self, decisions: &BTreeMap<NodeId, Decision>) -> Self {
        let given: BTreeSet<NodeId> = self.attention().into_iter().collect();
        let mut dropped: BTreeSet<ParamId> = BTreeSet::new();
        for (id, _, quantize) in self.quantizers() {
            let stays = |branch: &QuantizeBranch| match decisions.get(&id) {
                Some(Decision::One(one)) => branch == one,
                Some(Decision::Mixture(_)) => true,
                Some(Decision::Float) | None => false,
            };
            let scales = quantize.branches.iter().filter(|branch| !stays(branch));
            dropped.extend(scales.filter_map(|branch| branch.scale));
            let is_float = !quantize.branches.iter().any(stays);
            dropped.extend(is_float.then_some(quantize.range));
        }
        let (mut specs, mut moved) = (Vec::new(), Vec::new());
        for (index, spec) in self.params.iter().enumerate() {
            moved.push(ParamId(specs.len()));
            if !dropped.contains(&ParamId(index)) {
                specs.push(spec.clone());
            }
        }
        let mut rewritten = Rewritten::new(specs);
        for (index, node) in self.nodes.iter().enumerate() {
            let id = NodeId(index);
            if given.contains(&id) {
                rewritten.skip(NodeId(0));
                continue;
            }
            let mut inputs: Vec<NodeId> = node.inputs.iter().map(|id| rewritten.at(*id)).collect();
            let mut op = node.op.clone();
            if let Op::Quantize(quantize) = &mut op {
                inputs.truncate(1);
                match decisions.get(&id) {
                    Some(Decision::One(branch)) => {
                        (quantize.branches, quantize.shares) = (vec![*branch], None);
                    }
                    Some(Decision::Mixture(shares)) => quantize.shares = Some(shares.clone()),
                    Some(Decision::Float) | None => {
                        rewritten.skip(inputs[0]);
                        continue;
                    }
                }
            }
            op.operation_mut().map_params(&mut |id| moved[id.index()]);
            rewritten.push(Node { name: node.name.clone(), op, inputs });
        }
        let mut graph = rewritten.finish(self);
        for (name, route) in &mut graph.routes {
            let old = &self.routes[name].from;
            let stays = old.iter().map(|id| !given.contains(id)).collect::<Vec<_>>();
            let mut stays = stays.into_iter();
            route.from.retain(|_| stays.next().unwrap_or(true));
        }
        graph
    }
}
