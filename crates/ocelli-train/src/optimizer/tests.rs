use super::*;
use crate::recipe::OptimizerGroup;
use burn::tensor::Device;
use ocelli_nn::Network;
use ocelli_nn::graph::{Builder, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_random::Seed;

const WEIGHT: [f32; 4] = [0.5, -1.0, 2.0, 0.0];
const GRADIENTS: [[f32; 4]; 3] =
    [[0.1, -0.2, 0.3, 0.4], [-0.5, 0.25, 0.0, 1.0], [0.3, 0.3, -0.6, -0.1]];

/// A normalisation and a classifier with four weights and two biases, set to [`WEIGHT`] where
/// there are four.
fn network() -> Network {
    let (mut b, image) = Builder::new(2, InitScheme::FanInUniform, NormSettings::default());
    let features = b.batch_norm("bn", image);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 2);
    let mut network = Network::new(b.finish(features, pooled, logits), Seed(0), &Device::flex());
    let id = network.params().index_by_name()["fc.weight"];
    network.params_mut().set_values(id, WEIGHT.to_vec()).unwrap();
    network
}

/// The same gradient for every parameter, as long as it is.
fn gradients(network: &Network, values: &[f32; 4]) -> Gradients {
    let tensor = |length: usize| {
        let values: Vec<f32> = values.iter().copied().cycle().take(length).collect();
        Tensor::from_data(TensorData::new(values, [length]), &Device::flex())
    };
    network.params().iter().map(|(_, entry)| Some(tensor(entry.spec.len()))).collect()
}

fn value(network: &Network, name: &str) -> Vec<f32> {
    network.params().to_values(network.params().index_by_name()[name])
}

fn section(kind: OptimizerKind) -> OptimizerSection {
    OptimizerSection {
        kind,
        lr: 0.1,
        weight_decay: 0.01,
        nesterov: false,
        ..OptimizerSection::default()
    }
}

fn train(network: &mut Network, optimizer: &mut Optimizer, steps: &[[f32; 4]]) {
    for values in steps {
        let gradients = gradients(network, values);
        optimizer.step(network.params_mut(), &gradients, 0.1).unwrap();
    }
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f64]) {
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((f64::from(*actual) - expected).abs() < 2e-6, "{actual} is not {expected}");
    }
}

/// Three steps of each rule with rate 0.1, decay 0.01 and momentum 0.9, as PyTorch 2.15
/// (`SGD`, `AdamW`) and timm 1.0.31 (`RMSpropTF` with ε 1e-3) computed them in double precision.
#[test]
fn rules_agree_with_pytorch_and_timm() {
    let nesterov = OptimizerSection { nesterov: true, ..section(OptimizerKind::Sgd) };
    let cases = [
        (section(OptimizerKind::Sgd), [0.535_085_389, -1.017_745_78, 1.967_603_57, -0.288_148_04]),
        (nesterov, [0.540_014_862, -1.048_050_47, 1.995_068_54, -0.388_787_354]),
        (
            section(OptimizerKind::AdamW),
            [0.465_930_431, -0.966_331_907, 1.861_270_53, -0.260_095_913],
        ),
        (
            section(OptimizerKind::RmsProp),
            [0.537_923_272, -1.024_138_63, 1.971_113_66, -0.299_484_542],
        ),
    ];
    for (section, expected) in cases {
        let (mut network, mut optimizer) = (network(), Optimizer::new(&section));
        train(&mut network, &mut optimizer, &GRADIENTS);
        assert_close(&value(&network, "fc.weight"), &expected);
    }
}

/// The mean square starts at one: √(0.9 + 0.1 + 0.001) divides the first gradient of one.
#[test]
fn the_first_step_of_rmsprop_is_tensorflows() {
    let section = OptimizerSection { weight_decay: 0.0, ..section(OptimizerKind::RmsProp) };
    let (mut network, mut optimizer) = (network(), Optimizer::new(&section));
    let ones = gradients(&network, &[1.0; 4]);
    optimizer.step(network.params_mut(), &ones, 0.256).unwrap();
    let expected = WEIGHT.map(|weight| f64::from(weight) - 0.255_872);
    assert_close(&value(&network, "fc.weight"), &expected);
}

/// ‖w‖ = √5.25, u = g + 0.01 w = [0.105, −0.21, 0.32, 0.4], ‖u‖² = 0.317525.
#[test]
fn lars_scales_a_step_by_the_norm_of_its_weight() {
    let (mut network, mut optimizer) = (network(), Optimizer::new(&section(OptimizerKind::Lars)));
    let before = value(&network, "fc.bias");
    train(&mut network, &mut optimizer, &GRADIENTS[..1]);
    let scale = 0.1 * 1e-3 * (5.25_f64 / 0.317_525).sqrt();
    let update = [0.105, -0.21, 0.32, 0.4].map(|u| scale * u);
    let expected: Vec<f64> = WEIGHT.iter().zip(update).map(|(w, u)| f64::from(*w) - u).collect();
    assert_close(&value(&network, "fc.weight"), &expected);
    // A bias neither decays nor adapts.
    let expected = [f64::from(before[0]) - 0.01, f64::from(before[1]) + 0.02];
    assert_close(&value(&network, "fc.bias"), &expected);
}

#[test]
fn lars_takes_a_plain_step_from_zero_weights() {
    let lars = Lars { momentum: 0.9, trust_coefficient: 1e-3 };
    let zero = Tensor::<1>::zeros([2], &Device::flex());
    let ratio: f32 = lars.trust_ratio(zero.clone(), zero.ones_like()).into_scalar();
    assert_eq!(ratio, 1.0);
    let ratio: f32 = lars.trust_ratio(zero.ones_like(), zero).into_scalar();
    assert_eq!(ratio, 1.0);
}

#[test]
fn decay_skips_biases_and_normalisations_unless_asked() {
    for kind in
        [OptimizerKind::Sgd, OptimizerKind::AdamW, OptimizerKind::RmsProp, OptimizerKind::Lars]
    {
        for all in [false, true] {
            let section =
                OptimizerSection { decay_bias_and_norm: all, weight_decay: 0.5, ..section(kind) };
            let (mut network, mut optimizer) = (network(), Optimizer::new(&section));
            let before = network.clone();
            train(&mut network, &mut optimizer, &[[0.0; 4]]);
            let changed = |name| value(&network, name) != value(&before, name);
            assert!(changed("fc.weight"), "{kind:?}");
            assert_eq!(changed("fc.bias"), all, "{kind:?}");
            assert_eq!(changed("bn.weight"), all, "{kind:?}");
            assert!(!changed("bn.running_mean") && !changed("bn.running_var"), "{kind:?}");
        }
    }
}

#[test]
fn frozen_parameters_stay() {
    let (mut network, mut optimizer) = (network(), Optimizer::new(&section(OptimizerKind::Sgd)));
    network.params_mut().freeze(&["fc.weight".to_owned()]).unwrap();
    train(&mut network, &mut optimizer, &GRADIENTS);
    assert_eq!(value(&network, "fc.weight"), WEIGHT);
    assert_eq!(
        optimizer.memory(network.params()).unwrap().len(),
        3,
        "bn.weight, bn.bias and fc.bias"
    );
}

#[test]
fn a_restored_optimiser_continues_bit_for_bit() {
    for kind in
        [OptimizerKind::Sgd, OptimizerKind::AdamW, OptimizerKind::RmsProp, OptimizerKind::Lars]
    {
        let (mut straight, mut optimizer) = (network(), Optimizer::new(&section(kind)));
        train(&mut straight, &mut optimizer, &GRADIENTS[..2]);
        let mut resumed = straight.clone();
        let memory = optimizer.memory(straight.params()).unwrap();
        let mut again = Optimizer::new(&section(kind));
        again.resume(resumed.params(), optimizer.steps(), &memory).unwrap();

        train(&mut straight, &mut optimizer, &GRADIENTS[2..]);
        train(&mut resumed, &mut again, &GRADIENTS[2..]);
        for (id, entry) in straight.params().iter() {
            let (a, b) = (straight.params().to_values(id), resumed.params().to_values(id));
            assert_eq!(a, b, "{kind:?}: {}", entry.spec.name);
        }
        let kept = |optimizer: &Optimizer| -> Vec<Vec<f32>> {
            let memory = optimizer.memory(straight.params()).unwrap();
            memory.iter().map(|tensor| tensor.values().unwrap()).collect()
        };
        assert_eq!(kept(&optimizer), kept(&again));
    }
}

#[test]
fn a_foreign_memory_is_refused() {
    let network = network();
    let refuse = |kind, tensors: &[TensorEntry]| {
        let mut optimizer = Optimizer::new(&section(kind));
        optimizer.resume(network.params(), 1, tensors).unwrap_err().to_string()
    };
    let tensor = |name: &str, shape: &[usize]| {
        TensorEntry::new(name, DType::F32, shape, vec![0.0; shape.iter().product()]).unwrap()
    };
    let sgd = OptimizerKind::Sgd;
    assert!(refuse(sgd, &[tensor("momentum.fc.weight", &[4])]).contains("momentum.fc.weight"));
    assert!(refuse(sgd, &[tensor("momentum.conv.weight", &[2, 2])]).contains("conv.weight"));
    assert!(refuse(sgd, &[tensor("mean_square.fc.weight", &[2, 2])]).contains("mean_square"));
    let half = [tensor("first_moment.fc.weight", &[2, 2])];
    assert!(refuse(OptimizerKind::AdamW, &half).contains("fc.weight"));
}

#[test]
fn long_gradients_are_shortened_and_large_elements_cut() {
    let tensor = |values: &[f32]| {
        Some(Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex()))
    };
    let flat = |gradients: &Gradients| -> Vec<f32> {
        gradients
            .iter()
            .flatten()
            .flat_map(|g| g.to_data().iter::<f32>().collect::<Vec<_>>())
            .collect()
    };
    let mut gradients = Gradients::from_iter([tensor(&[3.0, 0.0]), None, tensor(&[-4.0])]);
    assert!((clip_norm(&mut gradients, 10.0) - 5.0).abs() < 1e-6);
    assert_eq!(flat(&gradients), [3.0, 0.0, -4.0]);
    clip_norm(&mut gradients, 2.5);
    assert_close(&flat(&gradients), &[1.5, 0.0, -2.0]);
    clip_value(&mut gradients, 1.75);
    assert_close(&flat(&gradients), &[1.5, 0.0, -1.75]);
    assert_eq!(clip_norm(&mut Gradients::from_iter([None]), 1.0), 0.0);
}

/// Longer than what one thread is given, so that it is shared out.
#[test]
fn updates_in_place_equal_those_of_tensors() {
    const LENGTH: usize = 70_000;
    let wave = |factor: f32| -> Tensor<1> {
        let values: Vec<f32> = (0..LENGTH).map(|i| (i as f32 * factor).sin()).collect();
        Tensor::from_data(TensorData::new(values, [LENGTH]), &Device::flex())
    };
    let nesterov = OptimizerSection { nesterov: true, ..section(OptimizerKind::Sgd) };
    let without_memory = OptimizerSection { momentum: 0.0, ..nesterov.clone() };
    let kinds = [OptimizerKind::Sgd, OptimizerKind::AdamW, OptimizerKind::RmsProp];
    let sections = kinds.map(section).into_iter();
    for section in sections.chain([nesterov, without_memory, section(OptimizerKind::Lars)]) {
        let rule = Optimizer::new(&section).rule;
        let fresh = || -> Vec<Tensor<1>> {
            let initial = |name: &&str| wave(0.0).full_like(rule.initial(name));
            rule.memory().iter().map(initial).collect()
        };
        let (mut value, mut memory) = (wave(0.1), fresh());
        let (mut expected, mut expected_memory) = (wave(0.1), fresh());
        for step in 1..=2 {
            let settings = Settings { lr: 0.1, weight_decay: 0.01, is_weight: true, step };
            let update = |value| Update { value, gradient: wave(0.37 * step as f32), settings };
            let in_place = update(value);
            assert!(in_place::is_possible(&in_place, &memory));
            value = in_place::update(&*rule, in_place, &mut memory);
            expected = rule.update(update(expected), &mut expected_memory);
        }
        let pairs = memory.into_iter().chain([value]);
        for (actual, expected) in pairs.zip(expected_memory.into_iter().chain([expected])) {
            let largest: f32 = (actual - expected).abs().max().into_scalar();
            assert!(largest < 1e-5, "{rule:?}: {largest}");
        }
    }
}

#[test]
fn the_classifier_may_learn_faster() {
    let after_one_step = |head_lr| {
        let section = OptimizerSection {
            head_lr,
            momentum: 0.0,
            weight_decay: 0.0,
            ..section(OptimizerKind::Sgd)
        };
        let mut network = network();
        let mut optimizer = Optimizer::for_network(&section, &network).unwrap();
        train(&mut network, &mut optimizer, &GRADIENTS[..1]);
        (value(&network, "fc.weight")[0], value(&network, "bn.weight")[0])
    };
    let (plain, fast) = (after_one_step(1.0), after_one_step(5.0));
    assert_close(&[plain.0, fast.0], &[0.5 - 0.01, 0.5 - 0.05]);
    assert_eq!(plain.1, fast.1, "all else learns as before");
}

fn group(patterns: &[&str], lr: f64, weight_decay: Option<f64>) -> OptimizerGroup {
    let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    OptimizerGroup { patterns, lr, weight_decay }
}

/// lr 0.1: w − 0.1 · factor · (g + decay · w), with biases that never decay.
#[test]
fn the_first_group_that_matches_decides() {
    let section = OptimizerSection {
        head_lr: 5.0,
        momentum: 0.0,
        group: vec![
            group(&["*.bias"], 3.0, Some(0.7)),
            group(&["fc.bias", "bn.weight"], 2.0, None),
        ],
        ..section(OptimizerKind::Sgd)
    };
    let mut network = network();
    let before = network.clone();
    let mut optimizer = Optimizer::for_network(&section, &network).unwrap();
    train(&mut network, &mut optimizer, &GRADIENTS[..1]);
    let step = |name| f64::from(value(&before, name)[0] - value(&network, name)[0]);
    for (name, expected) in [
        ("fc.weight", 0.1 * 5.0 * (0.1 + 0.01 * 0.5)),
        ("fc.bias", 0.1 * 3.0 * 0.1),
        ("bn.bias", 0.1 * 3.0 * 0.1),
        ("bn.weight", 0.1 * 2.0 * 0.1),
    ] {
        assert!((step(name) - expected).abs() < 1e-6, "{name}: {} is not {expected}", step(name));
    }
}

#[test]
fn a_group_may_decay_otherwise_and_stand_still() {
    let section = OptimizerSection {
        momentum: 0.0,
        group: vec![group(&["fc.weight"], 1.0, Some(0.5)), group(&["bn.*"], 0.0, None)],
        ..section(OptimizerKind::Sgd)
    };
    let mut network = network();
    let mut optimizer = Optimizer::for_network(&section, &network).unwrap();
    train(&mut network, &mut optimizer, &[[0.0; 4]]);
    let expected = WEIGHT.map(|weight| f64::from(weight) * (1.0 - 0.1 * 0.5));
    assert_close(&value(&network, "fc.weight"), &expected);
    train(&mut network, &mut optimizer, &GRADIENTS);
    assert_eq!(value(&network, "bn.weight"), [1.0; 2]);
}

#[test]
fn a_restored_optimiser_with_groups_continues_bit_for_bit() {
    let section = OptimizerSection {
        group: vec![group(&["fc.*"], 0.3, Some(0.2))],
        ..section(OptimizerKind::AdamW)
    };
    let mut straight = network();
    let mut optimizer = Optimizer::for_network(&section, &straight).unwrap();
    train(&mut straight, &mut optimizer, &GRADIENTS[..2]);
    let mut resumed = straight.clone();
    let memory = optimizer.memory(straight.params()).unwrap();
    let mut again = Optimizer::for_network(&section, &resumed).unwrap();
    again.resume(resumed.params(), optimizer.steps(), &memory).unwrap();
    train(&mut straight, &mut optimizer, &GRADIENTS[2..]);
    train(&mut resumed, &mut again, &GRADIENTS[2..]);
    for name in ["fc.weight", "fc.bias", "bn.weight"] {
        assert_eq!(value(&straight, name), value(&resumed, name), "{name}");
    }
}

#[test]
fn patterns_that_match_nothing_are_refused() {
    let refuse = |patterns: &[&str]| {
        let groups = vec![group(&["bn.*"], 1.0, None), group(patterns, 1.0, None)];
        let section = OptimizerSection { group: groups, ..section(OptimizerKind::Sgd) };
        Optimizer::for_network(&section, &network()).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(&["fc.*", "fc.weigth"]),
        "`optimizer.group.1.match.1` is fc.weigth, expected a glob that matches parameters; \
         near are fc.weight, bn.weight, fc.bias"
    );
    // Buffers do not learn.
    assert!(refuse(&["*.running_mean"]).contains("matches parameters"));
    assert!(refuse(&["fc.[a"]).contains("`optimizer.group.1.match.0` is fc.[a, expected a glob:"));
}
