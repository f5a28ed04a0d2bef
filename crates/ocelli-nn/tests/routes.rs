//! Routes: a network in two halves is the network, and several are one.

mod support;

use burn::tensor::Device;
use ocelli_nn::graph::{Graph, NodeId, Route};
use ocelli_nn::init::Initializer;
use ocelli_nn::parameter::{Parameter, Role};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{
    Error, Given, GradientEngine, Gradients, InferenceEngine, Network, Pass, RowValues, TrainPass,
    Wanted,
};
use ocelli_random::Seed;
use support::{noise, values};

/// Networks whose linear layers read a map of one size, and that of their images.
const FIXED_SIZES: [(&str, [usize; 2]); 2] =
    [("bvlc_alexnet", [227; 2]), ("nin_original_cifar", [32; 2])];

/// The families in portions of about the same work, so that they are tested beside each other.
mod split {
    use super::every_split_composes;

    #[test]
    fn ghostnets() -> Result<(), ocelli_nn::Error> {
        every_split_composes(&["ghostnet"])
    }

    #[test]
    fn efficientnets() -> Result<(), ocelli_nn::Error> {
        every_split_composes(&["efficientnetv2"])
    }

    #[test]
    fn resnets() -> Result<(), ocelli_nn::Error> {
        every_split_composes(&["resnet", "resnet_cifar", "keras_cifar"])
    }

    #[test]
    fn others() -> Result<(), ocelli_nn::Error> {
        every_split_composes(&["mobilenetv2", "vgg", "allconv", "nin", "alexnet"])
    }
}

/// Of large networks one in the middle stands for all: they differ in depth alone from smaller ones.
const LARGE: usize = 12_000_000;

fn every_split_composes(families: &[&str]) -> Result<(), Error> {
    for model in registry::models().filter(|model| families.contains(&model.family)) {
        let options = ModelOptions {
            num_classes: 7,
            dropout: Some(0.3),
            drop_path: Some(0.2),
            ..model.options()
        };
        let options = match model.network(&options, Seed(3), &Device::flex()) {
            Ok(_) => options,
            Err(_) => ModelOptions { dropout: None, drop_path: None, ..options },
        };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        let name = model.name();
        let fixed = FIXED_SIZES.iter().find(|(fixed, _)| *fixed == name);
        let size = fixed.map_or([65, 47], |(_, size)| *size);
        let stages = network.graph().stages().to_vec();
        let large = network.params().learnt_count() > LARGE;
        let chosen = if large { &stages[stages.len() / 2..][..1] } else { &stages[..] };
        for stage in chosen {
            halves_are_the_whole(&name, &network, *stage, size)?;
            halves_learn_as_the_whole(&name, &network, *stage, size)?;
        }
    }
    Ok(())
}

/// The end of a stage in the folded graph, which has indices of its own.
fn folded_stage(graph: &Graph, stage: NodeId, engine: &InferenceEngine) -> NodeId {
    let number = graph.stages().iter().position(|other| *other == stage).unwrap_or(usize::MAX);
    engine.graph().stages()[number]
}

fn halves(graph: &Graph, at: NodeId) -> [Route; 2] {
    let Route { from, to } = graph.classify();
    [Route { from, to: vec![at] }, Route { from: vec![at], to }]
}

/// What the first half computes, handed to the second as rows, gives the logits of the whole, to the bit.
fn halves_are_the_whole(
    name: &str,
    network: &Network,
    stage: NodeId,
    [height, width]: [usize; 2],
) -> Result<(), Error> {
    let images = noise([2, 3, height, width]);
    let mut engine = InferenceEngine::new(network)?;
    let at = folded_stage(network.graph(), stage, &engine);
    let whole = engine.values(&engine.graph().classify(), vec![images.clone().into()])?;
    let [first, second] = halves(engine.graph(), at);
    let middle = engine.values(&first, vec![images.into()])?;
    assert!(engine.has_plan_for(&first, &[3, height, width].into()), "{name}: no plan to {at:?}");
    let shape = middle[0].shape;
    let found = engine.values(&second, middle.into_iter().map(Given::Rows).collect())?;
    assert!(engine.has_plan_for(&second, &shape), "{name}: no plan from {at:?}");
    assert!(found == whole, "{name}: split after `{}`", network.graph().node(stage).name);
    Ok(())
}

/// Training the second half on what the first computes gives the gradients of the whole with the first
/// half frozen, with dropout on, to the bit.
fn halves_learn_as_the_whole(
    name: &str,
    network: &Network,
    stage: NodeId,
    [height, width]: [usize; 2],
) -> Result<(), Error> {
    let [first, second] = halves(network.graph(), stage);
    let mut network = network.clone();
    let before = network.graph().params_on(&first)?;
    let names: Vec<String> =
        before.iter().map(|id| network.params().get(*id).spec.name.clone()).collect();
    network.params_mut().freeze(&names)?;

    let images = noise([4, 3, height, width]);
    let mut engine = GradientEngine::new();
    let mut step = |route: &Route, given: Given| {
        let mut pass = TrainPass::new(Seed(5), 3, 8);
        let given = vec![given];
        let pass = Pass::Train(&mut pass);
        let taped = engine.forward(&network, route, given, Wanted::PARAMS, pass)?;
        assert!(engine.has_plan(), "{name}: no plan for {route:?}");
        let value = taped.rows(0);
        let mut gradients = Gradients::new();
        let gradient = taped.value(0).mul_scalar(0.5);
        taped.backward(vec![Some(gradient)], &mut gradients);
        Ok::<_, Error>((value, gradients))
    };
    let (expected, of_whole) = step(&network.graph().classify(), images.clone().into())?;
    let (middle, of_first) = step(&first, images.into())?;
    assert!(of_first.is_empty(), "{name}: what is frozen learns");
    let (found, of_second) = step(&second, middle.into())?;
    let stage = &network.graph().node(stage).name;
    assert!(found == expected, "{name}: split after `{stage}`");
    for (id, entry) in network.params().iter() {
        let [whole, half] = [&of_whole, &of_second].map(|gradients| gradients.get(id).cloned());
        let parameter = &entry.spec.name;
        assert!(whole.map(values) == half.map(values), "{name}: `{parameter}` after `{stage}`");
    }
    Ok(())
}

/// A tower and its mirror in one graph: each route computes what its network does, both are
/// differentiated before either goes back, and free parameters come last.
#[test]
fn joined_graphs_are_their_parts() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let options = |num_classes| ModelOptions { num_classes, ..model.options() };
    let (left, right) = (model.graph(&options(7))?, model.graph(&options(5))?);
    let graph = Graph::join(&[("left", &left), ("right", &right)]);
    assert_eq!(graph.params().len(), left.params().len() + right.params().len());
    let right_route = graph.route("right")?.clone();
    let left_route = graph.route("left")?.clone();
    let unknown = graph.route("middle").map_err(|e| e.to_string());
    assert_eq!(
        unknown.err().as_deref(),
        Some("the network has no route `middle`; it has left, right")
    );

    let network = Network::new(graph, Seed(1), &Device::flex());
    let alone = copy_of(&network, &right, "right.")?;
    let images = noise([3, 3, 32, 32]);
    let found = network.run_route(&right_route, vec![images.clone()], &mut Pass::Eval)?;
    let expected = alone.forward(images.clone(), Pass::Eval);
    assert_eq!(values(found[0].clone()), values(expected));

    let mut engine = GradientEngine::new();
    let mut both = || {
        let mut tape = |route: &Route, batch: usize| {
            let images = images.clone().narrow(0, 0, batch);
            let mut pass = TrainPass::new(Seed(5), 3, 0);
            let pass = Pass::Train(&mut pass);
            engine.forward(&network, route, vec![images.into()], Wanted::BOTH, pass)
        };
        let (left, right) = (tape(&left_route, 3)?, tape(&right_route, 2)?);
        let mut gradients = Gradients::new();
        let mut inputs = Vec::new();
        for taped in [left, right] {
            let gradient = taped.value(0);
            inputs.extend(taped.backward(vec![Some(gradient)], &mut gradients));
        }
        Ok::<_, Error>((gradients, inputs))
    };
    let (gradients, inputs) = both()?;
    let (again, _) = both()?;
    for (id, entry) in network.params().iter() {
        let is_learnt = entry.spec.role.is_learnt();
        assert_eq!(gradients.get(id).is_some(), is_learnt, "{}", entry.spec.name);
        let [one, other] = [&gradients, &again].map(|sums| sums.get(id).cloned().map(values));
        assert!(one == other, "{}: a second step with used memory", entry.spec.name);
    }
    let shapes: Vec<_> = inputs.into_iter().flatten().map(|gradient| gradient.dims()).collect();
    assert_eq!(shapes, [[3, 3, 32, 32], [2, 3, 32, 32]]);
    Ok(())
}

/// The gradient of the image, by the plan, by burn and by finite differences, in evaluation: running
/// statistics, nothing dropped, no gradients of parameters.
#[test]
fn the_image_has_a_gradient() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let options = ModelOptions { num_classes: 7, ..model.options() };
    let network = model.network(&options, Seed(1), &Device::flex())?;
    let images = noise([2, 3, 16, 12]);
    let mut engine = GradientEngine::new();
    let route = network.graph().classify();
    let given = vec![images.clone().into()];
    let taped = engine.forward(&network, &route, given, Wanted::INPUTS, Pass::Eval)?;
    assert!(engine.has_plan());
    let weights = noise([2, 7, 1, 1]);
    let mut gradients = Gradients::new();
    let found = taped.backward(vec![Some(weights.clone())], &mut gradients).swap_remove(0);
    let found = values(found.unwrap_or_else(|| panic!("it was asked for")));
    assert!(gradients.is_empty(), "gradients of parameters that nobody wanted");

    let tracked = images.clone().autodiff().require_grad();
    let logits = network.forward(tracked.clone(), Pass::Eval);
    let loss = (logits * weights.clone().reshape([2, 7]).autodiff()).sum();
    let expected = tracked.grad(&loss.backward()).map(values);
    let expected = expected.unwrap_or_else(|| panic!("burn finds one"));
    let error = ocelli_testkit::relative_error(&found, &expected);
    assert!(error < 1e-5, "planned and burn's differ by {error:e}");
    Ok(())
}

/// A value in the middle that is read on and wanted too: its own gradient and that of what reads it add
/// up.
#[test]
fn several_values_are_wanted_of_one_pass() -> Result<(), Error> {
    let model = registry::find("ghostnet_050")?;
    let options = ModelOptions { num_classes: 7, dropout: Some(0.0), ..model.options() };
    let network = model.network(&options, Seed(1), &Device::flex())?;
    let graph = network.graph();
    let stage = graph.stages()[2];
    let route = Route { from: graph.classify().from, to: vec![stage, graph.logits()] };
    let images = noise([2, 3, 65, 47]);

    let mut engine = InferenceEngine::new(&network)?;
    let folded = engine.graph().clone();
    let at = folded_stage(graph, stage, &engine);
    let both = Route { from: folded.classify().from, to: vec![at, folded.logits()] };
    let [first, _] = halves(&folded, at);
    let found = engine.values(&both, vec![images.clone().into()])?;
    let stage_alone = engine.values(&first, vec![images.clone().into()])?;
    let logits_alone = engine.values(&folded.classify(), vec![images.clone().into()])?;
    assert!(found[0] == stage_alone[0], "the stage");
    assert!(found[1] == logits_alone[0], "the logits");

    let mut gradient_engine = GradientEngine::new();
    let mut gradients = |wanted: [bool; 2]| {
        let mut pass = TrainPass::new(Seed(5), 3, 0);
        let given = vec![images.clone().into()];
        let pass = Pass::Train(&mut pass);
        let taped = gradient_engine.forward(&network, &route, given, Wanted::PARAMS, pass)?;
        let given = [0, 1].map(|index| wanted[index].then(|| taped.value(index)));
        let mut sums = Gradients::new();
        taped.backward(given.to_vec(), &mut sums);
        Ok::<_, Error>(sums)
    };
    let [both, one, other] =
        [gradients([true; 2])?, gradients([true, false])?, gradients([false, true])?];
    let all = |sums: &Gradients| -> Vec<f32> {
        let of = |(id, entry): (_, &Parameter)| {
            let sum = sums.get(id).cloned().map(values);
            sum.unwrap_or_else(|| vec![0.0; entry.spec.len()])
        };
        network.params().iter().flat_map(of).collect()
    };
    let expected: Vec<f32> = all(&one).iter().zip(all(&other)).map(|(a, b)| a + b).collect();
    let error = ocelli_testkit::relative_error(&all(&both), &expected);
    assert!(error < 1e-4, "the gradients of both differ from their sum by {error:e}");
    Ok(())
}

#[test]
fn what_a_route_needs_must_be_given() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let network = model.network(&model.options(), Seed(1), &Device::flex())?;
    let mut engine = InferenceEngine::new(&network)?;
    let graph = engine.graph().clone();
    let stage = graph.stages()[0];
    // The pooled value does not lead to the stage before it.
    let backwards = Route { from: vec![graph.pooled()], to: vec![stage] };
    let pooled = RowValues { values: vec![0.0; 64], shape: [64, 1, 1].into() };
    let error = engine.values(&backwards, vec![pooled.into()]).map_err(|e| e.to_string());
    assert_eq!(error.err().as_deref(), Some("the value of `input` is needed, but not given"));
    let nothing = engine.values(&engine.graph().classify(), Vec::new()).map_err(|e| e.to_string());
    assert_eq!(nothing.err().as_deref(), Some("a route of 1 given values got 0"));
    let of_another = network.graph().classify();
    let error = engine.values(&of_another, vec![noise([1, 3, 32, 32]).into()]);
    let operations = graph.nodes().len();
    let expected =
        format!("operation {} of a graph of {operations}", network.graph().logits().index());
    assert!(error.is_err_and(|e| e.to_string().ends_with(&expected)));
    Ok(())
}

/// First values of other parameters do not depend on a free one, which survives folding.
#[test]
fn free_parameters_change_nothing_else() -> Result<(), Error> {
    let model = registry::find("resnet20_cifar")?;
    let plain = model.graph(&model.options())?;
    let free =
        plain.clone().with_free("logit_scale", &[], Role::Coefficient, Initializer::Constant(2.5));
    let [plain, free] = [plain, free].map(|graph| Network::new(graph, Seed(1), &Device::flex()));
    for (id, entry) in plain.params().iter() {
        assert_eq!(
            plain.params().to_values(id),
            free.params().to_values(id),
            "{}",
            entry.spec.name
        );
    }
    let folded = free.fold_batch_norm()?;
    let id = folded.params().index_by_name()["logit_scale"];
    assert_eq!(folded.params().to_values(id), [2.5]);
    assert!(folded.params().get(id).is_trainable());
    assert!(!Role::Coefficient.decays(true));
    Ok(())
}

/// A network of its own with the values of a part.
fn copy_of(joined: &Network, graph: &Graph, prefix: &str) -> Result<Network, Error> {
    let mut network = Network::new(graph.clone(), Seed(0), &Device::flex());
    let by_name = joined.params().index_by_name();
    let ids: Vec<_> = network.params().iter().map(|(id, _)| id).collect();
    for id in ids {
        let name = format!("{prefix}{}", network.params().get(id).spec.name);
        let values = joined.params().to_values(by_name[name.as_str()]);
        network.params_mut().set_values(id, values)?;
    }
    Ok(network)
}
