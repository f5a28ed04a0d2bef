//! Passing over codes whose coefficients are not wanted: as many in one step as fit.

use super::super::bits::Bits;
use super::{LOOKUP, LOOKUP_SIZE, Run, TO_NEXT_BLOCK, WITHOUT_EXTRA};

/// For the next bits, how many of them are whole codes with their extra bits (the lowest four
/// bits of an entry), and how many places of a block these take (above them), with
/// [`TO_NEXT_BLOCK`] if the last of them ends the block. An entry is 0 if not even one code fits.
#[derive(Clone, Debug)]
pub(super) struct Skips(Box<[u16; LOOKUP_SIZE]>);

impl Skips {
    /// From a table of single codes.
    pub(super) fn new(single: &[Run; LOOKUP_SIZE]) -> Self {
        let mut skips = Box::new([0; LOOKUP_SIZE]);
        for (start, skip) in skips.iter_mut().enumerate() {
            let (mut length, mut places) = (0, 0);
            while places < TO_NEXT_BLOCK {
                // Zeros come in at the end: a code that is found with them has too many bits.
                let run = single[(start << length) % LOOKUP_SIZE];
                let is_whole = (1..WITHOUT_EXTRA).contains(&run.length());
                let is_too_far = (65..TO_NEXT_BLOCK).contains(&(places + run.advance()));
                if !is_whole || length + run.length() > LOOKUP || is_too_far {
                    break;
                }
                length += run.length();
                places += run.advance();
            }
            *skip = length as u16 | (places as u16) << 4;
        }
        Self(skips)
    }

    /// Passes over whole codes from coefficient `at` on and gives the place after them; `None`,
    /// without having moved, if the next code must be looked at by itself.
    #[inline(always)]
    pub(super) fn skip(&self, at: usize, bits: &mut Bits<'_>) -> Option<usize> {
        let entry = self.0[bits.peek(LOOKUP) % LOOKUP_SIZE];
        let next = at + usize::from(entry >> 4);
        // A full block has no end-of-block code: what looks like more of it is the next block.
        let is_within = next <= 64 || (TO_NEXT_BLOCK..TO_NEXT_BLOCK + 64).contains(&next);
        if entry == 0 || !is_within {
            return None;
        }
        bits.skip(u32::from(entry & 15));
        Some(next)
    }
}
