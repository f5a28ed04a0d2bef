//! The packed file: a network of few bits, with all that is needed to run it and nothing else.
//!
//! It is a safetensors file of the folded network ([`Network::fold_batch_norm`]):
//!
//! | tensor | type | contents |
//! | --- | --- | --- |
//! | `WEIGHT.Nbit` | `U8` | the codes of a weight, [packed](ocelli_kernels::quantize::pack) |
//! | `WEIGHT.grid` | `F32` | offset and step, for the tensor or for each output channel |
//! | `WEIGHT.multiplier` | `F32` | the folded normalisation's scale, where the codes are of the weight before it |
//! | `LAYER.quantize.range` | `F32` | the least and the greatest value that a layer reads, where activations are quantized |
//! | any other | `F32` | biases, in which normalisations are folded, and weights that are kept as floats |
//!
//! There is no float copy of a weight that has codes, and nothing that only training needs: no batch
//! counts, no parameters that no operation reads. The header says which network it is, which
//! layers read quantized activations, and what it expects of a picture, and has a [checksum](seal) over the whole file, so that one that was cut or
//! altered is refused. Bytes are known before anything is quantized: [`PackedLayout`].

mod layout;
mod seal;
#[cfg(test)]
mod tests;

pub use layout::{PackedLayout, PackedSize};
pub(super) use seal::verify;

use super::error::{Result, WeightsError};
use super::{DType, StateDict, TensorEntry, activations, safetensors};
use crate::graph::Graph;
use crate::parameter::{ParamSpec, Parameters, Role};
use crate::{Network, PackedTensor};
use burn::tensor::Device;
use ocelli_kernels::quantize::{CodeBits, Grid};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// The key of the header that says that a file is packed, and in which version of the format.
const VERSION_KEY: &str = "packed";
/// The only version so far.
const VERSION: &str = "1";

impl StateDict {
    /// Whether this is a packed file: its tensors are those of a folded network, some of them codes.
    pub fn is_packed(&self) -> bool {
        self.metadata.contains_key(VERSION_KEY)
    }

    /// Refuses a packed file where tensors of floats are needed.
    pub(super) fn check_floats(&self) -> Result<()> {
        if !self.is_packed() {
            return Ok(());
        }
        Err(WeightsError::Packed { file: self.file().to_owned() })
    }
}

fn codes_name(name: &str, bits: CodeBits) -> String {
    format!("{name}.{}bit", bits.bits())
}

fn grid_name(name: &str) -> String {
    format!("{name}.grid")
}

fn multiplier_name(name: &str) -> String {
    format!("{name}.multiplier")
}

/// The tensors and the header of the packed file of a folded network.
fn packed_dict(network: &Network, metadata: &BTreeMap<String, String>) -> Result<StateDict> {
    let mut dict = StateDict::new();
    let free: HashSet<_> = network.graph().free_params().into_iter().collect();
    for (id, param) in network.params().iter() {
        let name = param.spec.name.as_str();
        if free.contains(&id) || param.spec.role == Role::BatchCount {
            continue;
        }
        let Some(packed) = param.packed() else {
            let values = network.params().to_values(id);
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let reason = format!("{} at element {at}, expected finite numbers", values[at]);
                return Err(dict.tensor_error(name, reason));
            }
            dict.push(TensorEntry::new(name, DType::F32, &param.spec.shape, values)?)?;
            continue;
        };
        let codes: Vec<f32> = packed.packed_codes().iter().map(|byte| f32::from(*byte)).collect();
        let codes_name = codes_name(name, packed.bits());
        dict.push(TensorEntry::new(codes_name, DType::U8, &[codes.len()], codes)?)?;
        let grids = packed.grids().iter().flat_map(|grid| [grid.offset, grid.step]).collect();
        let shape = [packed.grids().len(), 2];
        dict.push(TensorEntry::new(grid_name(name), DType::F32, &shape, grids)?)?;
        if let Some(multipliers) = packed.multipliers() {
            let (name, shape) = (multiplier_name(name), [multipliers.len()]);
            dict.push(TensorEntry::new(name, DType::F32, &shape, multipliers.to_vec())?)?;
        }
    }
    let activations = activations::describe(network.graph()).map_err(|error| malformed(&error))?;
    dict.metadata = with_own_keys(metadata, activations);
    Ok(dict)
}

/// The metadata with what marks a packed file; the checksum is not there yet.
fn with_own_keys(
    metadata: &BTreeMap<String, String>,
    activations: Option<String>,
) -> BTreeMap<String, String> {
    let mut metadata = metadata.clone();
    metadata.extend(activations.map(|text| (activations::KEY.to_owned(), text)));
    metadata.insert(VERSION_KEY.into(), VERSION.into());
    metadata.insert(seal::KEY.into(), seal::BLANK.into());
    metadata
}

/// The bytes of the packed file of a network, whose normalisations are folded if they are not yet.
///
/// # Errors
/// When a value that stays a float is no finite number.
pub fn packed_bytes(network: &Network, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let folded = network.fold_batch_norm().map_err(|error| malformed(&error))?;
    let mut bytes = safetensors::to_bytes(&packed_dict(&folded, metadata)?)?;
    seal::seal(&mut bytes)?;
    Ok(bytes)
}

fn malformed(error: &crate::Error) -> WeightsError {
    WeightsError::Header { file: "memory".to_owned(), reason: error.to_string() }
}

/// Writes the packed file of a network: all of it, or nothing. Returns its size.
///
/// # Errors
/// As [`packed_bytes`], and when `path` cannot be written.
pub fn write_packed(
    network: &Network,
    metadata: &BTreeMap<String, String>,
    path: &Path,
) -> Result<u64> {
    let bytes = packed_bytes(network, metadata)?;
    ocelli_common::write_whole(path, &bytes).map_err(|error| WeightsError::io(path, error))?;
    Ok(bytes.len() as u64)
}

/// The network of a packed file, its normalisations folded; `graph` is the one before that.
///
/// As for [`network_from`](super::network_from), no memory is reserved before every tensor is known to be
/// there.
///
/// # Errors
/// When a tensor is missing, of another shape or not of the network, when codes and levels do not fit, or a
/// value is no finite number.
pub fn network_from_packed(graph: &Graph, dict: &StateDict, device: &Device) -> Result<Network> {
    let version = dict.metadata.get(VERSION_KEY).map_or("", String::as_str);
    if version != VERSION {
        let reason = format!("packed in version {version} of the format, expected {VERSION}");
        return Err(WeightsError::Container { file: dict.file().to_owned(), reason });
    }
    let refused = |error: crate::Error| WeightsError::Container {
        file: dict.file().to_owned(),
        reason: error.to_string(),
    };
    let mut graph = graph.fold_batch_norm();
    if let Some(quantized) = activations::of_file(&graph, dict)? {
        graph = quantized;
    }
    let mut used = 0;
    let found: Vec<Stored> =
        graph.params().iter().map(|spec| find(dict, spec, &mut used)).collect::<Result<_>>()?;
    if used < dict.len() {
        let foreign = dict.iter().find(|entry| !belongs(&graph, entry.name()));
        let name = foreign.map_or("", TensorEntry::name);
        return Err(dict.tensor_error(name, "it is not of the network".to_owned()));
    }
    let mut values = Vec::with_capacity(found.len());
    let mut packed = Vec::with_capacity(found.len());
    for (spec, found) in graph.params().iter().zip(found) {
        let (floats, codes) = match found {
            Stored::Absent => (vec![0.0; spec.len()], None),
            Stored::Floats(entry) => (super::load::finite_values(dict, entry)?, None),
            Stored::Codes(bits, entries) => (vec![], Some(decode(dict, spec, bits, entries)?)),
        };
        values.push(floats);
        packed.push(codes);
    }
    let params = Parameters::from_parts(graph.params(), values, packed, device).map_err(refused)?;
    Ok(Network::from_parts(graph, params))
}

/// What a file has for a parameter.
enum Stored<'a> {
    /// Nothing, and nothing is needed.
    Absent,
    Floats(&'a TensorEntry),
    /// Codes, levels and multipliers.
    Codes(CodeBits, [Option<&'a TensorEntry>; 3]),
}

/// Looks a parameter up, and counts the tensors that are its own.
fn find<'a>(dict: &'a StateDict, spec: &ParamSpec, used: &mut usize) -> Result<Stored<'a>> {
    let name = spec.name.as_str();
    let mut get = |name: &str| {
        let entry = dict.get(name);
        *used += usize::from(entry.is_some());
        entry
    };
    if let Some(entry) = get(name) {
        if entry.shape() != spec.shape {
            let reason = format!("shape {:?}, expected {:?}", entry.shape(), spec.shape);
            return Err(dict.tensor_error(name, reason));
        }
        return Ok(Stored::Floats(entry));
    }
    for bits in CodeBits::ALL {
        let Some(codes) = get(&codes_name(name, bits)) else { continue };
        let expected = bits.bytes(spec.len());
        if codes.shape() != [expected] || codes.dtype() != DType::U8 {
            let (dtype, shape) = (codes.dtype(), codes.shape());
            let reason = format!("{shape:?} elements of type {dtype}, expected {expected} bytes");
            return Err(dict.tensor_error(codes.name(), reason));
        }
        let (grids, multipliers) = (get(&grid_name(name)), get(&multiplier_name(name)));
        return Ok(Stored::Codes(bits, [Some(codes), grids, multipliers]));
    }
    match spec.role {
        Role::BatchCount => Ok(Stored::Absent),
        _ => Err(dict.tensor_error(name, "it is missing, as floats and as codes".to_owned())),
    }
}

/// Whether a tensor of a packed file could be a parameter's.
fn belongs(graph: &Graph, name: &str) -> bool {
    graph.params().iter().any(|spec| {
        let of = spec.name.as_str();
        name == of
            || name == grid_name(of)
            || name == multiplier_name(of)
            || CodeBits::ALL.iter().any(|bits| name == codes_name(of, *bits))
    })
}

fn decode(
    dict: &StateDict,
    spec: &ParamSpec,
    bits: CodeBits,
    [codes, grids, multipliers]: [Option<&TensorEntry>; 3],
) -> Result<PackedTensor> {
    let read = |entry: Option<&TensorEntry>| entry.map(TensorEntry::values).transpose();
    let name = spec.name.as_str();
    // Elements of a byte are whole numbers up to 255.
    let codes = read(codes)?.unwrap_or_default().into_iter().map(|code| code as u8).collect();
    let Some(grids) = grids.filter(|entry| entry.shape().last() == Some(&2)) else {
        let reason = "missing or of another shape, expected offset and step of each grid";
        return Err(dict.tensor_error(&grid_name(name), reason.to_owned()));
    };
    let grids = grids.values()?;
    let top = u32::from(bits.top());
    let (pairs, _) = grids.as_chunks::<2>();
    let grids = pairs.iter().map(|[offset, step]| Grid { offset: *offset, step: *step, top });
    let packed = PackedTensor::new(spec.len(), bits, codes, grids.collect(), read(multipliers)?);
    packed.map_err(|fault| dict.tensor_error(name, fault.to_string()))
}
