//! Resolutions, widths and drop rates along the networks equal the papers'.

use ocelli_nn::graph::{Graph, Op};
use ocelli_nn::registry::{self, ModelOptions};

fn graph(name: &str, options: &ModelOptions) -> Result<Graph, ocelli_nn::Error> {
    registry::find(name)?.graph(options)
}

fn rows_of_convolutions(graph: &Graph, size: usize, names: &[&str]) -> Vec<usize> {
    let shapes = graph.shapes(size, size).unwrap_or_default();
    let node = |name: &&str| graph.nodes().iter().position(|node| node.name == *name);
    names.iter().filter_map(node).map(|index| shapes[index].height).collect()
}

#[test]
fn efficientnetv2_stages_have_the_published_resolutions() -> Result<(), ocelli_nn::Error> {
    for (name, size, expected) in [
        ("tf_efficientnetv2_s", 384, [192, 192, 96, 48, 24, 24, 12]),
        ("tf_efficientnetv2_b2", 260, [130, 130, 65, 33, 17, 17, 9]),
    ] {
        let graph = graph(name, &ModelOptions::default())?;
        let stem = rows_of_convolutions(&graph, size, &["conv_stem"]);
        let shapes = graph.shapes(size, size)?;
        let stages = graph.stages().iter().map(|id| shapes[id.index()].height);
        assert_eq!(stem.into_iter().chain(stages).collect::<Vec<_>>(), expected, "{name}");
    }
    Ok(())
}

#[test]
fn strides_are_those_of_the_last_feature_map() -> Result<(), ocelli_nn::Error> {
    let networks = [
        ("ghostnet_100", 32),
        ("tf_efficientnetv2_s", 32),
        ("resnet50", 32),
        ("vgg16_cifar", 32),
        ("efficientnetv2_small_cifar", 8),
        ("resnet20_cifar", 4),
    ];
    for (name, stride) in networks {
        assert_eq!(graph(name, &ModelOptions::default())?.stride(), stride, "{name}");
    }
    let small = ModelOptions { small_input: true, ..ModelOptions::default() };
    assert_eq!(graph("ghostnet_100", &small)?.stride(), 16);
    Ok(())
}

#[test]
fn ghostnet_halves_the_resolution_where_table_1_says() -> Result<(), ocelli_nn::Error> {
    let graph = graph("ghostnet_100", &ModelOptions::default())?;
    let blocks: Vec<String> = ["0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.3"]
        .map(|block| format!("blocks.{block}.ghost2.primary_conv.0"))
        .to_vec();
    let names: Vec<&str> = blocks.iter().map(String::as_str).collect();
    let expected = [112, 56, 56, 28, 28, 14, 14, 7, 7];
    assert_eq!(rows_of_convolutions(&graph, 224, &names), expected);
    assert!(graph.shapes(225, 193).is_ok());
    Ok(())
}

#[test]
fn squeeze_widths_count_the_input_of_the_block() -> Result<(), ocelli_nn::Error> {
    let widths = |name| -> Result<Vec<usize>, ocelli_nn::Error> {
        let graph = graph(name, &ModelOptions::default())?;
        let convs = graph.nodes().iter().filter(|node| node.name.ends_with("conv_reduce"));
        Ok(convs
            .filter_map(|node| match &node.op {
                Op::Conv2d(conv) => Some(conv.out_channels),
                _ => None,
            })
            .collect())
    };
    assert_eq!(widths("tf_efficientnetv2_s")?[..3], [16, 32, 32]);
    assert_eq!(widths("ghostnet_100")?, [20, 32, 120, 168, 168, 240, 240]);
    Ok(())
}

#[test]
fn stochastic_depth_rises_over_all_blocks_and_acts_on_residuals() -> Result<(), ocelli_nn::Error> {
    let options = ModelOptions { drop_path: Some(0.2), ..ModelOptions::default() };
    let graph = graph("tf_efficientnetv2_s", &options)?;
    let rates: Vec<f64> = graph
        .nodes()
        .iter()
        .filter_map(|node| match node.op {
            Op::DropPath(path) => Some(path.probability),
            _ => None,
        })
        .collect();
    // 40 blocks; the first never drops, and the first of each later stage has no residual.
    assert_eq!(rates.len(), 40 - 1 - 5);
    assert!((rates[0] - 0.005).abs() < 1e-12);
    assert!((rates[rates.len() - 1] - 0.195).abs() < 1e-12);
    assert!(rates.is_sorted());
    Ok(())
}
