//! Loading a state dict into a network, with a report of what fitted and what did not.

use super::{
    StateDict, TensorEntry,
    error::{Result, WeightsError},
    fit::{Fit, Slot},
    place::Place,
};
use crate::{
    Network,
    graph::Graph,
    parameter::{ParamSpec, Parameters},
    registry,
};
use burn::tensor::Device;
use serde::Serialize;
use std::{collections::HashSet, fmt};

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

/// A tensor whose shape in the file is not that of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// The name in the model.
    pub name: String,
    /// The shape in the file.
    pub file: Vec<usize>,
    /// The shape in the model.
    pub model: Vec<usize>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, model } = self;
        write!(formatter, "`{name}` is {file:?} in the file and {model:?} in the model")
    }
}

/// What became of the tensors of a file and of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// The file.
    pub file: String,
    /// The scheme of its names; `own` for those of timm.
    pub scheme: &'static str,
    /// The dictionary of a checkpoint that the tensors stood in; none for that of the file itself.
    pub section: Option<String>,
    /// What was removed from the start of every name.
    pub prefix: String,
    /// Other places in the file whose tensors fit as well.
    pub also_fits: Vec<Place>,
    /// Parameters that took a tensor of the file.
    pub loaded: Vec<String>,
    /// The kernel whose channels were added up, as the model takes grey images and the file colours.
    pub summed: Option<String>,
    /// Batch counts that the file does not have; they start at zero.
    pub absent_counts: Vec<String>,
    /// Parameters of the classifier that were set to zero as asked.
    pub reset: Vec<String>,
    /// Tensors of the file's classifier that have no counterpart in the one that was reset.
    pub left_out: Vec<String>,
    /// Parameters that the file has nothing for.
    pub missing: Vec<String>,
    /// Parameters for which the file has a tensor of another shape.
    pub mis_shaped: Vec<Misfit>,
    /// Tensors among the model's that it has no use for.
    pub unexpected: Vec<String>,
    /// Tensors that stand beside the model's, as those of a loss; they are no part of it.
    pub beside: Vec<String>,
    /// Elements that are no finite numbers as the tensors are written; only counted where they are
    /// converted.
    pub non_finite: Vec<NonFinite>,
    /// Where else tensors were looked for.
    #[serde(skip)]
    pub tried: Vec<Place>,
}

/// A tensor with elements that are infinite or no numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NonFinite {
    /// The name in the model.
    pub name: String,
    /// How many of its elements.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, of } = self;
        write!(formatter, "`{name}` ({count} of {of})")
    }
}

impl LoadReport {
    /// Whether every parameter got its value and every tensor was used.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.mis_shaped.is_empty() && self.unexpected.is_empty()
    }

    pub(super) fn new(dict: &StateDict, fit: &Fit) -> Self {
        Self {
            file: dict.file().to_owned(),
            scheme: fit.scheme,
            section: fit.place.section.clone(),
            prefix: fit.place.prefix.clone(),
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

    /// Where in the file the tensors stood.
    pub fn place(&self) -> Place {
        Place { section: self.section.clone(), prefix: self.prefix.clone() }
    }

    /// What was decided that the file leaves open, in one line; none where there was no choice.
    pub fn choice(&self) -> Option<String> {
        let mut facts = Vec::new();
        if !self.also_fits.is_empty() {
            let others: Vec<String> = self.also_fits.iter().map(Place::to_string).collect();
            let others = others.join(", ");
            facts.push(format!("{others} would fit too (--section and --prefix choose)"));
        }
        if !self.beside.is_empty() {
            facts.push(format!("left out beside them: {}", names(&self.beside)));
        }
        if let Some(kernel) = &self.summed {
            facts.push(format!(
                "`{kernel}` is summed over its 3 channels, as the model is for grey"
            ));
        }
        let facts = facts.join("; ");
        let place = self.place();
        (!facts.is_empty()).then(|| format!("{}: took the weights of {place}; {facts}", self.file))
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

impl fmt::Display for LoadReport {
    /// One line for what was loaded, and one for each thing that is worth a look.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "loaded {} tensors from {}", self.loaded.len(), self.file)?;
        if self.scheme != super::fit::OWN {
            write!(formatter, ", named as in {}", self.scheme)?;
        }
        if let Some(section) = &self.section {
            write!(formatter, ", of the section `{section}`")?;
        }
        if !self.prefix.is_empty() {
            write!(formatter, ", without the prefix `{}`", self.prefix)?;
        }
        if !self.also_fits.is_empty() {
            let others: Vec<String> = self.also_fits.iter().map(Place::to_string).collect();
            write!(formatter, "\n  {} would fit too", others.join(", "))?;
        }
        if let Some(kernel) = &self.summed {
            write!(formatter, "\n  `{kernel}` is summed over its channels, for grey images")?;
        }
        if !self.absent_counts.is_empty() {
            write!(formatter, "\n  {} batch counts start at zero", self.absent_counts.len())?;
        }
        let mut names = |title: &str, names: &[String]| match names {
            [] => Ok(()),
            names => write!(formatter, "\n  {title} ({}): {}", names.len(), names.join(", ")),
        };
        names("reset", &self.reset)?;
        names("left out", &self.left_out)?;
        names("missing", &self.missing)?;
        names("unused", &self.unexpected)?;
        names("beside the model", &self.beside)?;
        for misfit in &self.mis_shaped {
            write!(formatter, "\n  other shape: {misfit}")?;
        }
        Ok(())
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
    for (id, slot) in ids.into_iter().zip(&fit.slots) {
        let spec = &network.params().get(id).spec;
        let (name, length) = (spec.name.clone(), spec.len());
        let values = if report.reset.contains(&name) {
            Some(vec![0.0; length])
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

/// The network of `graph` with the values of `dict`, all of which must fit.
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

/// The elements of a tensor. One that is no number would make every answer of the network none.
fn finite_values(dict: &StateDict, entry: &TensorEntry) -> Result<Vec<f32>> {
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
    let params = graph.params();
    let head: HashSet<&str> =
        graph.head().into_iter().map(|id| params[id.index()].name.as_str()).collect();
    let fit = Fit::of(params, dict, options.prefix.as_deref());
    let mut report = LoadReport::new(dict, &fit);
    if options.reset_head {
        let heads: HashSet<&str> = head.iter().map(|name| outermost(name)).collect();
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

/// How many names a line shows before it says how many more there are.
const SHOWN: usize = 3;

fn names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The outermost module of a tensor, as `classifier` of `classifier.6.weight`.
fn outermost(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
