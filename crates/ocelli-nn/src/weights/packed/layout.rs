//! How large a packed file is, before it is written.

use super::{codes_name, grid_name, multiplier_name, with_own_keys};
use crate::graph::Graph;
use crate::parameter::{ParamId, ParamSpec, Role};
use crate::weights::DType;
use crate::weights::activations;
use crate::weights::error::{Result, WeightsError};
use crate::weights::safetensors::{HeaderEntry, header_bytes};
use crate::{Network, PackedShape};
use std::collections::{BTreeMap, HashSet};

/// Which tensors a packed file has, and of what size.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedLayout {
    params: Vec<(String, Vec<usize>, Option<PackedShape>)>,
    /// What the header says of activations.
    activations: Option<String>,
}

/// The bytes of a packed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedSize {
    /// ⌈N · bits / 8⌉ of each weight that has codes, and four for each step, offset, multiplier, bias and
    /// whatever else stays a float.
    pub payload: u64,
    /// Names, shapes and what the file says of itself.
    pub header: u64,
}

impl PackedSize {
    /// The size of the file.
    pub fn file(self) -> u64 {
        self.payload + self.header
    }
}

impl PackedLayout {
    /// The layout of a folded `graph` in which `shape` says which parameters have codes.
    pub fn new(graph: &Graph, shape: impl Fn(&ParamSpec) -> Option<PackedShape>) -> Self {
        let free: HashSet<usize> = graph.free_params().into_iter().map(ParamId::index).collect();
        let params = graph
            .params()
            .iter()
            .enumerate()
            .filter(|(index, spec)| spec.role != Role::BatchCount && !free.contains(index))
            .map(|(_, spec)| (spec.name.clone(), spec.shape.clone(), shape(spec)));
        // A mixture that is not decided is refused where it is written.
        let activations = activations::describe(graph).unwrap_or_default();
        Self { params: params.collect(), activations }
    }

    /// The layout of a folded network.
    pub fn of_network(network: &Network) -> Self {
        let params = network.params();
        let index = params.index_by_name();
        let packed = |spec: &ParamSpec| {
            let id = index.get(spec.name.as_str())?;
            Some(params.get(*id).packed()?.shape())
        };
        Self::new(network.graph(), packed)
    }

    /// The size of the file with this metadata.
    ///
    /// # Errors
    /// Never for names that can be written as JSON, which all can.
    pub fn size(&self, metadata: &BTreeMap<String, String>) -> Result<PackedSize> {
        let entries: Vec<HeaderEntry> = self.params.iter().flat_map(entries).collect();
        let payload = entries.iter().map(|entry| entry.bytes() as u64).sum();
        let header = header_bytes(entries, &with_own_keys(metadata, self.activations.clone()))
            .map_err(|reason| WeightsError::Header { file: "memory".to_owned(), reason })?;
        Ok(PackedSize { payload, header })
    }
}

/// The tensors of a parameter.
fn entries((name, shape, packed): &(String, Vec<usize>, Option<PackedShape>)) -> Vec<HeaderEntry> {
    let entry = |name: String, dtype, shape| HeaderEntry { name, dtype, shape };
    let Some(packed) = packed else {
        return vec![entry(name.clone(), DType::F32, shape.clone())];
    };
    let codes = vec![packed.bits.bytes(packed.len)];
    let mut entries = vec![
        entry(codes_name(name, packed.bits), DType::U8, codes),
        entry(grid_name(name), DType::F32, vec![packed.grids, 2]),
    ];
    if packed.multipliers > 0 {
        entries.push(entry(multiplier_name(name), DType::F32, vec![packed.multipliers]));
    }
    entries
}
