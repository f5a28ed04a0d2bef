//! Networks that their options describe.

use ocelli_nn::Error;
use ocelli_nn::backbones::efficientnetv2::{Flavour, Layout, Variant};
use ocelli_nn::registry::{self, ModelOptions};

fn described(layout: Layout) -> ModelOptions {
    ModelOptions { layout: Some(layout), ..ModelOptions::default() }
}

#[test]
fn a_description_of_a_published_network_is_that_network() -> Result<(), Error> {
    for (variant, flavour, name) in [
        (Variant::S, Flavour::PyTorch, "efficientnetv2_s"),
        (Variant::B2, Flavour::TensorFlow, "tf_efficientnetv2_b2"),
        (Variant::M, Flavour::Torchvision, "tv_efficientnetv2_m"),
    ] {
        let published = registry::find(name)?;
        let options = described(variant.layout(flavour));
        let ours = registry::find("efficientnetv2")?.graph(&options)?;
        let theirs = published.graph(&ModelOptions::default())?;
        assert_eq!(ours.nodes(), theirs.nodes(), "{name}");
        assert_eq!(ours.params(), theirs.params(), "{name}");
        assert_eq!(published.layout(&ModelOptions::default())?, options.layout, "{name}");
    }
    Ok(())
}

#[test]
fn a_description_survives_json_and_fills_in_what_it_leaves_out() {
    let text = r#"{"num_classes":10,"layout":{"stem":16,"stem_stride":1,"head":64,"stages":[
        {"op":"fused_mbconv","expand":1,"channels":16,"layers":1},
        {"op":"mbconv","kernel":5,"stride":2,"expand":4,"channels":24,"layers":2}]}}"#;
    let options: ModelOptions = serde_json::from_str(text).unwrap();
    let layout = options.layout.as_ref().unwrap();
    assert_eq!((layout.stages[0].kernel, layout.stages[0].stride), (3, 1));
    assert_eq!((layout.flavour, layout.dropout), (Flavour::PyTorch, 0.2));
    let again: ModelOptions =
        serde_json::from_str(&serde_json::to_string(&options).unwrap()).unwrap();
    assert_eq!(again, options);
    let unknown = text.replace("kernel", "kernels");
    assert!(serde_json::from_str::<ModelOptions>(&unknown).is_err());
}

#[test]
fn a_table_goes_with_the_one_model_that_needs_it() -> Result<(), Error> {
    let options = described(Variant::SMALL_CIFAR.layout(Flavour::PyTorch));
    let message = |name: &str, options: &ModelOptions| {
        let model = registry::find(name).unwrap();
        model.graph(options).unwrap_err().to_string()
    };
    let none = message("efficientnetv2", &ModelOptions::default());
    assert!(none.contains("`layout`: none is not possible"), "{none}");
    for name in ["resnet18", "efficientnetv2_s"] {
        let other = message(name, &options);
        assert!(other.contains(&format!("a table for `{name}`")), "{other}");
        assert!(other.contains("expected the model `efficientnetv2`"), "{other}");
    }
    assert!(registry::find("resnet18")?.layout(&ModelOptions::default())?.is_none());
    Ok(())
}

#[test]
fn a_network_beyond_all_bounds_is_refused_before_it_takes_memory() {
    let mut layout = Variant::XL.layout(Flavour::PyTorch);
    for stage in &mut layout.stages {
        (stage.channels, stage.expand, stage.layers) = (8192, 32, 128);
    }
    let message = registry::find("efficientnetv2")
        .unwrap()
        .graph(&described(layout))
        .unwrap_err()
        .to_string();
    assert!(message.contains("parameters is not possible, expected at most"), "{message}");
}
