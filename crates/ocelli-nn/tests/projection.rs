//! A projection head after any backbone.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Builder, Head, NormSettings, Projection, Shape};
use ocelli_nn::init::InitScheme;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, GradientEngine, InferenceEngine, Network, Pass, TrainPass};
use ocelli_random::Seed;

fn projection(widths: &[usize], batch_norm: bool) -> Head {
    Head::Projection(Projection { widths: widths.to_vec(), batch_norm })
}

fn images(batch: usize) -> Tensor<4> {
    let values = (0..batch * 3 * 32 * 32).map(|at| (at as f32 * 0.731).sin()).collect::<Vec<_>>();
    Tensor::from_data(TensorData::new(values, [batch, 3, 32, 32]), &Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// A classifier goes and layers come; nothing before them changes its name or position.
#[test]
fn every_backbone_takes_another_head() -> Result<(), Error> {
    for model in registry::models() {
        let name = model.name();
        let plain = model.graph(&model.options())?;
        let head = projection(&[64, 32], true);
        let graph = model.graph(&ModelOptions { head, ..model.options() })?;
        let without = model.graph(&ModelOptions { head: Head::None, ..model.options() })?;
        let own = plain.head().len();
        let backbone = &plain.params()[..plain.params().len() - own];
        assert_eq!(without.params(), backbone, "{name}");
        assert_eq!(&graph.params()[..backbone.len()], backbone, "{name}");
        let rest = graph.params()[backbone.len()..].iter();
        let names: Vec<&str> = rest.map(|param| param.name.as_str()).collect();
        let norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        let mut expected = vec!["projection.0.weight".to_owned()];
        expected.extend(norm.map(|name| format!("projection.1.{name}")));
        expected.push("projection.3.weight".to_owned());
        expected.extend(norm.map(|name| format!("projection.4.{name}")));
        assert_eq!(names, expected, "{name}");
        let size = model.config.input_size;
        let shapes = graph.shapes(size, size)?;
        assert_eq!(shapes[graph.logits().index()], Shape::vector(32), "{name}");
        assert_eq!(graph.embed(), plain.embed(), "{name}");
        assert_eq!(without.logits(), without.pooled(), "{name}");
        assert_eq!(graph.head().len(), expected.len(), "{name}");
    }
    Ok(())
}

/// 24,151,602 with the head of G-SimCLR and 23,587,712 without it, as its notebooks print for ResNet-50; of
/// its encoder for CIFAR, whose features are 256, 1,226,482 and 1,121,344.
#[test]
fn the_head_of_g_simclr_has_as_many_parameters_as_published() -> Result<(), Error> {
    let learnt = |features: usize| {
        let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
        let x = b.linear("features", image, features);
        let logits = b.linear("fc", x, 10);
        let graph = b.finish(x, x, logits).with_head(&Head::Projection(Projection::g_simclr()))?;
        let count = graph.head().iter().map(|id| graph.params()[id.index()].len()).sum::<usize>();
        Ok::<_, Error>(count)
    };
    assert_eq!(learnt(2048)?, 24_151_602 - 23_587_712);
    assert_eq!(learnt(256)?, 1_226_482 - 1_121_344);
    Ok(())
}

#[test]
fn backbones_begin_with_the_same_values_under_any_head() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let network = |head| {
        let options = ModelOptions { head, ..model.options() };
        model.network(&options, Seed(4), &Device::flex())
    };
    let (plain, projected) = (network(Head::Linear)?, network(projection(&[16, 8], false))?);
    let mut equal = 0;
    let ids = plain.params().index_by_name();
    for (id, entry) in projected.params().iter().filter(|(_, p)| !p.spec.name.starts_with("pr")) {
        let other = ids[entry.spec.name.as_str()];
        assert_eq!(projected.params().to_values(id), plain.params().to_values(other));
        equal += 1;
    }
    assert_eq!(equal, plain.params().len() - 2);
    Ok(())
}

#[test]
fn projections_have_length_one_with_and_without_a_plan() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    for batch_norm in [false, true] {
        let options = ModelOptions { head: projection(&[16, 8], batch_norm), ..model.options() };
        let network = model.network(&options, Seed(4), &Device::flex())?;
        let burns = values(network.forward(images(3), Pass::Eval));
        let mut engine = InferenceEngine::new(&network)?;
        let planned = values(engine.logits(images(3))?);
        for (planned, burns) in planned.chunks(8).zip(burns.chunks(8)) {
            let length = planned.iter().map(|value| value * value).sum::<f32>().sqrt();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
            assert!(planned.iter().zip(burns).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
    Ok(())
}

/// Of a smooth function: the last layer's weights, below nothing but the unit length.
#[test]
fn gradients_are_the_differences_of_the_loss() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let options = ModelOptions { head: projection(&[16, 8], true), ..model.options() };
    let mut network = model.network(&options, Seed(4), &Device::flex())?;
    let factors =
        Tensor::<1>::from_floats([1.0, -2.0, 0.5, 3.0, -1.0, 0.2, 1.5, -0.7], &Device::flex());
    let loss = |network: &Network| {
        let mut pass = TrainPass::new(Seed(5), 0, 0);
        let loss = |projections: Tensor<2>| {
            let factors = factors.clone().reshape([1, 8]);
            let factors = if projections.is_autodiff() { factors.autodiff() } else { factors };
            (projections * factors).sum()
        };
        GradientEngine::new()
            .differentiate(network, images(6), &mut pass, loss)
            .expect("images that fit")
    };
    let id = network.params().index_by_name()["projection.4.bias"];
    let gradient = values(loss(&network).gradients.get(id).expect("a gradient").clone());
    for at in 0..8 {
        let mut moved = |by: f32| {
            let mut bias = vec![0.0; 8];
            bias[at] = by;
            network.params_mut().set_values(id, bias).expect("as long as before");
            f64::from(values(loss(&network).loss)[0])
        };
        let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        let error = (slope - f64::from(gradient[at])).abs();
        assert!(error < 2e-2, "{slope} is not {}", gradient[at]);
    }
    Ok(())
}

#[test]
fn impossible_heads_are_refused() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let refuse = |head| {
        let options = ModelOptions { head, ..model.options() };
        model.graph(&options).expect_err("an impossible head").to_string()
    };
    let message = refuse(projection(&[], true));
    assert!(message.contains("`head.projection.widths`: 0 layers is not possible"), "{message}");
    let message = refuse(projection(&[16, 0], true));
    assert!(message.contains("`head.projection.widths`: 0 is not possible"), "{message}");
    let bare = model.graph(&ModelOptions { head: Head::None, ..model.options() })?;
    let message = bare.with_head(&projection(&[8], false)).expect_err("no classifier").to_string();
    assert!(message.contains("a network without a classifier"), "{message}");
    Ok(())
}
