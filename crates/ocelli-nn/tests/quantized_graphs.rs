//! How networks are rewritten so that their activations are quantized, and back.

use burn::tensor::Device;
use ocelli_nn::graph::{ActivationQuantizer, Graph, Node, Op, QuantizerSettings};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{Error, Network, Route};
use ocelli_random::Seed;

fn settings(quantizers: &[&str]) -> Result<QuantizerSettings, Error> {
    let quantizers: Result<_, _> = quantizers.iter().map(|text| text.parse()).collect();
    Ok(QuantizerSettings::new(quantizers?))
}

fn graph(name: &str) -> Result<Graph, Error> {
    registry::find(name)?.graph(&ModelOptions::default())
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.params().iter().map(|spec| spec.name.as_str()).collect()
}

#[test]
fn every_quantized_layer_reads_levels_and_nobody_else() -> Result<(), Error> {
    for name in ["resnet20_cifar", "ghostnet_small", "mobilenetv2_small", "mobilenetv2_100"] {
        let plain = graph(name)?;
        let kept = |layer: &str| layer != "fc" && layer != "classifier";
        let quantized = plain.with_quantizers(&settings(&["min_max:4"])?, kept)?;
        let mut tensors = Vec::new();
        for node in quantized.nodes() {
            let reads_levels =
                node.inputs.iter().any(|id| matches!(quantized.node(*id).op, Op::Quantize(_)));
            let first = node.inputs.first().map(|id| &quantized.node(*id).op);
            let expected = matches!(node.op, Op::Conv2d(_) | Op::Linear(_))
                && kept(&node.name)
                && !matches!(first, Some(Op::Input(_)));
            assert_eq!(reads_levels, expected, "{name}: {}", node.name);
            if matches!(node.op, Op::Quantize(_)) {
                assert!(!tensors.contains(&node.inputs[0]), "{name}: {} is double", node.name);
                tensors.push(node.inputs[0]);
            }
        }
        assert_eq!(plain.params(), &quantized.params()[..plain.params().len()]);
        assert!(quantized.shapes(32, 32).is_ok());
    }
    Ok(())
}

#[test]
fn layers_that_share_a_tensor_share_its_quantizer() -> Result<(), Error> {
    // Where a stage of ResNet-18 begins, two convolutions read one tensor.
    let quantized = graph("resnet18")?.with_quantizers(&settings(&["pact:4"])?, |_| true)?;
    let layers = quantized.nodes().iter();
    let layers = layers.filter(|node| matches!(node.op, Op::Conv2d(_) | Op::Linear(_))).count();
    assert_eq!((layers, quantized.quantizers().count()), (21, 17));
    let names: Vec<&str> = quantized.quantizers().map(|(_, node, _)| node.name.as_str()).collect();
    assert_eq!(names[..2], ["layer1.0.conv1.quantize", "layer1.0.conv2.quantize"]);
    // All of them follow a ReLU.
    assert!(quantized.quantizers().all(|(_, _, quantize)| !quantize.is_signed));
    let image = QuantizerSettings { image: true, ..settings(&["pact:4"])? };
    let with_image = graph("resnet18")?.with_quantizers(&image, |_| true)?;
    let (_, first, quantize) = with_image
        .quantizers()
        .next()
        .ok_or(Error::UnknownModel { name: String::new(), nearest: None })?;
    assert_eq!((first.name.as_str(), quantize.is_signed), ("conv1.quantize", true));
    Ok(())
}

#[test]
fn projections_and_sums_of_them_are_signed() -> Result<(), Error> {
    let quantized = graph("mobilenetv2_100")?.with_quantizers(&settings(&["lsq:4"])?, |_| true)?;
    let signed = quantized.quantizers().filter(|(_, _, quantize)| quantize.is_signed).count();
    let all = quantized.quantizers().count();
    // The input of each of 16 expansions and of the last convolution is a projection.
    assert_eq!((signed, all), (17, 52));
    Ok(())
}

#[test]
fn a_hardened_network_keeps_one_quantizer_with_its_numbers() -> Result<(), Error> {
    let plain = registry::find("resnet20_cifar")?;
    let plain = plain.network(&ModelOptions::default(), Seed(2), &Device::flex())?;
    let settings = settings(&["pact:2", "lsq:4", "float"])?;
    let soft = plain.with_graph(plain.graph().with_quantizers(&settings, |_| true)?)?;
    let names = names(soft.graph());
    let added = &names[plain.params().len()..plain.params().len() + 3];
    let prefix = "layer1.0.conv1.quantize";
    let expected = ["range", "pact2.clip", "lsq4.step"].map(|name| format!("{prefix}.{name}"));
    assert_eq!(added, expected);
    assert_eq!(soft.graph().attention().len(), soft.graph().quantizers().count());

    let mut trained = soft.clone();
    let step = trained.params().index_by_name()["layer1.0.conv2.quantize.lsq4.step"];
    trained.params_mut().set_values(step, vec![0.25])?;
    let hard = trained.graph().hardened(|name, _| usize::from(name.contains("conv2")))?;
    let hard = trained.with_graph(hard)?;
    assert!(hard.graph().attention().is_empty());
    for (_, node, quantize) in hard.graph().quantizers() {
        let bits = if node.name.contains("conv2") { 4 } else { 2 };
        assert_eq!(quantize.branches.len(), 1);
        assert_eq!(quantize.branches[0].quantizer.bits(), Some(bits));
        let scale = quantize.branches[0].scale.map(|id| &hard.params().get(id).spec.name);
        assert!(scale.is_some_and(|name| name.starts_with(&node.name)), "{}", node.name);
    }
    let step = hard.params().index_by_name()["layer1.0.conv2.quantize.lsq4.step"];
    assert_eq!(hard.params().to_values(step), [0.25]);
    assert_eq!(hard.graph().classify().from.len(), 1);

    // Float everywhere is what it was made of.
    let float = trained.graph().hardened(|_, _| 2)?;
    assert_eq!(float.nodes(), plain.graph().nodes());
    assert_eq!(float.params(), plain.graph().params());
    assert_eq!(soft.graph().without_quantizers().nodes(), plain.graph().nodes());
    let message = soft.graph().hardened(|_, _| 3).map(drop).map_err(|error| error.to_string());
    assert!(message.is_err_and(|message| message.contains("number 3 of `layer1.0.conv1")));
    Ok(())
}

#[test]
fn a_route_is_given_the_attention_on_its_way_alone() -> Result<(), Error> {
    let plain = graph("resnet20_cifar")?;
    let soft = plain.with_quantizers(&settings(&["min_max:2", "min_max:8"])?, |_| true)?;
    let stage = Route { to: vec![soft.stages()[0]], ..soft.classify() };
    let first = soft.with_attention(&stage)?.from.len();
    let all = soft.with_attention(&soft.classify())?.from.len();
    assert!(first > 1 && first < all, "{first} {all}");
    assert_eq!(all, 1 + soft.attention().len());
    let rest = Route { from: stage.to.clone(), to: vec![soft.logits()] };
    assert_eq!(soft.with_attention(&rest)?.from.len() + first, all + 1);
    Ok(())
}

#[test]
fn what_cannot_be_quantized_is_refused() -> Result<(), Error> {
    let plain = graph("mobilenetv2_small")?;
    let refused = |quantizers: &[ActivationQuantizer]| -> String {
        let settings = QuantizerSettings::new(quantizers.to_vec());
        let result = plain.with_quantizers(&settings, |_| true).map(drop);
        result.map_err(|error| error.to_string()).err().unwrap_or_default()
    };
    let bits = |bits| ActivationQuantizer::MinMax { bits };
    assert!(refused(&[]).contains("0 quantizers is not possible, expected 1 to 4"));
    assert!(refused(&[bits(2), bits(2)]).contains("`min_max:2` twice"));
    assert!(refused(&[bits(9)]).contains("1 to 8 bits"));
    assert!(refused(&[bits(1), bits(2), bits(3), bits(4), bits(5)]).contains("5 quantizers"));
    let one = ActivationQuantizer::Lsq { bits: 1 };
    assert!(refused(&[one]).contains("2 bits at least"));
    let quantized = plain.with_quantizers(&QuantizerSettings::new(vec![bits(8)]), |_| true)?;
    let again = quantized.with_quantizers(&QuantizerSettings::new(vec![bits(8)]), |_| true);
    assert!(again.is_err_and(|error| error.to_string().contains("is there already")));
    let float = QuantizerSettings::new(vec![ActivationQuantizer::Float]);
    assert_eq!(plain.with_quantizers(&float, |_| true)?.nodes(), plain.nodes());
    let network = Network::new(plain, Seed(1), &Device::flex());
    assert!(network.graph().quantizers().next().is_none());
    Ok(())
}

/// Whether a value is that of a quantization, subsampled and padded or not.
fn is_on_levels<'a>(graph: &'a Graph, mut node: &'a Node) -> bool {
    while matches!(node.op, Op::PadShortcut(_)) {
        node = graph.node(node.inputs[0]);
    }
    matches!(node.op, Op::Quantize(_))
}

#[test]
fn sums_and_means_read_levels_where_they_are_to() -> Result<(), Error> {
    let sums = QuantizerSettings { image: true, sums: true, ..settings(&["min_max:8"])? };
    for name in ["resnet20_cifar", "resnet18", "mobilenetv2_100", "ghostnet_100"] {
        let plain = graph(name)?;
        let quantized = plain.with_quantizers(&sums, |_| true)?;
        let mut count = 0;
        for node in quantized.nodes() {
            let op = &node.op;
            if matches!(op, Op::Add(_) | Op::Concat(_) | Op::Scale(_) | Op::GlobalAvgPool(_)) {
                let mut inputs = node.inputs.iter().map(|id| quantized.node(*id));
                assert!(inputs.all(|node| is_on_levels(&quantized, node)), "{name}: {}", node.name);
                count += 1;
            }
        }
        assert!(count > 8, "{name}");
        // Each tensor has one quantizer, under a name of its own.
        let names: Vec<&str> =
            quantized.quantizers().map(|(_, node, _)| node.name.as_str()).collect();
        let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len(), "{name}");
        let tensors: std::collections::BTreeSet<_> =
            quantized.quantizers().map(|(_, node, _)| node.inputs[0]).collect();
        assert_eq!(names.len(), tensors.len(), "{name}");
    }
    // The sum of the second block reads what its first layer reads, which is named after that.
    let resnet = graph("resnet20_cifar")?.with_quantizers(&sums, |_| true)?;
    let names: Vec<&str> = resnet.quantizers().map(|(_, node, _)| node.name.as_str()).collect();
    assert_eq!(
        names[..4],
        [
            "conv1.quantize",
            "layer1.0.conv1.quantize",
            "layer1.0.conv2.quantize",
            "layer1.0.add1.quantize"
        ]
    );
    assert_eq!(names.len(), 20 + 9 + 1, "layers, one input of each sum, and of the mean");
    Ok(())
}
