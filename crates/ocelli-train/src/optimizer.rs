//! Optimisers: how gradients change the parameters of a network.
//!
//! An [`Optimizer`] is a rule with its memory. Each rule works on one flat tensor at a time and
//! knows nothing of ranks, names or layers; what a parameter is (a weight, a bias, part of a
//! normalisation) only decides whether it decays and adapts.

mod adamw;
mod clip;
mod groups;
mod in_place;
mod lars;
mod rmsprop;
mod rule;
mod sgd;

#[cfg(test)]
mod tests;

pub use clip::{clip_norm, clip_value};

use crate::recipe::{OptimizerKind, OptimizerSection};
use crate::{Error, Result};
use adamw::AdamW;
use burn::tensor::{Tensor, TensorData};
use groups::Rates;
use lars::Lars;
use ocelli_nn::parameter::{Parameters, Role};
use ocelli_nn::weights::{DType, TensorEntry};
use ocelli_nn::{Gradients, Network};
use rmsprop::RmsProp;
use rule::{Rule, Settings, Update};
use sgd::Sgd;

/// An optimiser: a rule and what it remembers of each parameter.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn Rule>,
    decay_bias_and_norm: bool,
    /// What holds for each parameter, in state-dict order; for all others what holds in general.
    rates: Vec<Rates>,
    general: Rates,
    steps: u64,
    /// The memory of each parameter, in state-dict order; empty until its first gradient.
    memory: Vec<Vec<Tensor<1>>>,
}

impl Optimizer {
    /// An optimiser that has taken no step, for which all parameters are the same.
    pub fn new(section: &OptimizerSection) -> Self {
        let momentum = section.momentum;
        let rule: Box<dyn Rule> = match section.kind {
            OptimizerKind::Sgd => Box::new(Sgd { momentum, nesterov: section.nesterov }),
            OptimizerKind::AdamW => Box::new(AdamW {
                betas: section.betas,
                epsilon: section.epsilon.unwrap_or(adamw::EPSILON),
            }),
            OptimizerKind::RmsProp => Box::new(RmsProp {
                momentum,
                smoothing: section.smoothing,
                epsilon: section.epsilon.unwrap_or(rmsprop::EPSILON),
            }),
            OptimizerKind::Lars => {
                Box::new(Lars { momentum, trust_coefficient: section.trust_coefficient })
            }
        };
        Self {
            rule,
            decay_bias_and_norm: section.decay_bias_and_norm,
            rates: Vec::new(),
            general: Rates { lr: 1.0, weight_decay: section.weight_decay },
            steps: 0,
            memory: Vec::new(),
        }
    }

    /// An optimiser that has taken no step, with the groups of `section` and the rate of the network's
    /// head.
    ///
    /// # Errors
    /// [`Error::Field`] for a group's pattern that is malformed or matches no learnt parameter.
    pub fn for_network(section: &OptimizerSection, network: &Network) -> Result<Self> {
        let rates = groups::rates(section, network.params(), &network.head())?;
        Ok(Self { rates, ..Self::new(section) })
    }

    /// How many steps it has taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Changes every parameter that has a gradient and is trainable.
    ///
    /// # Errors
    /// When a gradient has another length than its parameter.
    pub fn step(&mut self, params: &mut Parameters, gradients: &Gradients, lr: f64) -> Result<()> {
        self.steps += 1;
        self.memory.resize(params.len(), Vec::new());
        let ids: Vec<_> = params.iter().map(|(id, _)| id).collect();
        for id in ids {
            let entry = params.get(id);
            let Some(gradient) = gradients.get(id).filter(|_| entry.is_trainable()) else {
                continue;
            };
            let gradient = gradient.clone();
            entry.check_length(gradient.dims()[0])?;
            let is_weight = entry.spec.role == Role::Weight;
            let decays = entry.spec.role.decays(self.decay_bias_and_norm);
            let memory = &mut self.memory[id.index()];
            if memory.is_empty() {
                let fresh = |name: &&str| gradient.full_like(self.rule.initial(name));
                *memory = self.rule.memory().iter().map(fresh).collect();
            }
            let rates = self.rates.get(id.index()).copied().unwrap_or(self.general);
            let settings = Settings {
                lr: lr * rates.lr,
                weight_decay: if decays { rates.weight_decay } else { 0.0 },
                is_weight,
                step: self.steps,
            };
            // Taken out, a value nobody else holds is changed where it stands.
            let value = params.take(id);
            let update = Update { value, gradient, settings };
            let value = if in_place::is_possible(&update, memory) {
                in_place::update(&*self.rule, update, memory)
            } else {
                self.rule.update(update, memory)
            };
            params.set(id, value)?;
        }
        Ok(())
    }

    /// Everything it remembers: `MEMORY.PARAMETER`, as in `momentum.conv_stem.weight`, each of the
    /// shape of its parameter.
    ///
    /// # Errors
    /// When `params` are those of another network.
    pub fn memory(&self, params: &Parameters) -> Result<Vec<TensorEntry>> {
        let mut tensors = Vec::new();
        for ((_, entry), memory) in params.iter().zip(&self.memory) {
            for (name, value) in self.rule.memory().iter().zip(memory) {
                let name = format!("{name}.{}", entry.spec.name);
                let values = value.to_data().iter::<f32>().collect();
                tensors.push(TensorEntry::new(name, DType::F32, &entry.spec.shape, values)?);
            }
        }
        Ok(tensors)
    }

    /// Puts back what [`memory`](Self::memory) gave after `steps` steps.
    ///
    /// # Errors
    /// When the tensors are those of another network or another kind of optimiser.
    pub fn resume<'a>(
        &mut self,
        params: &Parameters,
        steps: u64,
        tensors: impl IntoIterator<Item = &'a TensorEntry>,
    ) -> Result<()> {
        let names = self.rule.memory();
        let by_name = params.index_by_name();
        let mut memory: Vec<Vec<Option<Tensor<1>>>> = vec![Vec::new(); params.len()];
        for tensor in tensors {
            let foreign = || Error::OptimizerState { tensor: tensor.name().to_owned() };
            let (kind, parameter) = tensor.name().split_once('.').ok_or_else(foreign)?;
            let kind = names.iter().position(|name| *name == kind).ok_or_else(foreign)?;
            let id = *by_name.get(parameter).ok_or_else(foreign)?;
            let shape = &params.get(id).spec.shape;
            let slots = &mut memory[id.index()];
            slots.resize(names.len(), None);
            if tensor.shape() != shape || slots[kind].is_some() {
                return Err(foreign());
            }
            let values = tensor.values()?;
            let data = TensorData::new(values, [params.get(id).spec.len()]);
            slots[kind] = Some(Tensor::from_data(data, params.device()));
        }
        let mut resumed = Vec::with_capacity(params.len());
        for (slots, (_, entry)) in memory.into_iter().zip(params.iter()) {
            let missing = || Error::OptimizerState { tensor: entry.spec.name.clone() };
            let slots = slots.into_iter().map(|slot| slot.ok_or_else(missing));
            resumed.push(slots.collect::<Result<Vec<_>>>()?);
        }
        self.memory = resumed;
        self.steps = steps;
        Ok(())
    }
}
