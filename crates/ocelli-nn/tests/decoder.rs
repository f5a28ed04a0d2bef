//! An encoder with a decoder: its image, and its gradients.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Decoder, Head};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Given, GradientEngine, Gradients, Network, Pass, TrainPass, Wanted};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

const SIZE: usize = 16;

fn network() -> Network {
    let model = registry::find("dae_shallow").unwrap();
    let head = Head::Decoder(Decoder { widths: vec![6, 5, 4], kernel: 3 });
    model.network(&ModelOptions { head, ..model.options() }, Seed(2), &Device::flex()).unwrap()
}

fn noise(seed: u64, shape: [usize; 4]) -> Tensor<4> {
    let mut rng = Seed(seed).stream(Purpose::AUGMENT, 0, 0);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random()).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The plan and burn's tensors make the same image, as large as the one that went in.
#[test]
fn the_image_is_the_same_on_plans_and_on_tensors() {
    let network = network();
    let images = noise(1, [2, 3, SIZE, SIZE]);
    let mut engine = ocelli_nn::InferenceEngine::new(&network).unwrap();
    let route = engine.graph().classify();
    assert!(engine.has_plan([SIZE, SIZE]));
    let planned = engine.values(&route, vec![Given::Planes(images.clone())]).unwrap();
    let planned = planned[0].to_planes(&Device::flex());
    assert_eq!(planned.dims(), [2, 3, SIZE, SIZE]);
    let mut pass = TrainPass::new(Seed(0), 0, 0);
    let route = network.graph().classify();
    for training in [false, true] {
        let pass = if training { Pass::Train(&mut pass) } else { Pass::Eval };
        let given = vec![Given::Planes(images.clone())];
        let mut engine = GradientEngine::new();
        let taped = engine.forward(&network, &route, given, Wanted::PARAMS, pass).unwrap();
        let image = values(taped.value(0));
        assert!(image.iter().all(|value| (0.0..=1.0).contains(value)), "a sigmoid's values");
        if !training {
            let largest = image.iter().zip(values(planned.clone())).map(|(a, b)| (a - b).abs());
            assert!(largest.fold(0.0, f32::max) < 1e-5);
        }
    }
}

#[test]
fn gradients_are_differences() {
    let mut network = network();
    let (images, slopes) = (noise(1, [2, 3, SIZE, SIZE]), noise(5, [2, 3, SIZE, SIZE]));
    let route = network.graph().classify();
    let forward = |network: &Network| {
        let given = vec![Given::Planes(images.clone())];
        let mut engine = GradientEngine::new();
        engine.forward(network, &route, given, Wanted::PARAMS, Pass::Eval).unwrap()
    };
    let mut gradients = Gradients::default();
    forward(&network).backward(vec![Some(slopes.clone())], &mut gradients);
    let loss = |network: &Network| -> f64 {
        let image = values(forward(network).value(0));
        let pairs = image.iter().zip(values(slopes.clone()));
        pairs.map(|(y, slope)| f64::from(*y) * f64::from(slope)).sum()
    };
    for name in ["encoder.0.conv.bias", "decoder.0.conv.weight", "decoder.image.bias"] {
        let id = network.params().index_by_name()[name];
        let found: Vec<f32> = gradients.get(id).unwrap().clone().into_data().iter().collect();
        let first = network.params().to_values(id);
        let (h, mut moved) = (1e-2_f32, [0.0; 2]);
        for (loss_of, sign) in moved.iter_mut().zip([1.0, -1.0]) {
            let mut values = first.clone();
            values[0] += sign * h;
            network.params_mut().set_values(id, values).unwrap();
            *loss_of = loss(&network);
        }
        network.params_mut().set_values(id, first).unwrap();
        let slope = (moved[0] - moved[1]) / f64::from(2.0 * h);
        let error = (f64::from(found[0]) - slope).abs();
        assert!(error < 0.02 * slope.abs().max(0.1), "{name}: {} for {slope}", found[0]);
    }
}
