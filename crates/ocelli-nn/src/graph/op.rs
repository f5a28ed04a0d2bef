//! The operations that networks are made of.

use crate::parameter::ParamId;

/// One kind of operation with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The input image.
    Input,
    /// A convolution.
    Conv2d(Conv2d),
    /// A batch normalisation over the channel axis.
    BatchNorm(BatchNorm),
    /// An element-wise activation.
    Activation(Activation),
    /// The sum of two values of one shape.
    Add,
    /// The first input times the second, a gate per channel `[batch, channels, 1, 1]`.
    Scale,
    /// The inputs one after another on the channel axis, of which the first `keep` channels stay.
    Concat {
        /// How many channels the result has.
        keep: usize,
    },
    /// The mean over height and width.
    GlobalAvgPool,
    /// The mean over a window.
    AvgPool(Pool),
    /// The maximum over a window.
    MaxPool(Pool),
    /// A local response normalisation over neighbouring channels.
    LocalResponseNorm(LocalResponseNorm),
    /// Every second row and column, with zero channels added before and after: the parameter-free
    /// shortcut "option A" of He et al. 2016, section 4.2.
    PadShortcut {
        /// How many channels the result has.
        out_channels: usize,
        /// The step in rows and columns.
        stride: usize,
    },
    /// All axes but the batch joined, in the order channel, row, column.
    Flatten,
    /// A linear layer.
    Linear(Linear),
    /// Dropout of single values, in training only.
    Dropout {
        /// The share of values that are zeroed.
        probability: f64,
    },
    /// Stochastic depth: the whole value of a sample is zeroed, in training only.
    DropPath {
        /// The share of samples that are zeroed.
        probability: f64,
    },
}

impl Op {
    /// The same operation with other parameters: `new` is asked for each, in state-dict order.
    pub(crate) fn map_params(&self, mut new: impl FnMut(ParamId) -> ParamId) -> Self {
        match self {
            Self::Conv2d(conv) => {
                let (weight, bias) = (new(conv.weight), conv.bias.map(&mut new));
                Self::Conv2d(Conv2d { weight, bias, ..conv.clone() })
            }
            Self::BatchNorm(norm) => Self::BatchNorm(BatchNorm {
                weight: new(norm.weight),
                bias: new(norm.bias),
                running_mean: new(norm.running_mean),
                running_var: new(norm.running_var),
                num_batches_tracked: new(norm.num_batches_tracked),
                ..norm.clone()
            }),
            Self::Linear(linear) => {
                let (weight, bias) = (new(linear.weight), linear.bias.map(&mut new));
                Self::Linear(Linear { weight, bias, ..linear.clone() })
            }
            other => other.clone(),
        }
    }
}

/// A two-dimensional convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// The kernel, `[out_channels, in_channels / groups, kernel height, kernel width]`.
    pub weight: ParamId,
    /// The bias, `[out_channels]`.
    pub bias: Option<ParamId>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the result.
    pub out_channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// The step in rows and columns.
    pub stride: [usize; 2],
    /// What lies outside the image.
    pub padding: Padding,
    /// The distance of the kernel's taps.
    pub dilation: [usize; 2],
    /// In how many independent groups the channels are.
    pub groups: usize,
}

/// How an image is extended with zeros before a window slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// The same number of zeros on both sides: rows, columns.
    Symmetric([usize; 2]),
    /// TensorFlow's 'SAME': as many zeros as make the result ⌈size / stride⌉, the odd one after.
    Same,
}

impl Padding {
    /// Zeros before and after an axis (0 rows, 1 columns) of `size`.
    ///
    /// # Panics
    /// When the window has no taps or no step.
    pub fn amounts(self, axis: usize, size: usize, window: Window) -> (usize, usize) {
        match self {
            Self::Symmetric(padding) => (padding[axis], padding[axis]),
            Self::Same => {
                let steps = size.div_ceil(window.stride).saturating_sub(1);
                let total = (steps * window.stride + window.extent()).saturating_sub(size);
                (total / 2, total - total / 2)
            }
        }
    }
}

/// A window on one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many taps.
    pub kernel: usize,
    /// The step.
    pub stride: usize,
    /// The distance of taps.
    pub dilation: usize,
}

impl Window {
    /// From the first tap to the last, both included.
    ///
    /// # Panics
    /// When there are no taps.
    pub fn extent(self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }
}

/// A batch normalisation (Ioffe and Szegedy 2015).
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// γ, `[channels]`.
    pub weight: ParamId,
    /// β, `[channels]`.
    pub bias: ParamId,
    /// The running mean, `[channels]`.
    pub running_mean: ParamId,
    /// The running variance, `[channels]`.
    pub running_var: ParamId,
    /// The number of batches seen, a single number.
    pub num_batches_tracked: ParamId,
    /// Added to the variance.
    pub epsilon: f64,
    /// The weight of the newest batch in the running statistics (PyTorch's convention).
    pub momentum: f64,
}

/// An element-wise activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// 1 / (1 + exp(−x))
    Sigmoid,
    /// relu6(x + 3) / 6
    HardSigmoid,
}

/// A pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// The step in rows and columns.
    pub stride: [usize; 2],
    /// Symmetric padding in rows and columns; a padded place never is the maximum and counts in no
    /// mean.
    pub padding: [usize; 2],
}

/// A local response normalisation (Krizhevsky et al. 2012, section 3.3):
/// `x[c] / (k + α / n · Σ x[j]²)^β`, the sum being over the n channels around c.
///
/// α is divided by n as in Caffe and PyTorch; the paper has no division.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm {
    /// n: how many channels a sum has, an odd number.
    pub size: usize,
    /// α
    pub alpha: f64,
    /// β
    pub beta: f64,
    /// k
    pub k: f64,
}

/// A linear layer over `[batch, in_features, 1, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// The matrix, `[out_features, in_features]`.
    pub weight: ParamId,
    /// The bias, `[out_features]`.
    pub bias: Option<ParamId>,
    /// Values in.
    pub in_features: usize,
    /// Values out.
    pub out_features: usize,
}
