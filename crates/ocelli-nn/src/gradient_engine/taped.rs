//! What a forward pass leaves for its backward pass.

use super::plans::{Planned, Plans};
use crate::given::{FlexTensor, GivenValues};
use crate::gradients::Gradients;
use crate::lowering::GivenSlice;
use crate::network::Network;
use crate::pass::Pass;
use crate::route::Route;
use crate::train_plan::Wants;
use crate::{Given, Result, RowValues};
use burn::backend::Flex;
use burn::tensor::{Device, Tensor};
use ocelli_kernels::in_pool;
use std::fmt;

/// Values that a route computed, and how to differentiate them.
///
/// Several may be alive at a time, of one engine too: those of two towers, say, between which a loss
/// stands.
pub struct Taped {
    /// `None` once it went home.
    tape: Option<Tape>,
    device: Device,
}

pub(super) enum Tape {
    Plan {
        planned: Box<Planned>,
        slices: Slices,
        /// Where the plan goes back to.
        plans: Plans,
    },
    Burn {
        tracked: Network,
        given: Vec<Tensor<4>>,
        values: Vec<Tensor<4>>,
        wants: Wants,
    },
}

impl fmt::Debug for Taped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_plan = matches!(self.tape, Some(Tape::Plan { .. }));
        formatter.debug_struct("Taped").field("has_plan", &has_plan).finish_non_exhaustive()
    }
}

impl Taped {
    pub(super) fn new(tape: Tape, device: Device) -> Self {
        Self { tape: Some(tape), device }
    }

    /// A value that the route wants, in its order, `[batch, channels, height, width]`, without autodiff.
    ///
    /// # Panics
    /// When the route wants fewer.
    pub fn value(&self, index: usize) -> Tensor<4> {
        match self.tape() {
            Tape::Plan { planned, .. } => match &planned.plan {
                Some(plan) => plan.wanted(index).to_planes(&self.device),
                None => unreachable!("a tape of a plan has one"),
            },
            Tape::Burn { values, .. } => values[index].clone().without_autodiff(),
        }
    }

    /// The same value, channels last.
    ///
    /// # Panics
    /// When the route wants fewer.
    pub fn rows(&self, index: usize) -> RowValues {
        match self.tape() {
            Tape::Plan { planned, .. } => match &planned.plan {
                Some(plan) => plan.wanted(index),
                None => unreachable!("a tape of a plan has one"),
            },
            Tape::Burn { .. } => self.value(index).into(),
        }
    }

    /// The vector–Jacobian product: adds the gradients of the parameters to `into`, given those of the
    /// wanted values, and returns those of the given values where they were asked for.
    ///
    /// # Shapes
    /// - `values`: `[batch, channels, height, width]` for each wanted value, if it has a gradient
    /// - result: the same for each given value
    ///
    /// # Panics
    /// When a gradient has another shape than its value.
    pub fn backward(
        mut self,
        values: Vec<Option<Tensor<4>>>,
        into: &mut Gradients,
    ) -> Vec<Option<Tensor<4>>> {
        match self.tape.take() {
            Some(Tape::Plan { mut planned, slices, plans }) => {
                let given = match &mut planned.plan {
                    Some(plan) => {
                        let values: Vec<Option<Vec<f32>>> = values
                            .into_iter()
                            .map(|gradient| {
                                gradient.map(|gradient| RowValues::from(gradient).values)
                            })
                            .collect();
                        let params = slices.params();
                        let given = in_pool(|| plan.backward(&params, &values, into));
                        let planes = |rows: RowValues| rows.to_planes(&self.device);
                        given.into_iter().map(|rows| rows.map(planes)).collect()
                    }
                    None => Vec::new(),
                };
                plans.keep(*planned);
                given
            }
            Some(Tape::Burn { tracked, given, values: outputs, wants }) => {
                backward_with_burn(&tracked, &given, outputs, values, wants, into)
            }
            None => Vec::new(),
        }
    }

    fn tape(&self) -> &Tape {
        self.tape.as_ref().unwrap_or_else(|| unreachable!("a tape stays until its backward pass"))
    }
}

impl Drop for Taped {
    /// Without a backward pass its memory goes home too.
    fn drop(&mut self) {
        if let Some(Tape::Plan { planned, plans, .. }) = self.tape.take()
            && !std::thread::panicking()
        {
            plans.keep(*planned);
        }
    }
}

/// A forward pass that burn differentiates.
pub(super) fn with_burn(
    network: &Network,
    route: &Route,
    given: Vec<Given>,
    wants: Wants,
    pass: &mut Pass<'_>,
) -> Result<Taped> {
    let device = network.params().device().clone();
    let tracked = if wants.params { network.tracked() } else { network.clone() };
    let given: Vec<Tensor<4>> = given
        .into_iter()
        .map(|value| {
            let planes = value.into_planes(&device).without_autodiff().autodiff();
            if wants.inputs { planes.require_grad() } else { planes }
        })
        .collect();
    let values = tracked.run_route(route, given.clone(), pass)?;
    Ok(Taped::new(Tape::Burn { tracked, given, values, wants }, device))
}

fn backward_with_burn(
    tracked: &Network,
    given: &[Tensor<4>],
    outputs: Vec<Tensor<4>>,
    gradients: Vec<Option<Tensor<4>>>,
    wants: Wants,
    into: &mut Gradients,
) -> Vec<Option<Tensor<4>>> {
    let products = outputs.into_iter().zip(gradients).filter_map(|(value, gradient)| {
        Some((value * gradient?.without_autodiff().autodiff()).sum())
    });
    let zero =
        |value: &Tensor<4>| wants.inputs.then(|| value.clone().without_autodiff().zeros_like());
    let Some(product) = products.reduce(|sum, product| sum + product) else {
        return given.iter().map(zero).collect();
    };
    let mut found = product.backward();
    if wants.params {
        for (id, entry) in tracked.params().iter() {
            if let Some(gradient) = entry.value().grad_remove(&mut found) {
                into.add(id, gradient);
            }
        }
    }
    let of_given = |value: &Tensor<4>| {
        let gradient = wants.inputs.then(|| value.grad_remove(&mut found)).flatten();
        gradient.or_else(|| zero(value))
    };
    given.iter().map(of_given).collect()
}

/// The elements of a network and of what it is given, as they stand in memory.
pub(super) struct Slices {
    params: Vec<FlexTensor>,
    given: GivenValues,
}

impl Slices {
    /// `None` unless all of them are on the CPU.
    pub(super) fn new(network: &Network, given: &[Given]) -> Option<Self> {
        let params = network.params().iter().map(|(_, entry)| {
            let tensor = entry.value().without_autodiff().try_into_primitive::<Flex>().ok()?;
            tensor.as_slice::<f32>().is_some().then_some(tensor)
        });
        Some(Self { params: params.collect::<Option<_>>()?, given: GivenValues::new(given)? })
    }

    pub(super) fn params(&self) -> Vec<&[f32]> {
        self.params.iter().map(|tensor| tensor.as_slice().unwrap_or_default()).collect()
    }

    pub(super) fn given(&self) -> Vec<GivenSlice<'_>> {
        self.given.slices()
    }
}
