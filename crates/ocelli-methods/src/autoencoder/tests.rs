use ocelli_nn::backbones::autoencoder::Form;
use ocelli_nn::graph::{Graph, Head};
use ocelli_nn::parameter::{ParamSpec, Role};
use ocelli_nn::registry::{self, ModelOptions};

/// Parameters and running statistics, as Keras counts them.
fn count(graph: &Graph, prefix: &str) -> usize {
    let params = graph.params().iter();
    let counted = params
        .filter(|spec| spec.role != Role::BatchCount && spec.name.starts_with(prefix))
        .map(ParamSpec::len);
    counted.sum()
}

#[test]
fn both_forms_have_as_many_parameters_as_published() {
    for (model, form, whole, encoder, statistics) in [
        ("dae_shallow", Form::Shallow, 335_747, 94_144, 335_747 - 334_851),
        ("dae_deep", Form::Deep, 61_059_843, 0, 61_059_843 - 61_051_907),
    ] {
        let model = registry::find(model).unwrap();
        let head = Head::Decoder(form.decoder());
        let graph = model.graph(&ModelOptions { head, ..model.options() }).unwrap();
        assert_eq!(count(&graph, ""), whole);
        assert!(encoder == 0 || count(&graph, "encoder.") == encoder);
        let running = |spec: &&ParamSpec| matches!(spec.role, Role::RunningMean | Role::RunningVar);
        let running: usize = graph.params().iter().filter(running).map(ParamSpec::len).sum();
        assert_eq!(running, statistics);
    }
}

/// 128 and 1,024 values are clustered, of maps of 4 × 4 and 7 × 7 pixels.
#[test]
fn features_are_the_averaged_bottleneck() {
    for (model, form, size, map) in [
        ("dae_shallow", Form::Shallow, 32, [128, 4, 4]),
        ("dae_deep", Form::Deep, 224, [1024, 7, 7]),
    ] {
        let model = registry::find(model).unwrap();
        let head = Head::Decoder(form.decoder());
        let graph = model.graph(&ModelOptions { head, ..model.options() }).unwrap();
        let shapes = graph.shapes(size, size).unwrap();
        let shape = |id: ocelli_nn::graph::NodeId| {
            let shape = shapes[id.index()];
            [shape.channels, shape.height, shape.width]
        };
        assert_eq!(shape(graph.features()), map);
        assert_eq!(shape(graph.pooled()), [map[0], 1, 1]);
        assert_eq!(shape(graph.logits()), [3, size, size]);
    }
}
