#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::parameter::Role;
use ocelli_nn::weights::{Limits, ReadOptions, StateDict, network_from_packed, packed_bytes};
use ocelli_nn::{Network, PackedTensor};
use ocelli_random::Seed;
use ocelli_train::Machine;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What stands before the checksum, in the header of a packed file.
const BEFORE: &[u8] = br#"\"checksum\":\""#;
const DIGITS: usize = 64;

/// A small network, and its packed files with codes of 1, 2, 3, 4 and 8 bits.
static FILES: LazyLock<(Graph, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let graph = graph();
    let files = [1_u32, 3, 7, 15, 255].map(|top| file(&graph, top as f32));
    (graph, files.into())
});

fuzz_target!(|bytes: &[u8]| {
    let (graph, files) = &*FILES;
    read(graph, bytes.to_vec());
    read(graph, sealed(bytes.to_vec()));
    // No fuzzer makes a packed file, so it gets one: a byte that chooses, then changes of a byte each.
    let Some((first, changes)) = bytes.split_first() else { return };
    let mut file = files[usize::from(*first) % files.len()].clone();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[at] = change[2];
    }
    if changes.len() % 3 == 1 {
        file.truncate(file.len() - usize::from(changes[changes.len() - 1]).min(file.len()));
    }
    read(graph, sealed(file));
});

fn read(graph: &Graph, bytes: Vec<u8>) {
    let limits = Limits { total_values: 1 << 20, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let Ok(dict) = StateDict::from_bytes("fuzz.safetensors", bytes, &options) else { return };
    if !dict.is_packed() {
        return;
    }
    let Ok(network) = network_from_packed(graph, &dict, &Machine::cpu(1).device) else { return };
    packed_bytes(&network, &dict.metadata).expect("what was read can be written");
}

/// The same bytes with the checksum that they should have.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let before = bytes.windows(BEFORE.len()).position(|window| window == BEFORE);
    let Some(at) = before.map(|before| before + BEFORE.len()) else { return bytes };
    if let Some(place) = bytes.get_mut(at..at + DIGITS) {
        place.fill(b'0');
        let checksum = blake3::hash(&bytes).to_hex();
        bytes[at..at + DIGITS].copy_from_slice(checksum.as_bytes());
    }
    bytes
}

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

/// The packed file of the network with weights on `top + 1` levels.
fn file(graph: &Graph, top: f32) -> Vec<u8> {
    let mut network = Network::new(graph.clone(), Seed(1), &Machine::cpu(1).device);
    let weights = network.params().iter().filter(|(_, param)| param.spec.role == Role::Weight);
    let weights: Vec<_> = weights.map(|(id, param)| (id, param.spec.shape[0])).collect();
    for (id, channels) in weights {
        let values = network.params().to_values(id).into_iter();
        let level = |value: f32| ((value + 0.5).clamp(0.0, 1.0) * top).round() / top - 0.5;
        let values: Vec<f32> = values.map(level).collect();
        match PackedTensor::from_levels(&values, channels) {
            Some(packed) => network.params_mut().set_packed(id, packed),
            None => network.params_mut().set_values(id, values),
        }
        .expect("as many as before");
    }
    let metadata = BTreeMap::from([("arch".to_owned(), "fuzz".to_owned())]);
    packed_bytes(&network, &metadata).expect("a finite network")
}
