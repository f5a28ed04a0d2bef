//! The operations that networks are made of, one file each.
//!
//! A file says everything of its operation: the shape of its result, what it costs, how it runs on
//! burn's tensors and, where it is a function of one value, on the kernels of the CPU, forward, backward
//! and for a few changed pixels ([`UnaryKernel`]). A new operation is a new file and a line in the list
//! below. Only operations that plans fuse with their neighbours (convolutions, linear layers,
//! normalisations, sums, gates, concatenations, dropout) have more to them, in the plans' own files.

mod activation;
mod activation_quantizer;
mod add;
mod avg_pool;
mod batch_norm;
mod concat;
mod conv2d;
mod drop_path;
mod dropout;
mod flatten;
mod global_avg_pool;
mod input;
mod keep_mask;
mod linear;
mod local_response_norm;
mod max_pool;
mod operation;
mod pad_shortcut;
mod quantize;
mod scale;
mod shape;
mod side_input;
mod unary;
mod unit;
mod upsample;
mod window;

pub use activation::Activation;
pub use activation_quantizer::ActivationQuantizer;
pub use add::Add;
pub use avg_pool::AvgPool;
pub use batch_norm::BatchNorm;
pub use concat::Concat;
pub use conv2d::Conv2d;
pub use drop_path::DropPath;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_avg_pool::GlobalAvgPool;
pub use input::Input;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use max_pool::MaxPool;
pub use pad_shortcut::PadShortcut;
pub use quantize::{Quantize, QuantizeBranch};
pub use scale::Scale;
pub use shape::Shape;
pub use side_input::SideInput;
pub use unit::Unit;
pub use upsample::Upsample;
pub use window::{Padding, Pool, Window};

pub(crate) use concat::Copy;
pub(crate) use conv2d::Repeat;
pub(crate) use keep_mask::{KeptBits, keep_mask};
pub(crate) use operation::{Operation, OperationCost, Run};
pub(crate) use quantize::{is_observed, pair, widened};
pub(crate) use unary::{Changed, ChangedPixel, Spread, Taped, UnaryKernel, effort};
pub(crate) use window::geometry;

/// An operation's type in each variant of [`Op`], and the trait object of whatever is in one.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One kind of operation with its settings.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        impl Op {
            pub(crate) fn operation(&self) -> &dyn Operation {
                match self {
                    $(Self::$name(operation) => operation,)*
                }
            }

            pub(crate) fn operation_mut(&mut self) -> &mut dyn Operation {
                match self {
                    $(Self::$name(operation) => operation,)*
                }
            }
        }

        $(impl From<$name> for Op {
            fn from(operation: $name) -> Self {
                Self::$name(operation)
            }
        })*
    };
}

operations! {
    /// The input image.
    Input,
    /// A convolution.
    Conv2d,
    /// A linear layer.
    Linear,
    /// A batch normalisation over the channel axis.
    BatchNorm,
    /// An element-wise activation.
    Activation,
    /// The sum of two values.
    Add,
    /// A value times a gate per channel.
    Scale,
    /// Values side by side on the channel axis.
    Concat,
    /// The mean over height and width.
    GlobalAvgPool,
    /// The mean over a window.
    AvgPool,
    /// The maximum over a window.
    MaxPool,
    /// A local response normalisation over neighbouring channels.
    LocalResponseNorm,
    /// The parameter-free shortcut of the CIFAR ResNets.
    PadShortcut,
    /// All axes but the batch joined.
    Flatten,
    /// Each pixel's channels divided by their length.
    Unit,
    /// Dropout of single values, in training only.
    Dropout,
    /// Stochastic depth, in training only.
    DropPath,
    /// A vector that is given beside the image.
    SideInput,
    /// Values on the levels of quantizers.
    Quantize,
    /// Each pixel repeated.
    Upsample,
}
