//! What came out of a step, brought together over processes.

use crate::{ProcessGroup, Result, StepOutput};
use burn::tensor::{Tensor, TensorData};
use ocelli_nn::parameter::Parameters;
use ocelli_nn::{BatchStats, Gradients};

/// Adds up what came out of a step in all processes.
pub(super) fn reduce(
    output: &mut StepOutput,
    gradients: &mut Gradients,
    params: &Parameters,
    group: &dyn ProcessGroup,
) -> Result<()> {
    if group.world_size() == 1 {
        return Ok(());
    }
    let mut sums = vec![output.loss];
    sums.extend(output.metrics.iter().map(|(_, value)| *value));
    group.all_reduce_f64(&mut sums)?;
    output.loss = sums[0];
    for (metric, sum) in output.metrics.iter_mut().zip(&sums[1..]) {
        metric.1 = *sum;
    }
    reduce_gradients(gradients, params, group)
}

/// One exchange for all parameters: one without a gradient here has zeros.
fn reduce_gradients(
    gradients: &mut Gradients,
    params: &Parameters,
    group: &dyn ProcessGroup,
) -> Result<()> {
    let trained: Vec<_> = params.iter().filter(|(_, entry)| entry.is_trainable()).collect();
    let mut buffer = Vec::new();
    for (id, entry) in &trained {
        match gradients.get(*id) {
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
        gradients.set(id, Tensor::from_data(data, params.device()));
    }
    Ok(())
}

/// Averages what the operations of all processes saw, weighted by their samples.
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
    stats.into_iter().map(|stats| stats.try_map(average)).collect()
}
