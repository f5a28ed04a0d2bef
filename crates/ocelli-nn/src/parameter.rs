//! The parameters of a network: an ordered list of named tensors.
//!
//! Names, shapes and order are those of the reference state dict, so a weights file of the
//! reference is a weights file of ours. Every value is kept flat (`Tensor<1>`): optimisers,
//! averages and checkpoints then need not know ranks, and a layer reshapes a weight where it uses
//! it, which copies nothing.

use crate::{Error, Result, init::Initializer};
use burn::tensor::{Device, Tensor, TensorData};
use globset::{Glob, GlobSetBuilder};
use ocelli_random::Seed;
use std::collections::HashMap;

/// What a parameter is to its layer; decides weight decay and which values are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The kernel of a convolution or the matrix of a linear layer.
    Weight,
    /// The bias of a convolution or linear layer.
    Bias,
    /// The learnt scale of a normalisation (γ).
    NormScale,
    /// The learnt shift of a normalisation (β).
    NormShift,
    /// The running mean of a batch normalisation.
    RunningMean,
    /// The running variance of a batch normalisation (unbiased, as in PyTorch).
    RunningVar,
    /// How many batches a batch normalisation has seen.
    BatchCount,
    /// A learnt number of a method, which never decays: a temperature, a step size, a mixture's weights.
    Coefficient,
    /// A buffer of a method that follows the data: the range of an activation, a codebook.
    Range,
}

impl Role {
    /// Whether gradients train this value. The others are buffers: they follow the data.
    pub fn is_learnt(self) -> bool {
        let learnt =
            [Self::Weight, Self::Bias, Self::NormScale, Self::NormShift, Self::Coefficient];
        learnt.contains(&self)
    }

    /// Whether weight decay is for it: weights always, biases and normalisations where a recipe says so.
    pub fn decays(self, bias_and_norm: bool) -> bool {
        match self {
            Self::Weight => true,
            Self::Bias | Self::NormScale | Self::NormShift => bias_and_norm,
            _ => false,
        }
    }
}

/// The index of a parameter in the list of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

impl ParamId {
    /// The position in the list, counted from zero.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Everything about a parameter but its value.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// The name in the state dict, as in `blocks.0.0.conv_pw.weight`.
    pub name: String,
    /// The shape in the state dict; empty for a single number.
    pub shape: Vec<usize>,
    /// What it is to its layer.
    pub role: Role,
    /// The distribution of its first value.
    pub initializer: Initializer,
}

impl ParamSpec {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A named tensor of a network.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Name, shape and role.
    pub spec: ParamSpec,
    /// A frozen weight gets no gradient; a batch normalisation whose running mean is frozen
    /// normalises with its running statistics and leaves them alone, in training too.
    pub frozen: bool,
    value: Tensor<1>,
}

impl Parameter {
    /// The value, flat.
    ///
    /// # Shapes
    /// - `[product of spec.shape]`
    pub fn value(&self) -> Tensor<1> {
        self.value.clone()
    }

    /// Refuses another number of values than it holds.
    ///
    /// # Errors
    /// When `actual` differs from the parameter's length.
    pub fn check_length(&self, actual: usize) -> Result<()> {
        if actual == self.spec.len() {
            return Ok(());
        }
        Err(Error::ParameterLength {
            name: self.spec.name.clone(),
            expected: self.spec.shape.clone(),
            actual,
        })
    }

    /// Whether an optimiser changes it.
    pub fn is_trainable(&self) -> bool {
        self.spec.role.is_learnt() && !self.frozen
    }
}

/// The ordered parameters of one network.
#[derive(Clone, Debug)]
pub struct Parameters {
    entries: Vec<Parameter>,
    device: Device,
}

impl Parameters {
    /// Draws the first values. Each tensor has its own stream, so a value depends on the seed and
    /// on its own index only.
    pub(crate) fn initialise(specs: &[ParamSpec], seed: Seed, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let entries = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| {
                let values = spec.initializer.draw(spec.len(), seed, index as u64);
                let data = TensorData::new(values, [spec.len()]);
                let value = Tensor::from_data(data, &device);
                Parameter { spec: spec.clone(), frozen: false, value }
            })
            .collect();
        Self { entries, device }
    }

    /// Takes the values of each parameter from memory.
    pub(crate) fn from_values(
        specs: &[ParamSpec],
        values: Vec<Vec<f32>>,
        device: &Device,
    ) -> Result<Self> {
        let zero = |spec: &ParamSpec| ParamSpec {
            initializer: Initializer::Constant(0.0),
            ..spec.clone()
        };
        let specs: Vec<ParamSpec> = specs.iter().map(zero).collect();
        let mut params = Self::initialise(&specs, Seed::default(), device);
        for (index, values) in values.into_iter().enumerate() {
            params.set_values(ParamId(index), values)?;
        }
        Ok(params)
    }

    /// How many tensors there are, buffers included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All parameters in state-dict order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ParamId, &Parameter)> {
        self.entries.iter().enumerate().map(|(index, entry)| (ParamId(index), entry))
    }

    /// The parameter at `id`.
    pub fn get(&self, id: ParamId) -> &Parameter {
        &self.entries[id.0]
    }

    /// Where each name stands.
    pub fn index_by_name(&self) -> HashMap<&str, ParamId> {
        self.iter().map(|(id, entry)| (entry.spec.name.as_str(), id)).collect()
    }

    /// The device that holds the values, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many elements are learnt: the published "parameters" of a model.
    pub fn learnt_count(&self) -> usize {
        self.entries.iter().filter(|e| e.spec.role.is_learnt()).map(|e| e.spec.len()).sum()
    }

    /// Replaces a value.
    ///
    /// # Shapes
    /// - `value`: `[product of spec.shape]`, on [`Self::device`]
    ///
    /// # Errors
    /// When the number of values differs from the parameter's.
    pub fn set(&mut self, id: ParamId, value: Tensor<1>) -> Result<()> {
        let entry = &mut self.entries[id.0];
        entry.check_length(value.dims()[0])?;
        entry.value = value.without_autodiff();
        Ok(())
    }

    /// Takes a value out, so that nobody else holds it while it is changed. The value is
    /// empty until [`set`](Self::set) puts a value there.
    #[must_use]
    pub fn take(&mut self, id: ParamId) -> Tensor<1> {
        let nothing = Tensor::empty([0], &self.device);
        std::mem::replace(&mut self.entries[id.0].value, nothing)
    }

    /// Replaces a value with elements in memory, row-major.
    ///
    /// # Errors
    /// When their count differs from the parameter's.
    pub fn set_values(&mut self, id: ParamId, values: Vec<f32>) -> Result<()> {
        let length = values.len();
        self.set(id, Tensor::from_data(TensorData::new(values, [length]), &self.device))
    }

    /// Copies a value into memory, row-major.
    pub fn to_values(&self, id: ParamId) -> Vec<f32> {
        self.entries[id.0].value().into_data().iter::<f32>().collect()
    }

    /// Freezes every parameter, buffers too, whose name matches one of the glob `patterns`, as in
    /// `blocks.0.*` or `*.bn*`; returns how many.
    ///
    /// # Errors
    /// When a pattern is malformed.
    pub fn freeze(&mut self, patterns: &[String]) -> Result<usize> {
        let malformed =
            |pattern: &str, reason: String| Error::Pattern { pattern: pattern.to_owned(), reason };
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            set.add(Glob::new(pattern).map_err(|e| malformed(pattern, e.kind().to_string()))?);
        }
        let set = set.build().map_err(|e| malformed("", e.kind().to_string()))?;
        let matching = self.entries.iter_mut().filter(|entry| set.is_match(&entry.spec.name));
        Ok(matching.map(|entry| entry.frozen = true).count())
    }

    /// A copy whose trainable values are leaves of a gradient computation.
    pub(crate) fn tracked(&self) -> Self {
        let mut copy = self.clone();
        for entry in copy.entries.iter_mut().filter(|entry| entry.is_trainable()) {
            entry.value = entry.value.clone().autodiff().require_grad();
        }
        copy
    }
}
