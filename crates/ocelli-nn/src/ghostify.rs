//! The Ghost form of any network: its convolutions become Ghost modules.
//!
//! Paper: Han et al., *GhostNet: More Features from Cheap Operations*, CVPR 2020
//! (<https://arxiv.org/abs/1911.11907>), sections 3.1 and 4.1 (VGG-16, ResNet-56) and 4.2
//! (ResNet-50).
//!
//! A convolution keeps its kernel size, stride, padding and dilation in the module's primary
//! convolution. The normalisation and activation that followed it go into both branches of the
//! module and are not repeated after it. What was not normalised is normalised now.
//!
//! The paper leaves open whether the first convolution is replaced; its author says that it is
//! not, while the counts of its tables need that it is. [`Ghost::keep_first`] decides.
//!
//! Kernels, strides and dilations have to be square, as all of the paper's are; others are refused.
//!
//! Ours: grouped convolutions stay, being cheap already, and so do those on pooled vectors
//! (squeeze-and-excitation, heads), which have no feature maps.

use crate::graph::{Builder, ConvSettings, Graph, NormSettings};
use crate::layers::{GhostModule, ghost_module};
use crate::node_id::NodeId;
use crate::op::{Activation, BatchNorm, Conv2d, Op};
use crate::wiring::Wiring;
use crate::{Error, Result};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// How convolutions become Ghost modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ghost {
    /// s: one in s maps is intrinsic, the others are made of them.
    pub ratio: usize,
    /// d: height and width of the cheap kernels, an odd number.
    pub cheap_kernel: usize,
    /// Whether the first convolution stays as it is.
    pub keep_first: bool,
    /// Globs of the names of other convolutions that stay, as in `*.downsample.*`.
    pub keep: Vec<String>,
}

impl Default for Ghost {
    /// The paper's s = 2 and d = 3, with the first convolution kept.
    fn default() -> Self {
        Self { ratio: 2, cheap_kernel: 3, keep_first: true, keep: Vec::new() }
    }
}

impl Ghost {
    fn check(&self) -> Result<GlobSet> {
        let refuse = |option: &str, value: usize, expected: &str| Error::ModelOption {
            option: option.to_owned(),
            value: value.to_string(),
            expected: expected.to_owned(),
        };
        if !(1..=64).contains(&self.ratio) {
            return Err(refuse("ghost.ratio", self.ratio, "1 to 64"));
        }
        if self.cheap_kernel.is_multiple_of(2) || self.cheap_kernel > 31 {
            return Err(refuse("ghost.cheap_kernel", self.cheap_kernel, "an odd number up to 31"));
        }
        let mut globs = GlobSetBuilder::new();
        for pattern in &self.keep {
            let malformed = |e: globset::Error| Error::Pattern {
                pattern: pattern.clone(),
                reason: e.kind().to_string(),
            };
            globs.add(Glob::new(pattern).map_err(malformed)?);
        }
        globs.build().map_err(|e| Error::Pattern {
            pattern: self.keep.join(", "),
            reason: e.kind().to_string(),
        })
    }
}

/// The Ghost form of a network.
///
/// # Errors
/// When a setting has an impossible value, or a convolution has fewer channels than the ratio or is not
/// square.
pub fn ghostify(graph: &Graph, ghost: &Ghost) -> Result<Graph> {
    let keep = ghost.check()?;
    let norm = NormSettings::default();
    let (builder, _) = Builder::new(graph.in_channels(), graph.init, norm);
    let mut rewriting = Rewriting {
        graph,
        ghost,
        keep,
        builder,
        moved: vec![None; graph.nodes().len()],
        is_vector: vec![false; graph.nodes().len()],
        wiring: Wiring::of_all(graph),
        seen_first: false,
    };
    for index in 0..graph.nodes().len() {
        rewriting.visit(index)?;
    }
    Ok(rewriting.finish())
}

/// A module has one number for height and width.
fn check_square(name: &str, conv: &Conv2d) -> Result<()> {
    for (what, [rows, columns]) in
        [("kernel", conv.kernel), ("stride", conv.stride), ("dilation", conv.dilation)]
    {
        if rows != columns {
            return Err(Error::ModelOption {
                option: "ghost".to_owned(),
                value: format!("a {what} of {rows}×{columns} in `{name}`"),
                expected: "square ones; `keep` can leave the layer alone".to_owned(),
            });
        }
    }
    Ok(())
}

struct Rewriting<'a> {
    graph: &'a Graph,
    ghost: &'a Ghost,
    keep: GlobSet,
    builder: Builder,
    /// Where each old value now comes from.
    moved: Vec<Option<NodeId>>,
    /// Whether each old value has no height and width.
    is_vector: Vec<bool>,
    wiring: Wiring,
    seen_first: bool,
}

impl Rewriting<'_> {
    fn at(&self, id: NodeId) -> NodeId {
        self.moved[id.index()].unwrap_or_else(|| unreachable!("inputs come before their use"))
    }

    fn visit(&mut self, index: usize) -> Result<()> {
        let node = &self.graph.nodes()[index];
        self.is_vector[index] = node.op.operation().makes_vectors()
            || node.inputs.first().is_some_and(|input| self.is_vector[input.index()]);
        if self.moved[index].is_some() {
            return Ok(());
        }
        if let Op::Conv2d(conv) = &node.op
            && self.is_replaced(index, conv)
        {
            return self.replace(index, conv);
        }
        let moved = if matches!(node.op, Op::Input(_)) {
            NodeId(0)
        } else {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|id| self.at(*id)).collect();
            self.builder.copy(node, self.graph.params(), &inputs)
        };
        self.moved[index] = Some(moved);
        Ok(())
    }

    fn is_replaced(&mut self, index: usize, conv: &Conv2d) -> bool {
        let is_first = !std::mem::replace(&mut self.seen_first, true);
        let name = &self.graph.nodes()[index].name;
        let stays = (is_first && self.ghost.keep_first) || self.keep.is_match(name);
        let is_spatial = conv.groups == 1 && !self.is_vector[index];
        is_spatial && !stays
    }

    fn replace(&mut self, index: usize, conv: &Conv2d) -> Result<()> {
        let Ghost { ratio, cheap_kernel, .. } = *self.ghost;
        let node = &self.graph.nodes()[index];
        if conv.out_channels < ratio {
            return Err(Error::ModelOption {
                option: "ghost.ratio".to_owned(),
                value: ratio.to_string(),
                expected: format!(
                    "at most {}, the channels of `{}`, which `keep` can leave alone",
                    conv.out_channels, node.name
                ),
            });
        }
        check_square(&node.name, conv)?;
        let (norm, after_norm) = match self.norm_after(index) {
            Some((reader, norm)) => (Some(norm), reader),
            None => (None, index),
        };
        let (last, activation) = match self.activation_after(after_norm) {
            Some((reader, kind)) => (reader, Some(kind)),
            None => (after_norm, None),
        };
        self.builder.set_norm(norm.map_or_else(NormSettings::default, |norm| NormSettings {
            epsilon: norm.epsilon,
            momentum: norm.momentum,
        }));
        let settings = ConvSettings {
            out_channels: conv.out_channels,
            kernel: conv.kernel[0],
            stride: conv.stride[0],
            padding: Some(conv.padding),
            dilation: conv.dilation[0],
            groups: 1,
            bias: false,
        };
        let module = GhostModule { conv: settings, ratio, cheap_kernel, activation };
        let x = self.at(node.inputs[0]);
        let y = ghost_module(&mut self.builder, &node.name, x, module);
        for covered in [index, after_norm, last] {
            self.moved[covered] = Some(y);
        }
        Ok(())
    }

    /// The only operation that reads a value.
    fn sole_reader(&self, index: usize) -> Option<(usize, &Op)> {
        let reader = self.wiring.sole_reader(index)?;
        Some((reader, &self.graph.nodes()[reader].op))
    }

    fn norm_after(&self, index: usize) -> Option<(usize, BatchNorm)> {
        match self.sole_reader(index)? {
            (reader, Op::BatchNorm(norm)) => Some((reader, norm.clone())),
            _ => None,
        }
    }

    fn activation_after(&self, index: usize) -> Option<(usize, Activation)> {
        match self.sole_reader(index)? {
            (reader, Op::Activation(kind)) => Some((reader, *kind)),
            _ => None,
        }
    }

    fn finish(mut self) -> Graph {
        for stage in self.graph.stages() {
            let stage = self.at(*stage);
            self.builder.end_stage(stage);
        }
        let [features, pooled, logits] =
            [self.graph.features(), self.graph.pooled(), self.graph.logits()].map(|id| self.at(id));
        let routes = self.graph.routes.iter();
        let routes = routes.map(|(name, route)| (name.clone(), route.map(|id| self.at(id))));
        let routes = routes.collect();
        let mut graph = Graph { routes, ..self.builder.finish(features, pooled, logits) };
        let free = self.graph.free_params().into_iter();
        graph.params.extend(free.map(|id| self.graph.params()[id.index()].clone()));
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::InitScheme;

    #[test]
    fn what_is_not_square_is_refused_unless_it_is_kept() {
        type Stretch = fn(&mut Conv2d);
        let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
        let features = b.conv("tall", image, ConvSettings::new(4, 3));
        let pooled = b.global_avg_pool("pool", features);
        let logits = b.linear("fc", pooled, 2);
        let graph = b.finish(features, pooled, logits);
        let ghost = Ghost { keep_first: false, ..Ghost::default() };
        ghostify(&graph, &ghost).unwrap();
        let cases: [(Stretch, &str); 3] = [
            (|conv| conv.kernel = [5, 1], "a kernel of 5×1 in `tall`"),
            (|conv| conv.stride = [1, 2], "a stride of 1×2 in `tall`"),
            (|conv| conv.dilation = [2, 1], "a dilation of 2×1 in `tall`"),
        ];
        for (stretch, expected) in cases {
            let mut graph = graph.clone();
            if let Op::Conv2d(conv) = &mut graph.nodes[1].op {
                stretch(conv);
            }
            let message = ghostify(&graph, &ghost).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            let keep = vec!["tall".to_owned()];
            ghostify(&graph, &Ghost { keep, ..ghost.clone() }).unwrap();
        }
    }
}
