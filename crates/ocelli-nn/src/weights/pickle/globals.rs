//! The names that a pickle may import.
//!
//! | what | names |
//! | --- | --- |
//! | tensors | `torch._utils._rebuild_*` of dense tensors and parameters, `torch.*Storage` |
//! | dictionaries | `collections.OrderedDict`, `collections.defaultdict`, `dict` |
//! | numbers, texts, sets | Python's built-in types, `collections.Counter`, `deque`, `decimal.Decimal` … |
//! | paths | `pathlib` and, since Python 3.13, `pathlib._local` |
//! | times | `datetime` |
//! | options | `argparse.Namespace`, `types.SimpleNamespace`, `AttributeDict` of Lightning |
//! | numpy | scalars, arrays, element types |
//! | torch | `Size`, `device`, `dtype`s, layouts |
//!
//! All but tensors and dictionaries become [`Global::Opaque`]: values of no interest, whose contents
//! are dropped. No name here, or anywhere, is looked up in any other program: they are only compared.

use crate::weights::dtype::DType;

/// An allowed name, by what it means to this reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Global {
    /// `collections.OrderedDict`, the type of a state dict, or `dict`.
    OrderedDict,
    /// `collections.defaultdict`, which is called with what makes its values.
    DefaultDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`: a view of a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter` and `…_with_state`: a tensor that is learnt.
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`: a tensor that somebody gave attributes to.
    RebuildWithAttributes,
    /// A storage type of torch, by its elements.
    Storage(DType),
    /// A harmless value that checkpoints keep beside their tensors. Its contents are not read.
    Opaque,
}

/// What `module.name` means; `None` when it is not allowed.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    let storage = |dtype| Some(Global::Storage(dtype));
    match (module, name) {
        ("collections", "OrderedDict") | ("builtins" | "__builtin__", "dict") => {
            Some(Global::OrderedDict)
        }
        ("collections", "defaultdict") => Some(Global::DefaultDict),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Some(Global::RebuildParameter)
        }
        ("torch._tensor", "_rebuild_from_type_v2") => Some(Global::RebuildWithAttributes),
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
            // Tensors of these can stand beside a network, but not in it.
            "ComplexFloatStorage" | "ComplexDoubleStorage" => Some(Global::Opaque),
            _ => None,
        },
        _ => is_data(module, name).then_some(Global::Opaque),
    }
}

/// Whether a name is that of a type of plain data, or of a function that makes some.
fn is_data(module: &str, name: &str) -> bool {
    let names: &[&str] = match module {
        "builtins" | "__builtin__" => BUILT_IN,
        "_codecs" => &["encode"],
        "argparse" => &["Namespace"],
        "types" => &["SimpleNamespace"],
        "collections" => &["Counter", "deque"],
        "copy_reg" | "copyreg" => &["_reconstructor"],
        "datetime" => &["date", "datetime", "time", "timedelta", "timezone"],
        "decimal" => &["Decimal"],
        "fractions" => &["Fraction"],
        "uuid" => &["UUID"],
        "pathlib" | "pathlib._local" => PATHS,
        "lightning_fabric.utilities.data"
        | "lightning.fabric.utilities.data"
        | "pytorch_lightning.utilities.parsing"
        | "lightning.pytorch.utilities.parsing" => &["AttributeDict"],
        "numpy" => NUMPY,
        "numpy.core.multiarray" | "numpy._core.multiarray" => &["_reconstruct", "scalar"],
        "numpy.core.numeric" | "numpy._core.numeric" => &["_frombuffer"],
        "torch" => TORCH,
        "torch._tensor" => &["Tensor"],
        "torch.nn.parameter" => &["Buffer", "Parameter"],
        "torch.serialization" => &["_get_layout"],
        "torch.torch_version" => &["TorchVersion"],
        _ => &[],
    };
    names.contains(&name)
}

const BUILT_IN: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "unicode",
    "xrange",
];

const PATHS: &[&str] =
    &["Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"];

const NUMPY: &[&str] = &[
    "bool",
    "bool_",
    "complex128",
    "complex64",
    "datetime64",
    "dtype",
    "float16",
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "int8",
    "ndarray",
    "timedelta64",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
];

const TORCH: &[&str] = &[
    "Size",
    "Tensor",
    "bfloat16",
    "bool",
    "channels_last",
    "channels_last_3d",
    "complex128",
    "complex32",
    "complex64",
    "contiguous_format",
    "device",
    "double",
    "float",
    "float16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "half",
    "int16",
    "int32",
    "int64",
    "int8",
    "preserve_format",
    "sparse_coo",
    "strided",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
];
