//! Huffman tables (T.81, annexes C and F).
//!
//! What takes the time of a decoder is that a code can only be looked up when the one before is
//! known. So one look-up here gives up to two codes together with their extra bits.
//!
//! A block that is full has no end-of-block code: what follows its last coefficient is the next
//! block, which has another table. If two codes were read across that border, the step is taken
//! back and one code is read instead.

use super::bits::Bits;

/// Bits that are looked up in one step.
const LOOKUP: u32 = 11;
const LOOKUP_SIZE: usize = 1 << LOOKUP;
/// In the length of an entry: the extra bits are not part of it.
const WITHOUT_EXTRA: u32 = 0x80;
/// The run of an end-of-block code: past the last coefficient from anywhere.
pub(super) const END_OF_BLOCK: usize = 64;

/// Up to two coefficients, packed into 64 bits: where the first and the second stand after the
/// current place in the block (both the same if there is one), how many places both take, and
/// their values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Run(u64);

impl Run {
    fn new(length: u32, zeros: u32, value: i32) -> Self {
        let advance = if zeros as usize == END_OF_BLOCK { zeros } else { zeros + 1 };
        let places = length | zeros << 8 | zeros << 16 | advance << 24;
        let value = u64::from(value as u16);
        Self(u64::from(places) | value << 32 | value << 48)
    }

    /// This run and the one after it, if both are ready and short enough.
    fn followed_by(self, next: Self) -> Option<Self> {
        let length = self.length() + next.length();
        let ends = self.first() == END_OF_BLOCK || next.length() >= WITHOUT_EXTRA;
        if ends || next.length() == 0 || length > LOOKUP {
            return None;
        }
        let (first, advance) = (self.first() as u32, (self.advance() + next.advance()) as u32);
        // An end of block is no coefficient: the first one is written twice instead.
        let (second, value) = if next.first() == END_OF_BLOCK {
            (first, self.first_value())
        } else {
            (first + 1 + next.first() as u32, next.first_value())
        };
        let places = length | first << 8 | second << 16 | advance << 24;
        let values = u64::from(self.first_value() as u16) | u64::from(value as u16) << 16;
        Some(Self(u64::from(places) | values << 32))
    }

    #[inline(always)]
    fn length(self) -> u32 {
        (self.0 & 0xff) as u32
    }

    /// Zeros before the first coefficient, or [`END_OF_BLOCK`].
    #[inline(always)]
    pub(super) fn first(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// Places before the second coefficient.
    #[inline(always)]
    pub(super) fn second(self) -> usize {
        (self.0 >> 16 & 0xff) as usize
    }

    /// Places to the next run.
    #[inline(always)]
    pub(super) fn advance(self) -> usize {
        (self.0 >> 24 & 0xff) as usize
    }

    #[inline(always)]
    pub(super) fn first_value(self) -> i16 {
        (self.0 >> 32) as i16
    }

    #[inline(always)]
    pub(super) fn second_value(self) -> i16 {
        (self.0 >> 48) as i16
    }
}

/// A Huffman table, ready for decoding.
///
/// An entry of a lookup is a [`Run`]; or, with [`WITHOUT_EXTRA`] in its length, a code whose
/// value is the number of extra bits; or 0 at the start of a longer code.
#[derive(Clone, Debug)]
pub(super) struct Table {
    single: Box<[Run; LOOKUP_SIZE]>,
    /// The same, and where two codes fit, both.
    pairs: Box<[Run; LOOKUP_SIZE]>,
    /// For each length, the first 16 bits that are no code of up to this length.
    limits: [u32; 17],
    /// For each length, what to add to a code to get its place among the symbols.
    offsets: [i32; 17],
    symbols: Vec<u8>,
    /// The definition, to recognise the same table in the next file.
    definition: Vec<u8>,
}

impl Table {
    /// Whether this is the table that `definition` describes.
    pub(super) fn is(&self, definition: &[u8]) -> bool {
        self.definition == definition
    }

    /// Builds a table from the 16 counts and the symbols of a DHT segment; `None` when the counts
    /// are impossible.
    pub(super) fn new(definition: &[u8], is_dc: bool) -> Option<Self> {
        let (counts, symbols) = definition.split_at_checked(16)?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        if total > 256 || symbols.len() != total {
            return None;
        }
        let mut table = Self {
            single: Box::new([Run::default(); LOOKUP_SIZE]),
            pairs: Box::new([Run::default(); LOOKUP_SIZE]),
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
            definition: definition.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offsets[length as usize] = place as i32 - code as i32;
            for symbol in &symbols[place..place + count] {
                let symbol = split(*symbol, is_dc)?;
                if length <= LOOKUP {
                    let first = (code as usize) << (LOOKUP - length);
                    let entries = table.single.get_mut(first..first + (1 << (LOOKUP - length)))?;
                    fill(entries, first, length, symbol);
                }
                code += 1;
            }
            if code > 1 << length {
                return None;
            }
            place += count;
            table.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        if !is_dc {
            table.pair_up();
        }
        Some(table)
    }

    /// Joins each entry that leaves enough bits with the one that these bits give.
    fn pair_up(&mut self) {
        for ((at, pair), run) in self.pairs.iter_mut().enumerate().zip(self.single.iter()) {
            *pair = *run;
            if (1..LOOKUP).contains(&run.length()) {
                let next = self.single[(at << run.length()) % LOOKUP_SIZE];
                *pair = run.followed_by(next).unwrap_or(*run);
            }
        }
    }

    /// Decodes a DC difference; `None` if there is no such code. 32 bits must be available.
    #[inline(always)]
    pub(super) fn decode_difference(&self, bits: &mut Bits<'_>) -> Option<i32> {
        let run = self.look_up(&self.single, bits)?;
        Some(run.first_value().into())
    }

    /// Decodes one or two codes of a block of which `at` coefficients (less than 64) are known;
    /// `None` if there is no such code. 32 bits must be available.
    #[inline(always)]
    pub(super) fn decode(&self, at: usize, bits: &mut Bits<'_>) -> Option<Run> {
        let start = bits.mark();
        let run = self.look_up(&self.pairs, bits)?;
        if at + run.first() == 63 && run.advance() > run.first() + 1 {
            bits.return_to(start);
            return self.look_up(&self.single, bits);
        }
        Some(run)
    }

    #[inline(always)]
    fn look_up(&self, lookup: &[Run; LOOKUP_SIZE], bits: &mut Bits<'_>) -> Option<Run> {
        let run = lookup[bits.peek(LOOKUP) % LOOKUP_SIZE];
        if run.length().wrapping_sub(1) < WITHOUT_EXTRA - 1 {
            bits.skip(run.length());
            return Some(run);
        }
        self.decode_long(run, bits)
    }

    #[inline(always)]
    fn decode_long(&self, entry: Run, bits: &mut Bits<'_>) -> Option<Run> {
        if entry.length() > 0 {
            bits.skip(entry.length() - WITHOUT_EXTRA);
            let value = extra(bits, entry.first_value() as u32);
            return Some(Run::new(0, entry.first() as u32, value));
        }
        let code = bits.peek(16) as u32;
        let length = (LOOKUP + 1..=16).find(|length| code < self.limits[*length as usize])?;
        let place = (code >> (16 - length)) as i32 + self.offsets[length as usize];
        let symbol = *self.symbols.get(usize::try_from(place).ok()?)?;
        bits.skip(length);
        // Whether the table is for DC makes no difference here: such a symbol is below 16, and 0
        // has its value 0 either way.
        let (zeros, size) = split(symbol, false)?;
        Some(Run::new(0, zeros, extra(bits, size)))
    }
}

/// How many zeros a symbol stands for, and how many extra bits follow it.
fn split(symbol: u8, is_dc: bool) -> Option<(u32, u32)> {
    match symbol {
        // A DC difference has up to 11 bits in 8-bit images.
        _ if is_dc => (symbol < 12).then_some((0, symbol.into())),
        0 => Some((END_OF_BLOCK as u32, 0)),
        _ => Some(((symbol >> 4).into(), (symbol & 15).into())),
    }
}

/// Writes all entries that start with a code of `length` bits. `first` is the lookup index of the
/// first of them.
fn fill(entries: &mut [Run], first: usize, length: u32, (zeros, size): (u32, u32)) {
    let total = length + size;
    for (at, entry) in entries.iter_mut().enumerate() {
        *entry = if total <= LOOKUP {
            let bits = ((first + at) as u32 >> (LOOKUP - total)) & ((1 << size) - 1);
            Run::new(total, zeros, extend(bits, size))
        } else {
            Run::new(length | WITHOUT_EXTRA, zeros, size as i32)
        };
    }
}

#[inline(always)]
fn extra(bits: &mut Bits<'_>, size: u32) -> i32 {
    // Shifting by 64 is not defined, so the bits are taken from 32.
    let value = (bits.peek(32) as u64 >> (32 - size)) as u32;
    bits.skip(size);
    extend(value, size)
}

/// The value that `size` extra bits stand for (T.81, figure F.12).
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    let half = (1_u32 << size) >> 1;
    let negative = i32::from(bits < half);
    bits as i32 - negative * ((1 << size) - 1)
}

#[cfg(test)]
mod tests {
    use super::super::bits::ScanData;
    use super::*;

    /// Codes 0, 10, 110 and a long one of 12 bits: 111111111110.
    fn table(symbols: [u8; 4], is_dc: bool) -> Option<Table> {
        let mut definition = vec![1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        definition.extend(symbols);
        Table::new(&definition, is_dc)
    }

    /// Zeros and value of each coefficient; the end of a block is (64, 0).
    fn decoded(table: &Table, bytes: &[u8]) -> Vec<(usize, i16)> {
        let mut data = ScanData::default();
        data.read(&[bytes, &[0xff, 0xd9]].concat()).unwrap();
        let mut bits = data.runs().next().unwrap();
        let mut symbols = Vec::new();
        while symbols.len() < 3 {
            bits.refill();
            let Some(run) = table.decode(0, &mut bits) else { break };
            if run.first() < END_OF_BLOCK {
                symbols.push((run.first(), run.first_value()));
                if run.second() > run.first() {
                    symbols.push((run.second() - run.first() - 1, run.second_value()));
                }
            }
            if run.advance() >= END_OF_BLOCK {
                symbols.push((END_OF_BLOCK, 0));
            }
        }
        symbols.truncate(3);
        symbols
    }

    #[test]
    fn codes_give_runs_and_signed_values() {
        let table = table([0x12, 0x00, 0x0a, 0x31], false).unwrap();
        // 0·11 is one zero and 3; 10 ends the block; 0·01 is one zero and −2.
        assert_eq!(decoded(&table, &[0b0111_0001, 0]), [(1, 3), (64, 0), (1, -2)]);
        // The same value twice is found in one step.
        assert_eq!(decoded(&table, &[0b0110_1110, 0]), [(1, 3), (1, 3), (64, 0)]);
        // 110 and ten bits do not fit the lookup: 1000000001 is 513.
        assert_eq!(decoded(&table, &[0b1101_0000, 0b0000_1101, 0x0f])[..2], [(0, 513), (64, 0)]);
        // 1110 0000 0000·1 is the long code: its prefix has no entry.
        assert_eq!(decoded(&table, &[0b1110_0000, 0b0000_1000])[0], (3, 1));
    }

    #[test]
    fn impossible_tables_and_codes_are_refused() {
        assert!(table([0, 1, 2, 12], true).is_none());
        assert!(Table::new(&[3; 16], false).is_none());
        let mut crowded = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        crowded.extend([1, 2, 3]);
        assert!(Table::new(&crowded, false).is_none());
        let table = table([0x12, 0x00, 0x0a, 0x31], false).unwrap();
        assert!(decoded(&table, &[0b1111_1111, 0, 0b1111_1111, 0]).is_empty());
    }

    #[test]
    fn extra_bits_are_signed_as_the_standard_says() {
        let values: Vec<i32> = (0..8).map(|bits| extend(bits, 3)).collect();
        assert_eq!(values, [-7, -6, -5, -4, 4, 5, 6, 7]);
        assert_eq!(extend(0, 0), 0);
    }
}
