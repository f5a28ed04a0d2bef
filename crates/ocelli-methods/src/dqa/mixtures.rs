//! The mixtures of all layers at one step: their weights, and the way back of gradients.

use super::attention::Attention;
use super::layer::{QuantizedLayer, quantized_layers, weights_of_network};
use super::products::LayerProducts;
use super::slices::Slice;
use super::{DqaError, DqaSettings, Harden};
use burn::tensor::{Tensor, TensorData};
use ocelli_kernels::in_pool;
use ocelli_kernels::quantize::{Branch, Mixture, MixtureGradients, Quantizer, Weights};
use ocelli_nn::parameter::{ParamId, Parameters};
use ocelli_nn::{Gradients, Network};
use ocelli_train::Result;
use rayon::prelude::*;
use std::collections::HashMap;

/// The mixture of a layer.
pub(super) struct LayerMixture {
    pub(super) layer: QuantizedLayer,
    branches: Vec<Branch>,
    /// What each quantizer has of the sum.
    pub(super) shares: Vec<f64>,
    /// α, where the shares are learnt.
    alpha: Option<(ParamId, Vec<f64>)>,
    /// Where the learnt steps of each quantizer stand.
    steps: Vec<Option<ParamId>>,
    /// What the penalty of the shares is multiplied by.
    penalty_scale: f64,
}

/// The mixtures of all quantized layers.
pub(super) struct Mixtures<'a> {
    settings: &'a DqaSettings,
    attention: Attention,
    pub(super) layers: Vec<LayerMixture>,
}

impl<'a> Mixtures<'a> {
    /// Those of the step `step`, counted from one.
    ///
    /// # Errors
    /// When a weight is not finite, or the network was not prepared for the settings.
    pub(super) fn new(
        network: &Network,
        settings: &'a DqaSettings,
        step: u64,
        total_steps: u64,
    ) -> Result<Self> {
        let params = network.params();
        let layers = quantized_layers(network.graph(), settings)?;
        let all = weights_of_network(network.graph()) as f64;
        let attention = settings.attention(step, total_steps);
        let fixed = settings.fixed_shares(step, total_steps);
        let names = params.index_by_name();
        let mut mixtures = Vec::with_capacity(layers.len());
        for layer in layers {
            let mut steps = Vec::with_capacity(settings.quantizers.len());
            for (k, quantizer) in settings.quantizers.iter().enumerate() {
                let name = || layer.step_name(k);
                let is_learnt = quantizer.is_learnt();
                steps.push(is_learnt.then(|| prepared(&names, name())).transpose()?);
            }
            let alpha = if settings.has_attention() {
                let id = prepared(&names, layer.alpha_name())?;
                Some((id, params.to_values(id).into_iter().map(f64::from).collect::<Vec<f64>>()))
            } else {
                None
            };
            let shares = alpha.as_ref().map_or(fixed.clone(), |(_, alpha)| attention.shares(alpha));
            let own = if settings.by_layer_share { layer.len as f64 } else { 1.0 };
            let penalty_scale = own / all.max(1.0);
            mixtures.push(LayerMixture {
                layer,
                branches: Vec::new(),
                shares,
                alpha,
                steps,
                penalty_scale,
            });
        }
        let mut this = Self { settings, attention, layers: mixtures };
        this.fit(params)?;
        Ok(this)
    }

    /// Fits the quantizers of each layer to its weights.
    fn fit(&mut self, params: &Parameters) -> Result<()> {
        let weights = self.weights(params);
        let DqaSettings { quantizers, per, zero, .. } = self.settings;
        let learnt: Vec<Vec<Vec<f32>>> = self
            .layers
            .iter()
            .map(|mixture| {
                let values = |id: &Option<ParamId>| id.map(|id| params.to_values(id));
                mixture.steps.iter().map(|id| values(id).unwrap_or_default()).collect()
            })
            .collect();
        let layers: Vec<&QuantizedLayer> =
            self.layers.iter().map(|mixture| &mixture.layer).collect();
        let slices: Vec<&[f32]> = weights.iter().map(Slice::as_slice).collect();
        let fit = |((layer, values), learnt): ((&&QuantizedLayer, &&[f32]), &Vec<Vec<f32>>)| {
            let weights = Weights::new(values, layer.channels)
                .map_err(|error| DqaError::NotFinite { layer: layer.name.clone(), error })?;
            let branch = |(quantizer, learnt): (&Quantizer, &Vec<f32>)| {
                weights.branch(*quantizer, *per, *zero, learnt)
            };
            Ok(quantizers.iter().zip(learnt).map(branch).collect())
        };
        let fitted: Vec<Result<Vec<Branch>, DqaError>> =
            in_pool(|| layers.par_iter().zip(&slices).zip(&learnt).map(fit).collect());
        for (mixture, branches) in self.layers.iter_mut().zip(fitted) {
            mixture.branches = branches?;
        }
        Ok(())
    }

    fn weights(&self, params: &Parameters) -> Vec<Slice> {
        let of = |mixture: &LayerMixture| Slice::new(params.get(mixture.layer.weight).value());
        self.layers.iter().map(of).collect()
    }

    /// The network with the mixtures in the place of its weights: graph and plans are the same.
    ///
    /// # Errors
    /// When the network is another one.
    pub(super) fn soft(&self, network: &Network) -> Result<Network> {
        self.replace(network, |mixture, values, q| {
            let shares: Vec<f32> = mixture.shares.iter().map(|share| *share as f32).collect();
            mixture.of(values, &shares).forward(q);
        })
    }

    /// The network with one quantizer in each layer, chosen as the settings say.
    ///
    /// # Errors
    /// When the network is another one.
    pub(super) fn hard(&self, network: &Network) -> Result<Network> {
        self.replace(network, |mixture, values, q| {
            let branch = &mixture.branches[mixture.hardened(self.settings.harden)..][..1];
            Mixture::new(values, mixture.layer.channels, branch, &[1.0]).forward(q);
        })
    }

    fn replace(
        &self,
        network: &Network,
        compute: impl Fn(&LayerMixture, &[f32], &mut [f32]) + Sync,
    ) -> Result<Network> {
        let weights = self.weights(network.params());
        let slices: Vec<&[f32]> = weights.iter().map(Slice::as_slice).collect();
        let replaced: Vec<Vec<f32>> = in_pool(|| {
            let pairs = self.layers.par_iter().zip(&slices);
            let compute = |(mixture, values): (&LayerMixture, &&[f32])| {
                let mut q = vec![0.0; values.len()];
                compute(mixture, values, &mut q);
                q
            };
            pairs.map(compute).collect()
        });
        let mut network = network.clone();
        for (mixture, values) in self.layers.iter().zip(replaced) {
            network.params_mut().set_values(mixture.layer.weight, values)?;
        }
        Ok(network)
    }

    /// What the quantizers of each layer with an attention leave of its weights.
    pub(super) fn products(&self, network: &Network) -> Vec<LayerProducts> {
        let weights = self.weights(network.params());
        let slices: Vec<&[f32]> = weights.iter().map(Slice::as_slice).collect();
        let of = |(mixture, values): (&LayerMixture, &&[f32])| {
            let quantized = (0..mixture.branches.len()).map(|k| {
                let mut q = vec![0.0; values.len()];
                let branch = &mixture.branches[k..=k];
                Mixture::new(values, mixture.layer.channels, branch, &[1.0]).forward(&mut q);
                q
            });
            let quantized: Vec<Vec<f32>> = quantized.collect();
            let (_, alpha) = mixture.alpha.as_ref()?;
            Some(LayerProducts::new(alpha.clone(), values, &quantized))
        };
        in_pool(|| self.layers.par_iter().zip(&slices).filter_map(of).collect())
    }

    /// The sum of all layers' penalties (equation 6).
    pub(super) fn penalty(&self) -> f64 {
        let costs = &self.settings.penalty;
        let of = |mixture: &LayerMixture| {
            let shares = mixture.shares.iter().zip(costs);
            mixture.penalty_scale * shares.map(|(share, cost)| share * cost).sum::<f64>()
        };
        self.layers.iter().map(of).sum()
    }

    /// Turns the gradients of mixtures into those of the weights they came of, of α and of learnt steps.
    /// `share` of the penalty's gradient is added.
    pub(super) fn pull_back(&self, network: &Network, share: f64, gradients: &mut Gradients) {
        let params = network.params();
        let weights = self.weights(params);
        // A frozen layer has no gradient, and its attention stays as it is.
        let given = self.layers.iter().zip(&weights).filter_map(|(mixture, weights)| {
            let gradient = gradients.get(mixture.layer.weight)?;
            Some((mixture, weights, Slice::new(gradient.clone())))
        });
        let given: Vec<_> = given.collect();
        let slices: Vec<(&LayerMixture, &[f32], &[f32])> = given
            .iter()
            .map(|(mixture, weights, gradient)| (*mixture, weights.as_slice(), gradient.as_slice()))
            .collect();
        let found: Vec<(MixtureGradients, Option<Vec<f32>>)> = in_pool(|| {
            let pull = |(mixture, weights, gradient): &(&LayerMixture, &[f32], &[f32])| {
                let shares: Vec<f32> = mixture.shares.iter().map(|share| *share as f32).collect();
                let mixture = mixture.of(weights, &shares);
                let mut own = (!mixture.passes_all()).then(|| vec![0.0; gradient.len()]);
                let found = mixture.backward(gradient, own.as_deref_mut());
                (found, own)
            };
            slices.par_iter().map(pull).collect()
        });
        let mixtures: Vec<&LayerMixture> = given.iter().map(|(mixture, ..)| *mixture).collect();
        drop(given);
        let tensor = |values: Vec<f32>| {
            let len = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [len]), params.device())
        };
        for (mixture, (found, own)) in mixtures.into_iter().zip(found) {
            if let Some(own) = own {
                gradients.set(mixture.layer.weight, tensor(own));
            }
            for (id, learnt) in mixture.steps.iter().zip(found.learnt) {
                if let Some(id) = id {
                    gradients
                        .add(*id, tensor(learnt.into_iter().map(|value| value as f32).collect()));
                }
            }
            if let Some((id, alpha)) = &mixture.alpha {
                let mut of_shares = found.attention;
                for (slope, cost) in of_shares.iter_mut().zip(&self.settings.penalty) {
                    *slope += share * mixture.penalty_scale * cost;
                }
                let gradient = self.attention.gradient(alpha, &of_shares);
                gradients
                    .add(*id, tensor(gradient.into_iter().map(|value| value as f32).collect()));
            }
        }
    }
}

impl LayerMixture {
    fn of<'a>(&'a self, values: &'a [f32], shares: &'a [f32]) -> Mixture<'a> {
        Mixture::new(values, self.layer.channels, &self.branches, shares)
    }

    /// Which of the quantizers is left.
    pub(super) fn hardened(&self, harden: Harden) -> usize {
        match harden {
            Harden::Lowest => 0,
            Harden::Largest => largest(&self.shares),
        }
    }
}

/// Where the largest share is, the first of equal ones.
fn largest(shares: &[f64]) -> usize {
    let first = |best: usize, k: usize| if shares[k] > shares[best] { k } else { best };
    (0..shares.len()).fold(0, first)
}

fn prepared(names: &HashMap<&str, ParamId>, name: String) -> Result<ParamId> {
    let found = names.get(name.as_str()).copied();
    found.ok_or_else(|| DqaError::NotPrepared { name }.into())
}
