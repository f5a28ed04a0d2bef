//! The networks among which a search looks.

use crate::Result;
use crate::error::require;
use ocelli_nn::backbones::efficientnetv2::{BlockKind, Layout, Stage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may vary in each stage (section 3.3). Pooling and skip operations are not in the space, and
/// strides and widths are the backbone's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpaceConfig {
    /// The convolutional operations.
    pub ops: Vec<BlockKind>,
    /// Heights and widths of kernels.
    pub kernels: Vec<usize>,
    /// Expansion ratios.
    pub expansions: Vec<usize>,
    /// How many layers a stage may have more or less than the backbone's; at least one stays.
    pub layers_around: usize,
}

impl Default for SpaceConfig {
    /// The paper's choices; the range of layers, which it leaves open, is one to each side.
    fn default() -> Self {
        Self {
            ops: vec![BlockKind::MbConv, BlockKind::FusedMbConv],
            kernels: vec![3, 5],
            expansions: vec![1, 4, 6],
            layers_around: 1,
        }
    }
}

impl SpaceConfig {
    pub(super) fn check(&self) -> Result<()> {
        let several = [
            ("search.space.ops", has_doubles(&self.ops)),
            ("search.space.kernels", has_doubles(&self.kernels)),
            ("search.space.expansions", has_doubles(&self.expansions)),
        ];
        for (field, doubles) in several {
            require(field, "a list with doubles", !doubles, "each choice once")?;
        }
        require("search.space.ops", "empty", !self.ops.is_empty(), "one choice or more")?;
        let sizes = [
            ("search.space.kernels", &self.kernels, "odd numbers up to 15"),
            ("search.space.expansions", &self.expansions, "numbers from 1 to 16"),
        ];
        for (field, values, expected) in sizes {
            require(field, "empty", !values.is_empty(), "one choice or more")?;
            let bad = values.iter().find(|value| !(1..=16).contains(*value));
            require(field, bad.unwrap_or(&0), bad.is_none(), expected)?;
        }
        let even = self.kernels.iter().find(|kernel| kernel.is_multiple_of(2));
        require(
            "search.space.kernels",
            even.unwrap_or(&0),
            even.is_none(),
            "odd numbers up to 15",
        )?;
        let around = self.layers_around;
        require("search.space.layers_around", around, around <= 64, "0 to 64")
    }
}

fn has_doubles<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().any(|(at, value)| values[..at].contains(value))
}

/// What is chosen for one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageChoice {
    /// The operation.
    pub op: BlockKind,
    /// Height and width of its kernel.
    pub kernel: usize,
    /// Its expansion ratio.
    pub expand: usize,
    /// How often it is repeated.
    pub layers: usize,
}

/// One network of a space: a choice for every stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Candidate(pub Vec<StageChoice>);

impl fmt::Display for Candidate {
    /// As in `Fk3e1×1 Mk5e4×2`: Fused-MBConv or MBConv, kernel, expansion, layers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, StageChoice { op, kernel, expand, layers }) in self.0.iter().enumerate() {
            let (gap, op) = (if at == 0 { "" } else { " " }, letter(*op));
            write!(f, "{gap}{op}k{kernel}e{expand}×{layers}")?;
        }
        Ok(())
    }
}

fn letter(op: BlockKind) -> char {
    match op {
        BlockKind::MbConv => 'M',
        BlockKind::FusedMbConv => 'F',
    }
}

/// All networks of a search: the product of the choices of every stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Space {
    ops: Vec<BlockKind>,
    kernels: Vec<usize>,
    expansions: Vec<usize>,
    /// The numbers of layers of each stage.
    layers: Vec<Vec<usize>>,
    /// Where widths and strides come from.
    backbone: Layout,
}

impl Space {
    /// The networks around `backbone`.
    ///
    /// # Errors
    /// When a list of choices is empty, has doubles, or holds an impossible number.
    pub fn new(config: &SpaceConfig, backbone: Layout) -> Result<Self> {
        config.check()?;
        let around = config.layers_around;
        let layers = |stage: &Stage| {
            (stage.layers.saturating_sub(around).max(1)..=stage.layers + around).collect()
        };
        Ok(Self {
            ops: config.ops.clone(),
            kernels: config.kernels.clone(),
            expansions: config.expansions.clone(),
            layers: backbone.stages.iter().map(layers).collect(),
            backbone,
        })
    }

    /// How many options each decision has: operation, kernel, expansion and layers of the first
    /// stage, then of the second, and so on.
    pub fn decisions(&self) -> Vec<usize> {
        let [ops, kernels, expansions] =
            [self.ops.len(), self.kernels.len(), self.expansions.len()];
        self.layers.iter().flat_map(|layers| [ops, kernels, expansions, layers.len()]).collect()
    }

    /// How many networks there are.
    pub fn size(&self) -> f64 {
        self.decisions().into_iter().map(|options| options as f64).product()
    }

    /// The network of one option for each decision, each counted from zero.
    ///
    /// # Panics
    /// When an option is not below what [`Self::decisions`] says.
    pub fn candidate(&self, choices: &[usize]) -> Candidate {
        let stage = |(choices, layers): (&[usize], &Vec<usize>)| StageChoice {
            op: self.ops[choices[0]],
            kernel: self.kernels[choices[1]],
            expand: self.expansions[choices[2]],
            layers: layers[choices[3]],
        };
        Candidate(choices.chunks_exact(4).zip(&self.layers).map(stage).collect())
    }

    /// The option of each decision that a network has; `None` if it is not one of the space.
    pub fn choices(&self, candidate: &Candidate) -> Option<Vec<usize>> {
        if candidate.0.len() != self.layers.len() {
            return None;
        }
        let mut choices = Vec::new();
        for (stage, layers) in candidate.0.iter().zip(&self.layers) {
            choices.push(self.ops.iter().position(|op| *op == stage.op)?);
            choices.push(self.kernels.iter().position(|kernel| *kernel == stage.kernel)?);
            choices.push(self.expansions.iter().position(|expand| *expand == stage.expand)?);
            choices.push(layers.iter().position(|count| *count == stage.layers)?);
        }
        Some(choices)
    }

    /// The backbone as one of the networks; `None` if it has something that the space has not.
    pub fn backbone(&self) -> Option<Candidate> {
        let stage = |stage: &Stage| StageChoice {
            op: stage.op,
            kernel: stage.kernel,
            expand: stage.expand,
            layers: stage.layers,
        };
        let candidate = Candidate(self.backbone.stages.iter().map(stage).collect());
        self.choices(&candidate).is_some().then_some(candidate)
    }

    /// The table of a network: its choices, with the backbone's widths and strides. Where it keeps
    /// the backbone's operation it keeps its squeeze-and-excitation too, and else has the paper's. Blocks
    /// that are one convolution have none.
    pub fn layout(&self, candidate: &Candidate) -> Layout {
        let stage = |(stage, choice): (&Stage, &StageChoice)| {
            let chosen = Stage {
                op: choice.op,
                kernel: choice.kernel,
                expand: choice.expand,
                layers: choice.layers,
                ..*stage
            };
            let keeps = stage.op == choice.op && !chosen.is_single_convolution();
            Stage { squeeze_ratio: stage.squeeze_ratio.filter(|_| keeps), ..chosen }
        };
        let stages = self.backbone.stages.iter().zip(&candidate.0).map(stage).collect();
        Layout { stages, ..self.backbone.clone() }
    }

    /// The table of the backbone.
    pub fn backbone_layout(&self) -> &Layout {
        &self.backbone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_nn::backbones::efficientnetv2::{Flavour, Variant};
    use std::collections::HashSet;

    fn space(config: &SpaceConfig) -> Space {
        Space::new(config, Variant::SMALL_CIFAR.layout(Flavour::PyTorch)).unwrap()
    }

    #[test]
    fn the_backbone_is_in_the_space_and_is_itself() {
        let space = space(&SpaceConfig::default());
        let backbone = space.backbone().unwrap();
        assert_eq!(backbone.to_string(), "Fk3e1×1 Fk3e4×2 Fk3e4×2 Mk3e4×2 Mk3e6×2");
        assert_eq!(&space.layout(&backbone), space.backbone_layout());
        let choices = space.choices(&backbone).unwrap();
        assert_eq!(space.candidate(&choices), backbone);
        let without = SpaceConfig { expansions: vec![1, 6], ..SpaceConfig::default() };
        assert_eq!(self::space(&without).backbone(), None);
    }

    #[test]
    fn a_stage_has_exactly_the_papers_choices() {
        let space = space(&SpaceConfig::default());
        assert_eq!(space.decisions(), [&[2, 2, 3, 2][..], &[2, 2, 3, 3].repeat(4)].concat());
        assert_eq!(space.size(), 24.0 * 36.0_f64.powi(4));
        let mut stages = HashSet::new();
        for op in 0..2 {
            for kernel in 0..2 {
                for expand in 0..3 {
                    for layers in 0..3 {
                        let mut choices = vec![0; 20];
                        choices[4..8].copy_from_slice(&[op, kernel, expand, layers]);
                        stages.insert(space.candidate(&choices).0[1]);
                    }
                }
            }
        }
        assert_eq!(stages.len(), 36);
        for StageChoice { op, kernel, expand, layers } in stages {
            assert!([BlockKind::MbConv, BlockKind::FusedMbConv].contains(&op));
            assert!([3, 5].contains(&kernel) && [1, 4, 6].contains(&expand));
            assert!((1..=3).contains(&layers));
        }
    }

    #[test]
    fn widths_and_strides_are_the_backbones() {
        let space = space(&SpaceConfig::default());
        let layout = space.layout(&space.candidate(&[1; 20]));
        for (stage, backbone) in layout.stages.iter().zip(&space.backbone_layout().stages) {
            assert_eq!((stage.channels, stage.stride), (backbone.channels, backbone.stride));
        }
        layout.check().unwrap();
    }

    #[test]
    fn a_squeeze_of_the_backbone_stays_wherever_there_is_a_place_for_it() {
        let mut backbone = Variant::SMALL_CIFAR.layout(Flavour::PyTorch);
        backbone.stages[1].squeeze_ratio = Some(0.5);
        let space = Space::new(&SpaceConfig::default(), backbone).unwrap();
        for (op, expand, expected) in [(1, 1, Some(0.5)), (1, 0, None), (0, 1, None)] {
            let mut choices = space.choices(&space.backbone().unwrap()).unwrap();
            (choices[4], choices[6]) = (op, expand);
            let layout = space.layout(&space.candidate(&choices));
            layout.check().unwrap();
            assert_eq!(layout.stages[1].squeeze_ratio, expected, "operation {op}, {expand}");
        }
    }

    #[test]
    fn lists_that_cannot_be_are_refused_by_name() {
        let refuse = |config: SpaceConfig| config.check().unwrap_err().to_string();
        let default = SpaceConfig::default;
        let message = refuse(SpaceConfig { kernels: vec![3, 3], ..default() });
        assert!(message.contains("`search.space.kernels` is a list with doubles"), "{message}");
        let message = refuse(SpaceConfig { ops: vec![], ..default() });
        assert!(message.contains("`search.space.ops` is empty"), "{message}");
        let message = refuse(SpaceConfig { expansions: vec![1, 17], ..default() });
        assert!(message.contains("`search.space.expansions` is 17"), "{message}");
        let message = refuse(SpaceConfig { layers_around: 65, ..default() });
        assert!(message.contains("`search.space.layers_around` is 65"), "{message}");
    }
}
