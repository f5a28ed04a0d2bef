//! Classification losses.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_data::Targets;

/// The cross-entropy between targets and the softmax of logits, averaged over the batch.
///
/// Targets may be classes, sets of classes or distributions; smoothed and mixed labels come as
/// distributions. The classes of a set are equally probable, as EfficientNetV2 has it for
/// ImageNet-21k (Tan and Le 2021, section 5: labels are normalised to a sum of 1 before the softmax
/// loss): one softmax over all classes, not a sigmoid for each.
///
/// # Shapes
/// - `logits`: `[batch, classes]`
/// - result: `[1]`
pub fn cross_entropy(logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let rows = target_rows(targets, classes);
    let mut rows =
        Tensor::<2>::from_data(TensorData::new(rows, [batch, classes]), &plain_device(&logits));
    if logits.is_autodiff() {
        rows = rows.autodiff();
    }
    (rows * log_softmax(logits, 1)).sum().div_scalar(-(batch as f64))
}

fn plain_device(logits: &Tensor<2>) -> Device {
    logits.device().without_autodiff()
}

/// One distribution over the classes per sample, row after row.
fn target_rows(targets: &Targets, classes: usize) -> Vec<f32> {
    if let Targets::Soft { rows, .. } = targets {
        return rows.clone();
    }
    let mut rows = vec![0.0; targets.len() * classes];
    for (index, row) in rows.chunks_exact_mut(classes).enumerate() {
        let set = set_of(targets, index);
        for class in set {
            if let Some(target) = row.get_mut(*class as usize) {
                *target = 1.0 / set.len() as f32;
            }
        }
    }
    rows
}

/// The classes of a sample whose target is no distribution.
fn set_of(targets: &Targets, index: usize) -> &[u32] {
    match targets {
        Targets::Hard(labels) => &labels[index..=index],
        Targets::MultiLabel(sets) => &sets[index],
        Targets::Soft { .. } | Targets::None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 6] = [1.0, 2.0, 3.0, 0.5, -1.0, 0.0];

    fn soft() -> Targets {
        Targets::Soft { rows: vec![0.2, 0.3, 0.5, 0.0, 0.6, 0.4], classes: 3 }
    }

    /// Values and gradients of `torch.nn.functional.cross_entropy`.
    #[test]
    fn values_and_gradients_are_pytorchs() {
        let cases = [
            (Targets::Hard(vec![2, 1]), 1.255_868_3, [0.045_015_29, 0.122_364_24, -0.167_379_52]),
            (soft(), 1.405_868_3, [-0.054_984_71, -0.027_635_76, 0.082_620_48]),
        ];
        for (targets, expected, first_gradients) in cases {
            let data = TensorData::new(LOGITS.to_vec(), [2, 3]);
            let logits = Tensor::<2>::from_data(data, &Device::flex()).autodiff().require_grad();
            let loss = cross_entropy(logits.clone(), &targets);
            let gradients = logits.grad(&loss.backward()).unwrap();
            let value: f32 = loss.into_scalar();
            assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
            let gradients = gradients.into_data();
            for (actual, expected) in gradients.iter::<f32>().zip(first_gradients) {
                assert!((actual - expected).abs() < 1e-6, "{actual} is not {expected}");
            }
        }
    }

    /// As a distribution that is even over the classes of the set.
    #[test]
    fn a_set_of_classes_is_normalised_to_one() {
        let logits =
            || Tensor::<2>::from_data(TensorData::new(LOGITS.to_vec(), [2, 3]), &Device::flex());
        let several = Targets::MultiLabel(vec![vec![2, 0], vec![1]]);
        let even = Targets::Soft { rows: vec![0.5, 0.0, 0.5, 0.0, 1.0, 0.0], classes: 3 };
        let loss = |targets: &Targets| cross_entropy(logits(), targets).into_scalar::<f32>();
        assert_eq!(loss(&several), loss(&even));
        // By hand: the log-sum of each row less the mean of the logits of its classes.
        let log_sum = |row: &[f32]| row.iter().map(|logit| logit.exp()).sum::<f32>().ln();
        let expected = (log_sum(&LOGITS[..3]) - 2.0 + log_sum(&LOGITS[3..]) + 1.0) / 2.0;
        assert!((loss(&several) - expected).abs() < 1e-6);
    }

    #[test]
    fn it_needs_no_gradients() {
        let data = TensorData::new(LOGITS.to_vec(), [2, 3]);
        let logits = Tensor::<2>::from_data(data, &Device::flex());
        let value: f32 = cross_entropy(logits, &soft()).into_scalar();
        assert!((value - 1.405_868_3).abs() < 1e-6);
    }
}
