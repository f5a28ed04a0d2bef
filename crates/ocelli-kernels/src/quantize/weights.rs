//! The weights of a layer, and quantizers fitted to them.

#![expect(unsafe_code, reason = "the inner loop runs on checked-once pointers")]

use super::lanes::LevelLanes;
use super::{Levels, NotFinite, Quantizer, Statistics, Zero};
use crate::simd::{Kernel, Simd, dispatch};
use std::cell::OnceCell;

/// Which weights share their levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// All of a layer.
    #[default]
    Tensor,
    /// Those of an output channel.
    Channel,
}

/// The weights of a layer, whose output channels stand one after another, all finite.
#[derive(Debug)]
pub struct Weights<'a> {
    values: &'a [f32],
    channels: usize,
    whole: Statistics,
    by_channel: OnceCell<Vec<Statistics>>,
}

impl<'a> Weights<'a> {
    /// `channels` equal parts.
    ///
    /// # Errors
    /// [`NotFinite`] for the first weight that is NaN or infinite.
    ///
    /// # Panics
    /// When the channels do not divide the weights.
    pub fn new(values: &'a [f32], channels: usize) -> Result<Self, NotFinite> {
        let divides = channels > 0 && values.len().is_multiple_of(channels);
        assert!(divides, "{} weights in {channels} channels", values.len());
        let whole = Statistics::new(values)?;
        Ok(Self { values, channels, whole, by_channel: OnceCell::new() })
    }

    /// The weights.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// How many output channels there are.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Range and moments of all.
    pub fn statistics(&self) -> &Statistics {
        &self.whole
    }

    fn by_channel(&self) -> &[Statistics] {
        self.by_channel.get_or_init(|| {
            let each = self.values.chunks((self.values.len() / self.channels).max(1));
            // All values are finite: the whole was looked through.
            each.filter_map(|values| Statistics::on_this_thread(values).ok()).collect()
        })
    }

    /// What the learnt step of each share begins with; nothing where a quantizer has none.
    pub fn start(&self, quantizer: Quantizer, per: Per) -> Vec<f32> {
        match quantizer {
            Quantizer::Lsq { bits } => {
                self.shares(per).iter().map(|share| Levels::lsq_start(share, bits)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn shares(&self, per: Per) -> &[Statistics] {
        match per {
            Per::Tensor => std::slice::from_ref(&self.whole),
            Per::Channel => self.by_channel(),
        }
    }

    /// A quantizer fitted to the weights. BWN has a size for each filter however `per` is chosen, as in its
    /// paper. `learnt` are the steps of LSQ, one for each share.
    ///
    /// # Panics
    /// When there are fewer learnt steps than shares.
    pub fn branch(&self, quantizer: Quantizer, per: Per, zero: Zero, learnt: &[f32]) -> Branch {
        let per = if quantizer == Quantizer::Bwn { Per::Channel } else { per };
        let shares = self.shares(per);
        let len = (self.values.len() / shares.len().max(1)).max(1);
        let levels = shares.iter().enumerate().map(|(index, share)| match quantizer {
            Quantizer::MinMax { bits } => Levels::min_max(share.min, share.max, bits, zero),
            Quantizer::Sawb { bits } => Levels::sawb(share, bits),
            Quantizer::Lsq { bits } => Levels::lsq(learnt[index], bits),
            Quantizer::DoReFa { bits } => Levels::dorefa(share, bits),
            Quantizer::Bwn => Levels::bwn(share),
            Quantizer::Twn => Levels::twn(share, &self.values[index * len..][..share.len]),
            Quantizer::Float => Levels::FLOAT,
        });
        Branch { levels: levels.collect() }
    }
}

/// The levels of a whole tensor: of all values, or of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    levels: Vec<Levels>,
}

impl Branch {
    /// One for all values, or one for each channel.
    pub fn new(levels: Vec<Levels>) -> Self {
        Self { levels }
    }

    /// The levels, one for all values or one for each channel.
    pub fn levels(&self) -> &[Levels] {
        &self.levels
    }

    /// Those of a channel.
    pub(super) fn of_channel(&self, channel: usize) -> &Levels {
        if self.levels.len() == 1 { &self.levels[0] } else { &self.levels[channel] }
    }

    /// The code of each value, for a model on few bits. Values as they are have the code 0.
    ///
    /// # Panics
    /// When the channels do not divide the values, or a code is above 255.
    pub fn codes(&self, values: &[f32], channels: usize) -> Vec<u8> {
        let mut codes = vec![0; values.len()];
        let len = (values.len() / channels.max(1)).max(1);
        let parts = values.chunks(len).zip(codes.chunks_mut(len));
        for (channel, (values, codes)) in parts.enumerate() {
            dispatch(Codes { levels: self.of_channel(channel), values, to: codes });
        }
        codes
    }
}

struct Codes<'a> {
    levels: &'a Levels,
    values: &'a [f32],
    to: &'a mut [u8],
}

impl Kernel for Codes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        assert!(self.levels.cuts.top <= 255, "codes of eight bits");
        let lanes = LevelLanes::new(simd, self.levels);
        let mut found = [0.0_f32; 16];
        let parts = self.values.chunks(S::LANES).zip(self.to.chunks_mut(S::LANES));
        for (values, codes) in parts {
            let part = simd.part(values.len());
            // SAFETY: the part has as many lanes as the chunk has values, and no vector has more than sixteen.
            unsafe {
                let value = simd.load_part(values.as_ptr(), part);
                simd.store_part(found.as_mut_ptr(), part, lanes.codes(simd, value));
            }
            codes.iter_mut().zip(found).for_each(|(code, found)| *code = found as u8);
        }
    }
}
