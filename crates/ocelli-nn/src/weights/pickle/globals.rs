//! The names that a pickle may import.

use crate::weights::dtype::DType;

/// An allowed name, by what it means to this reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Global {
    /// `collections.OrderedDict`, the type of a state dict.
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`: a view of a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter` and `…_with_state`: a tensor that is learnt.
    RebuildParameter,
    /// A storage type of torch, by its elements.
    Storage(DType),
    /// A harmless value that checkpoints keep beside their tensors. Its contents are not read.
    Opaque,
}

/// What `module.name` means; `None` when it is not allowed.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    let storage = |dtype| Some(Global::Storage(dtype));
    match (module, name) {
        ("collections", "OrderedDict") => Some(Global::OrderedDict),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Some(Global::RebuildParameter)
        }
        ("torch" | "torch.cuda", _) if name.ends_with("Storage") => match name {
            "DoubleStorage" => storage(DType::F64),
            "FloatStorage" => storage(DType::F32),
            "HalfStorage" => storage(DType::F16),
            "BFloat16Storage" => storage(DType::BF16),
            "LongStorage" => storage(DType::I64),
            "IntStorage" => storage(DType::I32),
            "ShortStorage" => storage(DType::I16),
            "CharStorage" => storage(DType::I8),
            "ByteStorage" => storage(DType::U8),
            "BoolStorage" => storage(DType::Bool),
            _ => None,
        },
        _ => OPAQUE.contains(&(module, name)).then_some(Global::Opaque),
    }
}

/// Types of plain data: options, numbers, counts, paths.
const OPAQUE: &[(&str, &str)] = &[
    ("__builtin__", "set"),
    ("_codecs", "encode"),
    ("argparse", "Namespace"),
    ("builtins", "set"),
    ("collections", "Counter"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("pathlib", "PosixPath"),
    ("torch", "Size"),
    ("torch", "device"),
    ("torch", "float16"),
    ("torch", "float32"),
];
