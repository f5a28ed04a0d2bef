//! Passing over codes whose coefficients are not wanted: as many in one step as fit.
//!
//! Of the last code only the code itself must be among the bits that are looked up, because nobody
//! looks at its extra bits.

use super::super::bits::{Bits, REFILLED};
use super::{END_OF_BLOCK, LOOKUP, LOOKUP_SIZE, NOWHERE, TO_NEXT_BLOCK, codes::Codes, split};

/// For the next bits, how many belong to whole codes with their extra bits (the lowest six bits
/// of an entry), and how many positions of a block these take (above them), with [`TO_NEXT_BLOCK`] if
/// the last of them ends the block, or [`NOWHERE`] if not even one code fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip(u16);

/// An entry for each value of the next bits.
#[derive(Clone, Debug)]
pub(super) struct Skips(Box<[Skip; LOOKUP_SIZE]>);

/// Look-ups for which the bits last that a refill makes available.
pub(super) const STEPS: usize = 3;
/// The most bits of an entry.
const LONGEST: u32 = REFILLED / STEPS as u32;

impl Skips {
    /// From the counts and symbols of an AC table, which are possible.
    pub(super) fn new(definition: &[u8]) -> Option<Self> {
        // The bits of the code that starts so, 0 if there is none, and what its symbol means.
        let mut codes = [(0_u8, 0_u8, 0_u8); LOOKUP_SIZE];
        Codes::new(definition, |code, length, symbol| {
            if let Some((zeros, extra)) = split(symbol, false)
                && length <= LOOKUP
            {
                let first = (code << (LOOKUP - length)) as usize;
                let entry = (length as u8, zeros as u8, extra as u8);
                codes[first..][..1 << (LOOKUP - length)].fill(entry);
            }
            Some(())
        })?;
        let skip = |start: usize| {
            let (mut length, mut positions) = (0, 0);
            while positions < TO_NEXT_BLOCK && length < LOOKUP {
                // Zeros come in at the end: a code that is found with them may have too many bits.
                let (code, zeros, extra) = codes[(start << length) % LOOKUP_SIZE];
                let (zeros, total) = (usize::from(zeros), u32::from(code) + u32::from(extra));
                let advance = if zeros == END_OF_BLOCK { TO_NEXT_BLOCK } else { zeros + 1 };
                let is_too_far = (65..TO_NEXT_BLOCK).contains(&(positions + advance));
                let is_whole = code > 0 && length + u32::from(code) <= LOOKUP;
                if !is_whole || length + total > LONGEST || is_too_far {
                    break;
                }
                length += total;
                positions += advance;
            }
            let positions = if length == 0 { NOWHERE } else { positions };
            Skip(length as u16 | (positions as u16) << 6)
        };
        let mut skips = Box::new([Skip(0); LOOKUP_SIZE]);
        skips.iter_mut().enumerate().for_each(|(start, entry)| *entry = skip(start));
        Some(Self(skips))
    }

    #[inline(always)]
    pub(super) fn next(&self, bits: &Bits<'_>) -> Skip {
        self.0[bits.peek(LOOKUP) % LOOKUP_SIZE]
    }
}

impl Skip {
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        (self.0 & 63).into()
    }

    #[inline(always)]
    pub(super) fn advance(self) -> usize {
        (self.0 >> 6).into()
    }

    /// Whether these codes are right for a block of which `at` coefficients are known, and end it.
    #[inline(always)]
    pub(super) fn ends_block(self, at: usize) -> bool {
        let next = at + self.advance();
        next == 64 || (TO_NEXT_BLOCK..TO_NEXT_BLOCK + 64).contains(&next)
    }
}
