//! What the Ghost form of a small network computes, value by value.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::ghostify::{Ghost, ghostify};
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings, Op};
use ocelli_nn::init::InitScheme;
use ocelli_nn::{Error, Network, Pass};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

/// ε and momentum that are not the defaults.
const NORM: NormSettings = NormSettings { epsilon: 1e-3, momentum: 0.3 };

/// A strided stem, a dilated convolution with a residual around it, and a last one.
fn host() -> Graph {
    let (mut b, image) = Builder::new(2, InitScheme::FanInUniform, NORM);
    let x = b.conv("stem", image, ConvSettings::new(6, 3).stride(2));
    let x = b.batch_norm("stem_bn", x);
    let x = b.activation(x, Activation::Silu);
    let y = b.conv("wide", x, ConvSettings { dilation: 2, ..ConvSettings::new(6, 5) });
    let y = b.batch_norm("wide_bn", y);
    let x = b.add("sum", x, y);
    let x = b.conv("last", x, ConvSettings::new(5, 1));
    let x = b.batch_norm("last_bn", x);
    let features = b.activation(x, Activation::Relu);
    b.end_stage(features);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    b.finish(features, pooled, logits)
}

/// The Ghost form of [`host`] with s = 2 and d = 3, written out after equations 2 and 3: primary maps,
/// what a depthwise kernel makes of each, both side by side, the surplus map dropped.
fn host_by_hand() -> Graph {
    let (mut b, image) = Builder::new(2, InitScheme::FanInUniform, NORM);
    let x = b.conv("stem.primary_conv.0", image, ConvSettings::new(3, 3).stride(2));
    let x = b.batch_norm("stem.primary_conv.1", x);
    let primary = b.activation(x, Activation::Silu);
    let x = b.conv("stem.cheap_operation.0", primary, ConvSettings::depthwise(3, 3));
    let x = b.batch_norm("stem.cheap_operation.1", x);
    let cheap = b.activation(x, Activation::Silu);
    let x = b.concat("stem", &[primary, cheap], 6);
    let wide = ConvSettings { dilation: 2, ..ConvSettings::new(3, 5) };
    let y = b.conv("wide.primary_conv.0", x, wide);
    let primary = b.batch_norm("wide.primary_conv.1", y);
    let y = b.conv("wide.cheap_operation.0", primary, ConvSettings::depthwise(3, 3));
    let cheap = b.batch_norm("wide.cheap_operation.1", y);
    let y = b.concat("wide", &[primary, cheap], 6);
    let x = b.add("sum", x, y);
    let x = b.conv("last.primary_conv.0", x, ConvSettings::new(3, 1));
    let x = b.batch_norm("last.primary_conv.1", x);
    let primary = b.activation(x, Activation::Relu);
    let x = b.conv("last.cheap_operation.0", primary, ConvSettings::depthwise(3, 3));
    let x = b.batch_norm("last.cheap_operation.1", x);
    let cheap = b.activation(x, Activation::Relu);
    let features = b.concat("last", &[primary, cheap], 5);
    b.end_stage(features);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    b.finish(features, pooled, logits)
}

fn random(length: usize, position: u64) -> Vec<f32> {
    let mut stream = Seed(3).stream(Purpose("ghost-values"), 0, position);
    (0..length).map(|_| stream.random_range(0.2..1.2)).collect()
}

/// Logits for two images, with all parameters and running statistics drawn by position.
fn logits(graph: &Graph) -> Result<Vec<f32>, Error> {
    let device = Device::flex();
    let mut network = Network::new(graph.clone(), Seed(1), &device);
    let lengths: Vec<_> = network.params().iter().map(|(id, p)| (id, p.spec.len())).collect();
    for (position, (id, length)) in (0..).zip(lengths) {
        let values = random(length, position).into_iter().map(|value| value - 0.1).collect();
        network.params_mut().set_values(id, values)?;
    }
    let images = TensorData::new(random(2 * 2 * 9 * 7, 1000), [2, 2, 9, 7]);
    let images = Tensor::from_data(images, &device);
    Ok(network.forward(images, Pass::Eval).into_data().iter::<f32>().collect())
}

fn all(ratio: usize) -> Ghost {
    Ghost { ratio, keep_first: false, ..Ghost::default() }
}

fn convolutions(graph: &Graph) -> Vec<&str> {
    let is_conv = |op: &Op| matches!(op, Op::Conv2d(_));
    graph.nodes().iter().filter(|node| is_conv(&node.op)).map(|node| &*node.name).collect()
}

#[test]
fn with_a_ratio_of_one_the_ghost_form_computes_what_its_host_does() -> Result<(), Error> {
    let same = ghostify(&host(), &all(1))?;
    let names = ["stem.primary_conv.0", "wide.primary_conv.0", "last.primary_conv.0"];
    assert_eq!(convolutions(&same), names);
    let (host, same) = (logits(&host())?, logits(&same)?);
    assert!(host.iter().all(|value| value.is_finite()) && host[0] != host[3], "{host:?}");
    assert_eq!(same, host);
    Ok(())
}

#[test]
fn with_a_ratio_of_two_it_is_the_network_that_is_written_out_by_hand() -> Result<(), Error> {
    let (ghost, by_hand) = (ghostify(&host(), &all(2))?, host_by_hand());
    let parameters = |graph: &Graph| -> Vec<_> {
        graph.params().iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect()
    };
    assert_eq!(parameters(&ghost), parameters(&by_hand));
    assert_eq!(logits(&ghost)?, logits(&by_hand)?);
    assert_eq!(ghost.stages().len(), 1);
    assert_eq!(ghost.node(ghost.stages()[0]).name, "last");
    assert_ne!(logits(&ghost)?, logits(&ghostify(&host(), &all(3))?)?, "s is looked at");
    let larger = Ghost { cheap_kernel: 5, ..all(2) };
    assert_ne!(logits(&ghost)?, logits(&ghostify(&host(), &larger)?)?, "d is looked at");
    Ok(())
}

#[test]
fn what_keep_names_stays_and_nothing_else() -> Result<(), Error> {
    let kept = |keep_first: bool, keep: &[&str]| -> Result<Vec<String>, Error> {
        let keep = keep.iter().map(|glob| (*glob).to_owned()).collect();
        let graph = ghostify(&host(), &Ghost { keep_first, keep, ..Ghost::default() })?;
        let names = convolutions(&graph).into_iter().map(str::to_owned);
        Ok(names.filter(|name| !name.contains('.')).collect())
    };
    assert_eq!(kept(true, &[])?, ["stem"]);
    assert!(kept(false, &[])?.is_empty());
    assert_eq!(kept(false, &["wide"])?, ["wide"]);
    assert_eq!(kept(false, &["*st"])?, ["last"]);
    assert_eq!(kept(false, &["?a*", "w*"])?, ["wide", "last"]);
    assert_eq!(kept(true, &["last", "none"])?, ["stem", "last"]);
    Ok(())
}

#[test]
fn normalisations_keep_the_settings_of_their_host() -> Result<(), Error> {
    let graph = ghostify(&host(), &all(2))?;
    let settings = |op: &Op| match op {
        Op::BatchNorm(norm) => Some((norm.epsilon, norm.momentum)),
        _ => None,
    };
    let norms: Vec<_> = graph.nodes().iter().filter_map(|node| settings(&node.op)).collect();
    assert_eq!(norms, [(NORM.epsilon, NORM.momentum); 6]);
    Ok(())
}
