//! A packed file is small as predicted, is the network, and is refused when a byte of it is not its own.

use super::*;
use crate::graph::{Activation, Builder, ConvSettings, NormSettings};
use crate::init::InitScheme;
use crate::weights::{LoadOptions, ReadOptions, convert, load, model_of};
use crate::{InferenceEngine, registry};
use burn::tensor::Tensor;
use ocelli_random::Seed;

/// A network with a normalisation that is folded, one that cannot be, and a layer with a bias.
fn graph() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let a = b.conv("a", image, ConvSettings::new(5, 3));
    let a = b.batch_norm("a_bn", a);
    let a = b.activation(a, Activation::Relu);
    let alone = b.batch_norm("alone", a);
    let pooled = b.global_avg_pool("pool", alone);
    let logits = b.linear("fc", pooled, 7);
    b.finish(alone, pooled, logits)
}

fn network(bits: CodeBits, per_channel: bool) -> Network {
    let mut network = Network::new(graph(), Seed(1), &Device::flex());
    let weights: Vec<_> = network
        .params()
        .iter()
        .filter(|(_, param)| param.spec.role == Role::Weight)
        .map(|(id, param)| (id, param.spec.shape[0]))
        .collect();
    for (id, channels) in weights {
        let top = u32::from(bits.top());
        let grid = Grid { offset: -0.5, step: 1.0 / top as f32, top };
        let grids = vec![grid; if per_channel { channels } else { 1 }];
        let values = network.params().to_values(id);
        let packed = PackedTensor::quantize(&values, bits, grids).unwrap();
        network.params_mut().set_packed(id, packed).unwrap();
    }
    network
}

fn metadata() -> BTreeMap<String, String> {
    BTreeMap::from([("arch".into(), "é\"{checksum\":\"".into()), ("classes".into(), "[]".into())])
}

fn open(bytes: Vec<u8>) -> Result<StateDict> {
    StateDict::from_bytes("p", bytes, &ReadOptions::default())
}

#[test]
fn the_size_is_known_before_and_is_that_of_the_file() {
    for bits in CodeBits::ALL {
        for per_channel in [false, true] {
            let network = network(bits, per_channel);
            let bytes = packed_bytes(&network, &metadata()).unwrap();
            let folded = network.fold_batch_norm().unwrap();
            let size = PackedLayout::of_network(&folded).size(&metadata()).unwrap();
            assert_eq!(size.file(), bytes.len() as u64);
            let (a, fc) = (5 * 3 * 9_usize, 7 * 5_usize);
            let codes = [a, fc].map(|len| (len * bits.bits() as usize).div_ceil(8));
            let grids = if per_channel { 5 + 7 } else { 2 };
            // Steps and offsets, the multiplier and bias of `a`, the vectors of `alone`, the bias of `fc`.
            let floats = 2 * grids + 5 + 5 + 4 * 5 + 7;
            assert_eq!(size.payload as usize, codes[0] + codes[1] + 4 * floats);
            let shape = |spec: &ParamSpec| {
                let channels = *spec.shape.first()?;
                let grids = if per_channel { channels } else { 1 };
                let multipliers = if spec.name == "a.weight" { channels } else { 0 };
                (spec.role == Role::Weight).then(|| crate::PackedShape {
                    len: spec.len(),
                    bits,
                    grids,
                    multipliers,
                })
            };
            let before = PackedLayout::new(&graph().fold_batch_norm(), shape);
            assert_eq!(before.size(&metadata()).unwrap(), size);
        }
    }
}

#[test]
fn what_is_read_is_what_was_written_to_the_bit() {
    for bits in CodeBits::ALL {
        let network = network(bits, bits == CodeBits::Three);
        let dict = open(packed_bytes(&network, &metadata()).unwrap()).unwrap();
        assert!(dict.is_packed());
        assert_eq!(dict.metadata["arch"], metadata()["arch"]);
        let read = network_from_packed(&graph(), &dict, &Device::flex()).unwrap();
        let folded = network.fold_batch_norm().unwrap();
        for (id, param) in folded.params().iter().filter(|(_, p)| p.spec.role != Role::BatchCount) {
            assert_eq!(read.params().get(id).spec, param.spec);
            assert_eq!(read.params().get(id).packed(), param.packed());
            let values = [&read, &folded].map(|network| network.params().to_values(id));
            assert_eq!(values[0], values[1], "{}", param.spec.name);
        }
        let images = Tensor::<4>::ones([1, 3, 5, 5], &Device::flex());
        let logits = [&network, &read].map(|network| {
            let logits = InferenceEngine::new(network).unwrap().logits(images.clone()).unwrap();
            logits.into_data().iter::<f32>().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert_eq!(logits[0], logits[1]);
        // Written once more, it is the same file.
        let files = [&read, &network].map(|network| packed_bytes(network, &metadata()).unwrap());
        assert!(files[0] == files[1]);
    }
}

#[test]
fn there_is_no_float_copy_and_nothing_for_training() {
    let dict = open(packed_bytes(&network(CodeBits::Two, false), &metadata()).unwrap()).unwrap();
    let mut names: Vec<&str> = dict.iter().map(TensorEntry::name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "a.bias",
            "a.weight.2bit",
            "a.weight.grid",
            "a.weight.multiplier",
            "alone.bias",
            "alone.running_mean",
            "alone.running_var",
            "alone.weight",
            "fc.bias",
            "fc.weight.2bit",
            "fc.weight.grid",
        ]
    );
}

#[test]
fn every_altered_byte_and_every_cut_is_refused_by_name() {
    let bytes = packed_bytes(&network(CodeBits::One, false), &metadata()).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 7);
        let read =
            open(altered).and_then(|dict| network_from_packed(&graph(), &dict, &Device::flex()));
        let message = read.expect_err(&format!("byte {at}")).to_string();
        assert!(message.starts_with("p: "), "{message}");
    }
    for end in 0..bytes.len() {
        let message = open(bytes[..end].to_vec()).expect_err("cut").to_string();
        assert!(message.starts_with("p: "), "{message}");
    }
}

/// A file with a right checksum and wrong contents.
fn sealed(change: impl Fn(&mut Vec<TensorEntry>)) -> StateDict {
    let network = network(CodeBits::Two, false).fold_batch_norm().unwrap();
    let dict = packed_dict(&network, &metadata()).unwrap();
    let mut entries: Vec<TensorEntry> = dict.iter().cloned().collect();
    change(&mut entries);
    let mut changed = StateDict::new();
    entries.into_iter().for_each(|entry| changed.push(entry).unwrap());
    changed.metadata = dict.metadata;
    let mut bytes = safetensors::to_bytes(&changed).unwrap();
    seal::seal(&mut bytes).unwrap();
    open(bytes).unwrap()
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<TensorEntry>)| {
        let dict = sealed(change);
        network_from_packed(&graph(), &dict, &Device::flex()).unwrap_err().to_string()
    };
    let tensor = |name: &str, dtype, values: Vec<f32>| {
        TensorEntry::new(name, dtype, &[values.len()], values).unwrap()
    };
    let without = |name: &'static str| {
        move |entries: &mut Vec<TensorEntry>| entries.retain(|entry| entry.name() != name)
    };
    assert_eq!(
        refused(&without("fc.bias")),
        "p: tensor `fc.bias`: it is missing, as floats and as codes"
    );
    assert!(refused(&without("fc.weight.2bit")).contains("`fc.weight`: it is missing"));
    assert!(refused(&without("fc.weight.grid")).contains("`fc.weight.grid`: missing"));
    let with = |entry: TensorEntry| {
        move |entries: &mut Vec<TensorEntry>| {
            entries.retain(|old| old.name() != entry.name());
            entries.push(entry.clone());
        }
    };
    let message = refused(&with(tensor("spare", DType::F32, vec![1.0])));
    assert_eq!(message, "p: tensor `spare`: it is not of the network");
    let message = refused(&with(tensor("fc.bias", DType::F32, vec![1.0])));
    assert!(message.contains("`fc.bias`: shape [1], expected [7]"), "{message}");
    let message = refused(&with(tensor("fc.weight.2bit", DType::U8, vec![1.0; 4])));
    assert!(
        message.contains("`fc.weight.2bit`: [4] elements of type u8, expected 9 bytes"),
        "{message}"
    );
    let message = refused(&with(tensor("fc.weight.2bit", DType::F32, vec![1.0; 9])));
    assert!(message.contains("expected 9 bytes"), "{message}");
    let message = refused(&with(tensor("a.weight.multiplier", DType::F32, vec![f32::NAN; 5])));
    assert!(message.contains("`a.weight`: NaN at element 0"), "{message}");
    let message = refused(&with(tensor("a.bias", DType::F32, vec![f32::NAN; 5])));
    assert!(message.contains("`a.bias`: NaN at element 0"), "{message}");
    let message = refused(&with(tensor("a.weight.multiplier", DType::F32, vec![1.0; 9])));
    assert!(message.contains("9 multipliers, expected 1 or 5"), "{message}");
}

#[test]
fn what_wants_floats_says_that_the_file_is_packed() {
    let model = registry::find("resnet20_cifar").unwrap();
    let network = model.network(&model.options(), Seed(0), &Device::flex()).unwrap();
    let dict = open(packed_bytes(&network, &metadata()).unwrap()).unwrap();
    let expected = "p: packed: its weights are codes of a folded network, expected floats";
    let error = convert(&dict, model, &model.options(), None).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let mut other = network;
    let error = load(&mut other, &dict, &LoadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(model_of(&dict).unwrap_err().to_string(), expected);
}

#[test]
fn floats_that_are_no_numbers_are_not_packed() {
    let mut network = network(CodeBits::Four, true);
    let id = network.params().index_by_name()["fc.bias"];
    network.params_mut().set_values(id, vec![f32::NAN; 7]).unwrap();
    let message = packed_bytes(&network, &metadata()).unwrap_err().to_string();
    assert_eq!(message, "memory: tensor `fc.bias`: NaN at element 0, expected finite numbers");
}
