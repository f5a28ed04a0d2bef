//! Bounds on gradients.

use burn::tensor::Tensor;
use ocelli_nn::Gradients;

/// Shortens the gradients, taken together as one vector, to at most `longest`. Returns the length
/// before.
pub fn clip_norm(gradients: &mut Gradients, longest: f64) -> f64 {
    let squares: Vec<Tensor<1>> =
        gradients.iter().flatten().map(|gradient| gradient.clone().square().sum()).collect();
    if squares.is_empty() {
        return 0.0;
    }
    let norm = f64::from(Tensor::cat(squares, 0).sum().into_scalar::<f32>()).sqrt();
    if norm > longest {
        let factor = longest / norm;
        for gradient in gradients.tensors_mut() {
            gradient.inplace(|gradient| gradient.mul_scalar(factor));
        }
    }
    norm
}

/// Cuts every element of the gradients to between `-largest` and `largest`.
pub fn clip_value(gradients: &mut Gradients, largest: f64) {
    for gradient in gradients.tensors_mut() {
        gradient.inplace(|gradient| gradient.clamp(-largest, largest));
    }
}
