//! Huffman tables (T.81, annexes C and F).
//!
//! What takes the time of a decoder is that a code can only be looked up when the one before is
//! known. So one look-up here gives up to two codes together with their extra bits, and where the
//! coefficients are not wanted, as many as fit.
//!
//! A block that is full has no end-of-block code: what follows its last coefficient is the next
//! block, which has another table. So where several codes would reach the end of a block, they are
//! read one by one, unless the last of them says itself that it ends the block. Whether an entry
//! reaches the end is then the only question that the loop over the entries asks.

mod codes;
mod skips;
mod symbols;
mod tables;

pub(super) use symbols::SymbolTable;
pub(super) use tables::{Tables, Wanted};

use super::bits::Bits;
use codes::Codes;
use skips::Skips;

/// Bits that are looked up in one step.
const LOOKUP: u32 = 11;
const LOOKUP_SIZE: usize = 1 << LOOKUP;
/// Look-ups for which the bits last that a refill makes available.
const STEPS: usize = 4;
/// In the length of an entry: the extra bits are not part of it.
const WITHOUT_EXTRA: u32 = 0x80;
/// The length of an entry whose code stands for nothing.
const MEANINGLESS: u32 = 0xff;
/// The run of an end-of-block code: past the last coefficient from anywhere.
const END_OF_BLOCK: usize = 64;
/// The positions that an end-of-block code takes: more than any other two codes.
const TO_NEXT_BLOCK: usize = 128;
/// The positions that an entry without a code seems to take.
const NOWHERE: usize = 255;

/// Up to two coefficients, packed into 64 bits: where the first and the second stand after the
/// current position in the block (both the same if there is one), how many positions both take, and
/// their values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Run(u64);

impl Run {
    fn new(length: u32, zeros: u32, value: i32) -> Self {
        let ends = zeros as usize == END_OF_BLOCK;
        let advance = if ends { TO_NEXT_BLOCK as u32 } else { zeros + 1 };
        let packed = length | zeros << 8 | zeros << 16 | advance << 24;
        let value = u64::from(value as u16);
        Self(u64::from(packed) | value << 32 | value << 48)
    }

    /// The same, but it seems to go past any end of a block.
    fn to_nowhere(self) -> Self {
        Self(self.0 | (NOWHERE as u64) << 24)
    }

    /// Whether this is a code with all its extra bits.
    #[inline(always)]
    fn is_ready(self) -> bool {
        self.length().wrapping_sub(1) < WITHOUT_EXTRA - 1
    }

    /// This run and the one after it, if both are ready and short enough.
    fn followed_by(self, next: Self) -> Option<Self> {
        let length = self.length() + next.length();
        let ends = self.first() == END_OF_BLOCK;
        if ends || !next.is_ready() || length > LOOKUP {
            return None;
        }
        let (first, advance) = (self.first() as u32, (self.advance() + next.advance()) as u32);
        // An end of block is no coefficient: the first one is written twice instead.
        let (second, value) = if next.first() == END_OF_BLOCK {
            (first, self.first_value())
        } else {
            (first + 1 + next.first() as u32, next.first_value())
        };
        let packed = length | first << 8 | second << 16 | advance << 24;
        let values = u64::from(self.first_value() as u16) | u64::from(value as u16) << 16;
        Some(Self(u64::from(packed) | values << 32))
    }

    #[inline(always)]
    fn length(self) -> u32 {
        (self.0 & 0xff) as u32
    }

    /// Zeros before the first coefficient, or [`END_OF_BLOCK`].
    #[inline(always)]
    fn first(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// Positions before the second coefficient.
    #[inline(always)]
    fn second(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    /// Positions to the next run, at least [`TO_NEXT_BLOCK`] if this one ends the block.
    #[inline(always)]
    fn advance(self) -> usize {
        (self.0 >> 24 & 0xff) as usize
    }

    #[inline(always)]
    fn first_value(self) -> i16 {
        (self.0 >> 32) as i16
    }

    #[inline(always)]
    fn second_value(self) -> i16 {
        (self.0 >> 48) as i16
    }

    /// Whether this run is right for a block of which `at` coefficients are known, and ends it. A
    /// full block has no end-of-block code: what looks like one is the next block.
    #[inline(always)]
    fn ends_block(self, at: usize) -> bool {
        let advance = self.advance();
        let is_empty = self.first() == END_OF_BLOCK;
        (TO_NEXT_BLOCK..NOWHERE).contains(&advance) && (is_empty || at + self.first() < 63)
    }
}

/// A Huffman table, ready for decoding the blocks of a sequential scan.
///
/// An entry of a lookup is a [`Run`]; or, with [`WITHOUT_EXTRA`] in its length, a code whose
/// value is the number of extra bits; or 0 at the start of a longer code; or [`MEANINGLESS`].
#[derive(Clone, Debug)]
pub(super) struct Table {
    single: Box<[Run; LOOKUP_SIZE]>,
    /// The same, and where two codes fit, both.
    pairs: Box<[Run; LOOKUP_SIZE]>,
    /// For blocks that are not wanted, if there are any.
    skips: Option<Skips>,
    codes: Codes,
}

impl Table {
    /// Whether this is the table that `definition` describes.
    fn is(&self, definition: &[u8]) -> bool {
        self.codes.definition == definition
    }

    /// Builds a table from the 16 counts and the symbols of a DHT segment; `None` when the counts
    /// are impossible.
    fn new(definition: &[u8], is_dc: bool) -> Option<Self> {
        let mut single = Box::new([Run::default(); LOOKUP_SIZE]);
        let codes = Codes::new(definition, |code, length, symbol| {
            // A DC difference has up to 15 bits, which are a whole symbol.
            if is_dc && symbol > 15 {
                return None;
            }
            if length <= LOOKUP {
                let first = code << (LOOKUP - length);
                let entries = single.get_mut(first as usize..)?;
                let entries = entries.get_mut(..1 << (LOOKUP - length))?;
                match split(symbol, is_dc) {
                    Some(symbol) => fill(entries, first, length, symbol),
                    None => entries.fill(Run::new(MEANINGLESS, 0, 0)),
                }
            }
            Some(())
        })?;
        let mut table = Self { pairs: single.clone(), single, skips: None, codes };
        if !is_dc {
            table.pair_up();
        }
        Some(table)
    }

    /// Joins each entry that leaves enough bits with the one that these bits give.
    fn pair_up(&mut self) {
        for ((at, pair), run) in self.pairs.iter_mut().enumerate().zip(self.single.iter()) {
            *pair = if run.is_ready() {
                let next = self.single[(at << run.length()) % LOOKUP_SIZE];
                run.followed_by(next).unwrap_or(*run)
            } else {
                run.to_nowhere()
            };
        }
    }

    /// Decodes a DC difference; `None` if there is no such code.
    #[inline(always)]
    pub(super) fn read_difference(&self, bits: &mut Bits<'_>) -> Option<i32> {
        Some(self.read_code(bits)?.first_value().into())
    }

    /// Decodes the AC coefficients of a block, in which they stand as `order` says. Returns how
    /// many coefficients there are with the first one, in the order of the file, up to the last
    /// one that is not zero; `None` if there is no such code or there are more than 64.
    #[inline(always)]
    pub(super) fn read_coefficients(
        &self,
        bits: &mut Bits<'_>,
        order: &[u8; 64],
        block: &mut [i16; 64],
    ) -> Option<usize> {
        let mut store = |at: usize, value| block[usize::from(order[at % 64]) % 64] = value;
        let mut at = 1;
        'codes: loop {
            bits.refill();
            let run = 'last: {
                for _ in 0..STEPS {
                    let run = self.pairs[bits.peek(LOOKUP) % LOOKUP_SIZE];
                    let next = at + run.advance();
                    if next >= 64 {
                        break 'last run;
                    }
                    bits.skip(run.length());
                    store(at + run.first(), run.first_value());
                    store(at + run.second(), run.second_value());
                    at = next;
                }
                continue 'codes;
            };
            let ends = run.ends_block(at);
            let run = if ends {
                bits.skip(run.length());
                run
            } else if run.is_ready() {
                self.read_code(bits)?
            } else {
                self.read_long(run, bits)?
            };
            if run.first() == END_OF_BLOCK {
                return Some(at);
            }
            at += run.first() + 1;
            if at > 64 {
                return None;
            }
            store(at - 1, run.first_value());
            if ends || at == 64 {
                return Some(at);
            }
        }
    }

    /// Passes over the AC coefficients of a block; `None` if there is no such code or there are
    /// too many.
    #[inline(always)]
    pub(super) fn skip_coefficients(&self, bits: &mut Bits<'_>) -> Option<()> {
        let Some(skips) = &self.skips else {
            return self.read_coefficients(bits, &[0; 64], &mut [0; 64]).map(|_| ());
        };
        let mut at = 1;
        'codes: loop {
            bits.refill();
            let skip = 'last: {
                for _ in 0..skips::STEPS {
                    let skip = skips.next(bits);
                    if at + skip.advance() >= 64 {
                        break 'last skip;
                    }
                    bits.skip(skip.length());
                    at += skip.advance();
                }
                continue 'codes;
            };
            if skip.ends_block(at) {
                bits.skip(skip.length());
                return Some(());
            }
            let run = self.read_code(bits)?;
            at += run.advance();
            if at >= 64 {
                return (at == 64 || run.first() == END_OF_BLOCK).then_some(());
            }
        }
    }

    /// Decodes one code; `None` if there is no such code.
    #[inline(always)]
    fn read_code(&self, bits: &mut Bits<'_>) -> Option<Run> {
        bits.refill();
        let run = self.single[bits.peek(LOOKUP) % LOOKUP_SIZE];
        if run.is_ready() {
            bits.skip(run.length());
            return Some(run);
        }
        self.read_long(run, bits)
    }

    /// Decodes the code whose entry is not ready.
    #[inline(always)]
    fn read_long(&self, entry: Run, bits: &mut Bits<'_>) -> Option<Run> {
        bits.refill();
        if entry.length() == MEANINGLESS {
            return None;
        }
        if entry.length() > 0 {
            bits.skip(entry.length() - WITHOUT_EXTRA);
            let size = entry.first_value() as u32;
            return Some(Run::new(0, entry.first() as u32, extend(bits.take(size), size)));
        }
        let (length, symbol) = self.codes.find(bits.peek(16) as u32, LOOKUP + 1)?;
        bits.skip(length);
        // Whether the table is for DC makes no difference here: such a symbol is below 16, and 0
        // has its value 0 either way.
        let (zeros, size) = split(symbol, false)?;
        Some(Run::new(0, zeros, extend(bits.take(size), size)))
    }
}

/// How many zeros a symbol stands for, and how many extra bits follow it.
fn split(symbol: u8, is_dc: bool) -> Option<(u32, u32)> {
    match (symbol >> 4, symbol & 15) {
        (0, size) if is_dc => Some((0, size.into())),
        (0, 0) => Some((END_OF_BLOCK as u32, 0)),
        // Without a coefficient there are sixteen zeros. Fewer end a band in progressive scans
        // and mean nothing in others.
        (0..15, 0) => None,
        (zeros, size) => Some((zeros.into(), size.into())),
    }
}

/// Writes all entries that start with a code of `length` bits. `first` is the lookup index of the
/// first of them.
fn fill(entries: &mut [Run], first: u32, length: u32, (zeros, size): (u32, u32)) {
    let total = length + size;
    for (at, entry) in entries.iter_mut().enumerate() {
        *entry = if total <= LOOKUP {
            let bits = ((first + at as u32) >> (LOOKUP - total)) & ((1 << size) - 1);
            Run::new(total, zeros, extend(bits, size))
        } else {
            Run::new(length | WITHOUT_EXTRA, zeros, size as i32)
        };
    }
}

/// The value that `size` extra bits stand for (T.81, figure F.12).
#[inline(always)]
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let half = (1_u32 << size) >> 1;
    let negative = i32::from(bits < half);
    bits as i32 - negative * ((1 << size) - 1)
}

#[cfg(test)]
mod tests;
