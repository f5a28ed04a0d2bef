//! Loading a state dict into a network, with a report of what fitted and what did not.

use super::{
    StateDict, TensorEntry, activations,
    error::{Result, WeightsError},
    fit::{Fit, Slot},
    report::LoadReport,
};
use crate::{
    Network,
    graph::{DECODER, Graph, PROJECTION},
    parameter::{ParamSpec, Parameters},
    registry,
};
use burn::tensor::Device;
use std::collections::HashSet;

/// How to load weights into a network.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// What to remove from the start of every name; found by itself if absent.
    pub prefix: Option<String>,
    /// Set the classifier to zeros, for classes other than the file's: its first loss is then ln of
    /// the classes, whatever the features are. The file's own may have other layers, as
    /// torchvision's VGG-16 has.
    pub reset_head: bool,
    /// Load what fits and only report the rest.
    pub partial: bool,
}

impl LoadReport {
    pub(super) fn new(dict: &StateDict, fit: &Fit) -> Self {
        Self {
            file: dict.file().to_owned(),
            scheme: fit.scheme,
            section: fit.location.section.clone(),
            prefix: fit.location.prefix.clone(),
            also_fits: fit.rivals.clone(),
            loaded: Vec::new(),
            summed: None,
            absent_counts: Vec::new(),
            reset: Vec::new(),
            left_out: Vec::new(),
            missing: Vec::new(),
            mis_shaped: Vec::new(),
            unexpected: fit.unexpected.clone(),
            beside: fit.beside.clone(),
            non_finite: Vec::new(),
            tried: fit.tried.clone(),
        }
    }

    /// Notes what a parameter finds in the file.
    pub(super) fn note(&mut self, param: &ParamSpec, slot: &Slot) {
        match slot {
            Slot::Fits(_) => self.loaded.push(param.name.clone()),
            Slot::Colours(_) => {
                self.loaded.push(param.name.clone());
                self.summed = Some(param.name.clone());
            }
            Slot::Optional => self.absent_counts.push(param.name.clone()),
            Slot::Missing => self.missing.push(param.name.clone()),
            Slot::MisShaped(misfit) => self.mis_shaped.push(misfit.clone()),
        }
    }

    /// Why the file is not the model's, if it is not. `head` are the names of the classifier.
    pub(super) fn refusal(&self, dict: &StateDict, head: &HashSet<&str>) -> Option<WeightsError> {
        if self.is_complete() {
            return None;
        }
        let only_head = self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.mis_shaped.iter().all(|misfit| head.contains(misfit.name.as_str()));
        if only_head {
            return Some(WeightsError::OtherHead {
                file: self.file.clone(),
                heads: self.mis_shaped.clone(),
            });
        }
        Some(WeightsError::OtherModel {
            report: Box::new(self.clone()),
            fits: super::identify(dict).into_iter().map(registry::Model::name).collect(),
        })
    }
}

/// Copies the tensors of `dict` into `network`, translating their names and layouts.
///
/// A classifier that is reset becomes zero. The first values of a network that is trained from the
/// start would not do: those of some families shrink with the number of classes, as they are made
/// for a thousand, so that three classes begin with logits that are confident and wrong.
///
/// Nothing is copied unless all fits, or `options` allow a part.
///
/// # Errors
/// [`WeightsError::OtherHead`] when only the classifier has another size,
/// [`WeightsError::OtherModel`] when anything else is missing, mis-shaped or unused,
/// [`WeightsError::Tensor`] when an element is no finite number, and when the file cannot be read.
pub fn load(network: &mut Network, dict: &StateDict, options: &LoadOptions) -> Result<LoadReport> {
    let (fit, report) = fit(network.graph(), dict, options)?;
    let ids: Vec<_> = network.params().iter().map(|(id, _)| id).collect();
    // A projection of zeros has no direction and would never learn: it keeps its first values.
    let classifies = network.graph().num_classes() > 0;
    for (id, slot) in ids.into_iter().zip(&fit.slots) {
        let spec = &network.params().get(id).spec;
        let (name, length) = (spec.name.clone(), spec.len());
        let values = if report.reset.contains(&name) {
            classifies.then(|| vec![0.0; length])
        } else {
            slot.values(|entry| finite_values(dict, entry))?
        };
        if let Some(values) = values {
            let values = network.params_mut().set_values(id, values);
            values.map_err(|error| dict.tensor_error(&name, error.to_string()))?;
        }
    }
    Ok(report)
}

/// The network of `graph` with the values of `dict`, all of which must fit. Activations are quantized where
/// the file says so.
///
/// No memory is reserved for the network before every tensor is known to be there in its shape, so
/// a graph of absurd size costs nothing.
///
/// # Errors
/// As [`load`].
pub fn network_from(
    graph: Graph,
    dict: &StateDict,
    device: &Device,
) -> Result<(Network, LoadReport)> {
    let graph = activations::of_file(&graph, dict)?.unwrap_or(graph);
    let (fit, report) = fit(&graph, dict, &LoadOptions::default())?;
    let values = graph.params().iter().zip(&fit.slots).map(|(param, slot)| {
        let values = slot.values(|entry| finite_values(dict, entry))?;
        // All that may be absent are batch counts.
        Ok(values.unwrap_or_else(|| vec![0.0; param.len()]))
    });
    let values = values.collect::<Result<Vec<_>>>()?;
    let params = Parameters::from_values(graph.params(), values, device).map_err(|error| {
        WeightsError::Container { file: dict.file().to_owned(), reason: error.to_string() }
    })?;
    Ok((Network::from_parts(graph, params), report))
}

/// The elements of a tensor. A NaN would make every output of the network NaN.
pub(super) fn finite_values(dict: &StateDict, entry: &TensorEntry) -> Result<Vec<f32>> {
    let values = entry.values()?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(at) => {
            let reason = format!("{} at element {at}, expected finite numbers", values[at]);
            Err(dict.tensor_error(entry.name(), reason))
        }
    }
}

/// What `dict` has for the parameters of `graph`, unless `options` refuse it.
fn fit(graph: &Graph, dict: &StateDict, options: &LoadOptions) -> Result<(Fit, LoadReport)> {
    dict.check_floats()?;
    let params = graph.params();
    let head: HashSet<&str> =
        graph.head().into_iter().map(|id| params[id.index()].name.as_str()).collect();
    let fit = Fit::find(params, dict, options.prefix.as_deref());
    let mut report = LoadReport::new(dict, &fit);
    leave_ranges_beside(graph, dict, &mut report);
    if options.reset_head {
        // A projection and a decoder are heads too: those of features that were trained without labels.
        let heads = head.iter().map(|name| outermost(name)).chain([PROJECTION, DECODER]);
        let heads: HashSet<&str> = heads.collect();
        let of_head = |name: &String| {
            heads.contains(outermost(name.strip_prefix(&report.prefix).unwrap_or(name)))
        };
        (report.left_out, report.unexpected) = report.unexpected.iter().cloned().partition(of_head);
    }
    for (param, slot) in params.iter().zip(&fit.slots) {
        if options.reset_head && head.contains(param.name.as_str()) {
            report.reset.push(param.name.clone());
        } else {
            report.note(param, slot);
        }
    }
    let tolerated = options.partial && !report.loaded.is_empty();
    match report.refusal(dict, &head).filter(|_| !tolerated) {
        Some(refusal) => Err(refusal),
        None => Ok((fit, report)),
    }
}

/// A network of floats has no use for what a file knows of quantized activations.
fn leave_ranges_beside(graph: &Graph, dict: &StateDict, report: &mut LoadReport) {
    // A graph whose activations are quantized already has all of it.
    let Ok(Some(quantized)) = activations::of_file(graph, dict) else { return };
    let own: HashSet<&str> =
        quantized.params()[graph.params().len()..].iter().map(|spec| spec.name.as_str()).collect();
    let unexpected = std::mem::take(&mut report.unexpected);
    let of_activations =
        |name: &String| own.contains(name.strip_prefix(&report.prefix).unwrap_or(name));
    let (ranges, unexpected) = unexpected.into_iter().partition(of_activations);
    report.unexpected = unexpected;
    report.beside.extend::<Vec<String>>(ranges);
}

/// The outermost module of a tensor, as `classifier` of `classifier.6.weight`.
fn outermost(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
