//! Gradients of the parts of a step, brought together over accumulation and processes.

use crate::{ProcessGroup, Result, StepOutput};
use burn::tensor::{Tensor, TensorData};
use ocelli_nn::parameter::Parameters;
use ocelli_nn::{BatchStats, Gradients};

/// What the parts of one step add up to, each weighted by its share of the step's samples.
#[derive(Debug, Default)]
pub(super) struct Accumulated {
    pub(super) gradients: Gradients,
    pub(super) loss: f64,
    pub(super) metrics: Vec<(&'static str, f64)>,
    pub(super) images: u64,
}

impl Accumulated {
    pub(super) fn add(&mut self, output: StepOutput, weight: f64, images: u64) {
        let scale = |tensor: Tensor<1>| {
            if weight == 1.0 { tensor } else { tensor.mul_scalar(weight) }
        };
        self.gradients.resize(output.gradients.len(), None);
        for (sum, gradient) in self.gradients.iter_mut().zip(output.gradients) {
            let Some(gradient) = gradient.map(scale) else { continue };
            *sum = Some(match sum.take() {
                Some(sum) => sum + gradient,
                None => gradient,
            });
        }
        self.loss += output.loss * weight;
        self.metrics.resize(output.metrics.len(), ("", 0.0));
        for (sum, (name, value)) in self.metrics.iter_mut().zip(output.metrics) {
            *sum = (name, sum.1 + value * weight);
        }
        self.images += images;
    }

    /// Adds the parts of all processes up.
    pub(super) fn reduce(&mut self, params: &Parameters, group: &dyn ProcessGroup) -> Result<()> {
        if group.world_size() == 1 {
            return Ok(());
        }
        let mut sums = vec![self.loss];
        sums.extend(self.metrics.iter().map(|(_, value)| *value));
        group.all_reduce_f64(&mut sums)?;
        self.loss = sums[0];
        for (metric, sum) in self.metrics.iter_mut().zip(&sums[1..]) {
            metric.1 = *sum;
        }
        self.reduce_gradients(params, group)
    }

    /// One exchange for all parameters: a process without images has zeros.
    fn reduce_gradients(&mut self, params: &Parameters, group: &dyn ProcessGroup) -> Result<()> {
        self.gradients.resize(params.len(), None);
        let trained: Vec<_> = params.iter().filter(|(_, entry)| entry.is_trainable()).collect();
        let mut buffer = Vec::new();
        for (id, entry) in &trained {
            match &self.gradients[id.index()] {
                Some(gradient) => buffer.extend(gradient.to_data().iter::<f32>()),
                None => buffer.resize(buffer.len() + entry.spec.len(), 0.0),
            }
        }
        group.all_reduce(&mut buffer)?;
        let mut rest = buffer.as_slice();
        for (id, entry) in trained {
            let (values, after) = rest.split_at(entry.spec.len());
            rest = after;
            let data = TensorData::new(values.to_vec(), [values.len()]);
            self.gradients[id.index()] = Some(Tensor::from_data(data, params.device()));
        }
        Ok(())
    }
}

/// Averages what the batch normalisations of all processes saw, weighted by their samples.
pub(super) fn reduce_stats(
    stats: Vec<BatchStats>,
    weight: f64,
    group: &dyn ProcessGroup,
) -> Result<Vec<BatchStats>> {
    if group.world_size() == 1 {
        return Ok(stats);
    }
    let average = |tensor: Tensor<1>| -> Result<Tensor<1>> {
        let (device, length) = (tensor.device(), tensor.dims());
        let mut values: Vec<f32> = tensor.mul_scalar(weight).into_data().iter::<f32>().collect();
        group.all_reduce(&mut values)?;
        Ok(Tensor::from_data(TensorData::new(values, length), &device))
    };
    stats
        .into_iter()
        .map(|BatchStats { node, mean, variance }| {
            Ok(BatchStats { node, mean: average(mean)?, variance: average(variance)? })
        })
        .collect()
}
