//! Any network has a Ghost form.

use burn::tensor::{Device, Tensor};
use ocelli_nn::ghostify::{Ghost, ghostify};
use ocelli_nn::graph::Op;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, Network, Pass};
use ocelli_random::Seed;

#[test]
fn ghost_forms_of_registered_networks_classify_images() -> Result<(), Error> {
    for name in ["mobilenetv2_100", "efficientnetv2_b0", "resnet20_cifar", "ghostnet_050"] {
        let model = registry::find(name)?;
        let ghost = Ghost { ratio: 3, cheap_kernel: 5, ..Ghost::default() };
        let options = ModelOptions { num_classes: 7, ghost: Some(ghost), ..model.options() };
        let graph = model.graph(&options)?;
        let plain = model.graph(&ModelOptions { ghost: None, ..options })?;
        assert_eq!(graph.shapes(64, 48)?[graph.features().index()], {
            plain.shapes(64, 48)?[plain.features().index()]
        });
        assert_eq!(graph.stages().len(), plain.stages().len(), "{name}");
        let network = Network::new(graph, Seed(1), &Device::flex());
        let images = Tensor::ones([1, 3, 64, 48], &Device::flex());
        assert_eq!(network.forward(images, Pass::Eval).dims(), [1, 7], "{name}");
    }
    Ok(())
}

#[test]
fn a_ratio_of_one_makes_no_ghosts() -> Result<(), Error> {
    let model = registry::find("resnet18")?;
    let plain = model.graph(&model.options())?;
    let same = ghostify(&plain, &Ghost { ratio: 1, ..Ghost::default() })?;
    let ops = |graph: &ocelli_nn::graph::Graph| graph.nodes().len();
    assert_eq!(ops(&same), ops(&plain));
    Ok(())
}

#[test]
fn normalisations_and_activations_are_not_repeated() -> Result<(), Error> {
    let model = registry::find("ghost_resnet20_cifar")?;
    let graph = model.graph(&model.options())?;
    for node in graph.nodes() {
        if let Op::BatchNorm(_) = node.op {
            let before = &graph.node(node.inputs[0]).op;
            assert!(matches!(before, Op::Conv2d(_)), "{} follows {before:?}", node.name);
        }
    }
    Ok(())
}

#[test]
fn impossible_settings_are_refused() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let refuse = |ghost: Ghost| {
        let options = ModelOptions { ghost: Some(ghost), ..model.options() };
        model.graph(&options).map(drop).map_err(|e| e.to_string())
    };
    for (ghost, words) in [
        (Ghost { ratio: 0, ..Ghost::default() }, "ghost.ratio"),
        (Ghost { ratio: 17, ..Ghost::default() }, "layer1.0.conv1"),
        (Ghost { cheap_kernel: 4, ..Ghost::default() }, "ghost.cheap_kernel"),
        (Ghost { keep: vec!["[".to_owned()], ..Ghost::default() }, "["),
    ] {
        let message = refuse(ghost.clone()).expect_err("refused");
        assert!(message.contains(words), "{ghost:?}: {message}");
    }
    Ok(())
}
