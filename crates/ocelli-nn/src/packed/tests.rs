//! Codes are the values that they were made of, to the nearest level.

use super::*;
use crate::graph::{Builder, ConvSettings, Graph, NormSettings};
use crate::init::InitScheme;
use crate::parameter::Role;
use crate::{InferenceEngine, Network};
use burn::tensor::{Device, Tensor};
use ocelli_random::Seed;
use proptest::prelude::*;

fn grid(values: &[f32], bits: CodeBits) -> Grid {
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let top = u32::from(bits.top());
    Grid { offset: min, step: (max - min) / top as f32, top }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(128))]
    #[test]
    fn values_are_the_nearest_levels_and_codes_come_back(
        channels in 1_usize..5, per_channel in 1_usize..20, which in 0_usize..5,
        scale in prop::option::of(-3_f32..3.0), seed in 0_u32..1000, one_grid in any::<bool>(),
    ) {
        let bits = CodeBits::ALL[which];
        let len = channels * per_channel;
        let value = |index: usize| ((index as f32 + 1.7) * (seed as f32 + 0.3)).sin();
        let values: Vec<f32> = (0..len).map(value).collect();
        let per_grid = if one_grid { len } else { per_channel };
        let grids: Vec<Grid> = values.chunks(per_grid).map(|part| grid(part, bits)).collect();
        let packed = PackedTensor::quantize(&values, bits, grids.clone()).unwrap();
        let expected = values.iter().enumerate().map(|(index, value)| {
            let grid = grids[index / per_grid];
            grid.level(grid.code(*value))
        });
        let expected: Vec<f32> = expected.collect();
        prop_assert_eq!(packed.values(), expected.clone());
        prop_assert_eq!(packed.packed_codes().len(), (len * bits.bits() as usize).div_ceil(8));
        let again = PackedTensor::from_codes(&packed.codes(), bits, grids).unwrap();
        prop_assert_eq!(&again, &packed);
        if let Some(scale) = scale {
            let scales: Vec<f32> = (0..channels).map(|channel| scale + channel as f32).collect();
            let scaled = packed.scaled(&scales);
            prop_assert_eq!(scaled.packed_codes(), packed.packed_codes());
            let expected = expected.iter().enumerate();
            let expected: Vec<f32> = expected.map(|(i, v)| v * scales[i / per_channel]).collect();
            prop_assert_eq!(scaled.values(), expected);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let one = vec![Grid { offset: 0.0, step: 1.0, top: 3 }];
    let refused = |values: &[f32], bits, grids: &[Grid]| {
        PackedTensor::quantize(values, bits, grids.to_vec()).unwrap_err().to_string()
    };
    let bits = CodeBits::Two;
    assert_eq!(refused(&[0.0, f32::NAN], bits, &one), "NaN at element 1, expected finite numbers");
    assert_eq!(
        refused(&[0.0; 3], bits, &[one[0]; 2]),
        "3 values for 2 grids, expected as many values for each"
    );
    assert!(refused(&[0.0; 3], bits, &[]).starts_with("3 values for 0 grids"));
    assert!(refused(&[3.0], CodeBits::One, &one).contains("code 0 is 3"));
    assert!(refused(&[0.0], CodeBits::One, &one).contains("finite ones for 1 bits"));
    let endless = [Grid { offset: 0.0, step: f32::MAX, top: 3 }];
    assert!(refused(&[0.0], bits, &endless).contains("expected finite ones"));
    let cut = PackedTensor::new(5, bits, vec![0], one.clone(), None).unwrap_err();
    assert_eq!(cut.to_string(), "1 bytes, expected 2 for the codes");
    let infinite = PackedTensor::new(1, bits, vec![0], one, Some(vec![f32::INFINITY]));
    assert!(infinite.unwrap_err().to_string().starts_with("inf at element 0"));
}

fn small() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let a = b.conv("a", image, ConvSettings::new(4, 3));
    let a = b.batch_norm("a_bn", a);
    let pooled = b.global_avg_pool("pool", a);
    let logits = b.linear("fc", pooled, 5);
    b.finish(a, pooled, logits)
}

/// A network with codes of one grid per weight.
fn quantized() -> Network {
    let mut network = Network::new(small(), Seed(3), &Device::flex());
    let ids: Vec<_> = network.params().iter().map(|(id, entry)| (id, entry.spec.role)).collect();
    for (id, role) in ids {
        let values = network.params().to_values(id);
        match role {
            Role::Weight => {
                let grid = grid(&values, CodeBits::Three);
                let packed = PackedTensor::quantize(&values, CodeBits::Three, vec![grid]).unwrap();
                network.params_mut().set_packed(id, packed).unwrap();
            }
            Role::RunningVar | Role::NormScale => {
                let values = (0..values.len()).map(|index| 0.3 + index as f32).collect();
                network.params_mut().set_values(id, values).unwrap();
            }
            _ => {}
        }
    }
    network
}

#[test]
fn folding_keeps_codes_and_gives_the_bits_of_the_float_network() {
    let network = quantized();
    let mut float = network.clone();
    let ids: Vec<_> = float.params().iter().map(|(id, _)| id).collect();
    for id in ids {
        let values = float.params().to_values(id);
        float.params_mut().set_values(id, values).unwrap();
        assert!(float.params().get(id).packed().is_none(), "a new value drops the codes");
    }
    let folded = [&network, &float].map(|network| network.fold_batch_norm().unwrap());
    for (id, entry) in folded[0].params().iter() {
        let bits = folded.each_ref().map(|network| {
            network.params().to_values(id).into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert_eq!(bits[0], bits[1], "{}", entry.spec.name);
        if let Some(packed) = entry.packed() {
            assert_eq!(packed.values(), folded[0].params().to_values(id));
        }
    }
    let packed = |network: &Network, name: &str| {
        let id = network.params().index_by_name()[name];
        network.params().get(id).packed().cloned().unwrap()
    };
    let (before, after) = (packed(&network, "a.weight"), packed(&folded[0], "a.weight"));
    assert_eq!(before.packed_codes(), after.packed_codes());
    assert_eq!((before.multipliers(), after.shape().multipliers), (None, 4));
    assert_eq!(packed(&folded[0], "fc.weight"), packed(&network, "fc.weight"));
    // An engine folds what is folded already: nothing changes then.
    let images = Tensor::<4>::ones([2, 3, 6, 6], &Device::flex());
    let logits = [&network, &folded[0], &float].map(|network| {
        let logits = InferenceEngine::new(network).unwrap().logits(images.clone()).unwrap();
        logits.into_data().iter::<f32>().map(f32::to_bits).collect::<Vec<_>>()
    });
    assert!(logits[0] == logits[1] && logits[0] == logits[2]);
}

#[test]
fn a_parameter_refuses_codes_of_another_shape() {
    let mut network = Network::new(small(), Seed(3), &Device::flex());
    let id = network.params().index_by_name()["a.weight"];
    let one = Grid { offset: 0.0, step: 1.0, top: 1 };
    let length = PackedTensor::quantize(&[0.0; 3], CodeBits::One, vec![one]).unwrap();
    let refused = network.params_mut().set_packed(id, length).unwrap_err().to_string();
    assert!(refused.contains("`a.weight` has shape [4, 3, 3, 3], got 3 values"), "{refused}");
    let grids = PackedTensor::quantize(&[0.0; 108], CodeBits::One, vec![one; 2]).unwrap();
    let refused = network.params_mut().set_packed(id, grids).unwrap_err().to_string();
    assert!(refused.contains("`a.weight`: 2 grids, expected 1 or 4"), "{refused}");
}
