//! Weights of few bits: codes, and the levels that they stand for.

#[cfg(test)]
mod tests;

use ocelli_kernels::quantize::{CodeBits, Grid, PackError, pack, unpack};
use std::sync::Arc;

/// The values of a weight as packed codes.
///
/// The value of code `q` in output channel `c` is `(offset + step · q) · multiplier`, in single precision
/// and in this order. There is one grid, or one per output channel, and a multiplier per output
/// channel where a normalisation was folded into the layer: then the codes, and the grid of a whole tensor,
/// stay what they were, and the values are to the bit those of the float weight times the same scale.
///
/// Cloning is cheap.
///
/// ```
/// use ocelli_kernels::quantize::{CodeBits, Grid};
/// use ocelli_nn::PackedTensor;
///
/// let grid = Grid { offset: -1.0, step: 0.5, top: 3 };
/// let packed = PackedTensor::quantize(&[-1.0, 0.1, 0.4, 9.0], CodeBits::Two, vec![grid])?;
/// assert_eq!(packed.values(), [-1.0, 0.0, 0.5, 0.5]);
/// assert_eq!(packed.shape().bytes(), 1 + 8);
/// # Ok::<(), ocelli_nn::PackedFault>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PackedTensor {
    len: usize,
    bits: CodeBits,
    codes: Arc<[u8]>,
    grids: Arc<[Grid]>,
    multipliers: Option<Arc<[f32]>>,
}

/// How much there is of a packed tensor, which is all that its bytes depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedShape {
    /// How many values it has.
    pub len: usize,
    /// The bits of a code.
    pub bits: CodeBits,
    /// How many grids: one, or one per output channel.
    pub grids: usize,
    /// How many multipliers: none, or one per output channel.
    pub multipliers: usize,
}

impl PackedShape {
    /// ⌈len · bits / 8⌉ bytes of codes, and four for each step, offset and multiplier.
    pub fn bytes(self) -> usize {
        self.bits.bytes(self.len) + size_of::<f32>() * (2 * self.grids + self.multipliers)
    }
}

/// Why values cannot be those of a packed tensor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PackedFault {
    /// The codes do not fit.
    #[error(transparent)]
    Codes(#[from] PackError),

    /// The values are not as many for each grid or multiplier.
    #[error("{len} values for {channels} {what}, expected as many values for each")]
    Channels {
        /// How many values there are.
        len: usize,
        /// How many grids or multipliers.
        channels: usize,
        /// `grids` or `multipliers`.
        what: &'static str,
    },

    /// A grid has a level that is no finite number, or more levels than its bits have codes.
    #[error("the levels {grid:?} of channel {channel}, expected finite ones for {bits} bits")]
    Grid {
        /// Which grid.
        channel: usize,
        /// The grid.
        grid: Grid,
        /// The bits of a code.
        bits: u32,
    },

    /// A value to be quantized is no finite number.
    #[error("{value} at element {index}, expected finite numbers")]
    NotFinite {
        /// Which element.
        index: usize,
        /// The value.
        value: f32,
    },
}

impl PackedTensor {
    /// The codes of the levels that are nearest to `values`. Grids get all levels of their bits.
    ///
    /// # Shapes
    /// - `values`: `[channels, ..]`, row-major
    /// - `grids`: one, or one per output channel
    ///
    /// # Errors
    /// When a value is no finite number, or the grids do not fit.
    pub fn quantize(values: &[f32], bits: CodeBits, grids: Vec<Grid>) -> Result<Self, PackedFault> {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(PackedFault::NotFinite { index, value: values[index] });
        }
        let per_grid = per_channel(values.len(), grids.len(), "grids")?;
        // A code is at most the top of its grid, which is checked to be one of the bits.
        let code = |grid: &Grid, value: &f32| grid.code(*value).min(Grid::TOP) as u8;
        let codes: Vec<u8> = values
            .chunks(per_grid)
            .zip(&grids)
            .flat_map(|(values, grid)| values.iter().map(move |value| code(grid, value)))
            .collect();
        Self::from_codes(&codes, bits, grids)
    }

    /// A tensor of these codes.
    ///
    /// # Errors
    /// When a code needs more bits, or the grids do not fit.
    pub fn from_codes(codes: &[u8], bits: CodeBits, grids: Vec<Grid>) -> Result<Self, PackedFault> {
        let mut packed = vec![0; bits.bytes(codes.len())];
        pack(codes, bits, &mut packed)?;
        Self::new(codes.len(), bits, packed, grids, None)
    }

    /// A tensor of `len` codes that are packed already.
    ///
    /// # Errors
    /// When there is another number of bytes, or the grids or multipliers do not fit.
    pub fn new(
        len: usize,
        bits: CodeBits,
        codes: Vec<u8>,
        mut grids: Vec<Grid>,
        multipliers: Option<Vec<f32>>,
    ) -> Result<Self, PackedFault> {
        unpack(&codes, bits, &mut vec![0; len])?;
        per_channel(len, grids.len(), "grids")?;
        let all = u32::from(bits.top());
        for (channel, grid) in grids.iter_mut().enumerate() {
            let ends = [grid.level(0), grid.level(all)];
            if grid.top > all || !ends.iter().all(|level| level.is_finite()) {
                return Err(PackedFault::Grid { channel, grid: *grid, bits: bits.bits() });
            }
            grid.top = all;
        }
        if let Some(multipliers) = &multipliers {
            per_channel(len, multipliers.len(), "multipliers")?;
            if let Some(index) = multipliers.iter().position(|value| !value.is_finite()) {
                return Err(PackedFault::NotFinite { index, value: multipliers[index] });
            }
        }
        let multipliers = multipliers.map(Arc::from);
        Ok(Self { len, bits, codes: codes.into(), grids: grids.into(), multipliers })
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bits of a code.
    pub fn bits(&self) -> CodeBits {
        self.bits
    }

    /// How much there is of it.
    pub fn shape(&self) -> PackedShape {
        let multipliers = self.multipliers().map_or(0, <[f32]>::len);
        PackedShape { len: self.len, bits: self.bits, grids: self.grids.len(), multipliers }
    }

    /// The codes as they are stored.
    pub fn packed_codes(&self) -> &[u8] {
        &self.codes
    }

    /// One code for each value, row-major.
    pub fn codes(&self) -> Vec<u8> {
        let mut codes = vec![0; self.len];
        // The lengths were checked when the tensor was made.
        let _ = unpack(&self.codes, self.bits, &mut codes);
        codes
    }

    /// The levels: one grid, or one per output channel.
    pub fn grids(&self) -> &[Grid] {
        &self.grids
    }

    /// What the levels of each output channel are multiplied by, if by anything.
    pub fn multipliers(&self) -> Option<&[f32]> {
        self.multipliers.as_deref()
    }

    /// The values, row-major, to the bit the same in every process.
    pub fn values(&self) -> Vec<f32> {
        let codes = self.codes();
        let per_grid = (self.len / self.grids.len().max(1)).max(1);
        let mut values: Vec<f32> = codes
            .chunks(per_grid)
            .zip(&*self.grids)
            .flat_map(|(codes, grid)| codes.iter().map(|code| grid.level(u32::from(*code))))
            .collect();
        if let Some(multipliers) = &self.multipliers {
            let per_channel = (self.len / multipliers.len().max(1)).max(1);
            for (values, multiplier) in values.chunks_mut(per_channel).zip(&**multipliers) {
                values.iter_mut().for_each(|value| *value *= multiplier);
            }
        }
        values
    }

    /// The same codes with each output channel multiplied, as by a folded normalisation.
    #[must_use]
    pub(crate) fn scaled(&self, scale: &[f32]) -> Self {
        let multipliers = match &self.multipliers {
            None => scale.into(),
            Some(before) => before.iter().zip(scale).map(|(before, new)| before * new).collect(),
        };
        Self { multipliers: Some(multipliers), ..self.clone() }
    }
}

/// How many values each of `channels` has.
fn per_channel(len: usize, channels: usize, what: &'static str) -> Result<usize, PackedFault> {
    if channels == 0 || !len.is_multiple_of(channels) {
        return Err(PackedFault::Channels { len, channels, what });
    }
    Ok((len / channels).max(1))
}
