//! Tables that give bare symbols, for progressive scans: what extra bits mean depends on the scan
//! there.

use super::super::bits::Bits;
use super::codes::Codes;

/// Bits that are looked up in one step.
const LOOKUP: u32 = 9;

/// A Huffman table, ready for decoding a progressive scan.
#[derive(Debug)]
pub(crate) struct SymbolTable {
    /// Length and symbol of each short code; the length is 0 at the start of a longer one.
    short: [(u8, u8); 1 << LOOKUP],
    codes: Codes,
}

impl SymbolTable {
    /// Builds a table from the 16 counts and the symbols of a DHT segment; `None` when the counts
    /// are impossible.
    pub(crate) fn new(definition: &[u8]) -> Option<Self> {
        let mut short = [(0, 0); 1 << LOOKUP];
        let codes = Codes::new(definition, |code, length, symbol| {
            if length <= LOOKUP {
                let first = (code << (LOOKUP - length)) as usize;
                let entries = short.get_mut(first..first + (1 << (LOOKUP - length)))?;
                entries.fill((length as u8, symbol));
            }
            Some(())
        })?;
        Some(Self { short, codes })
    }

    /// Decodes a symbol; `None` if there is no such code. 16 bits must be available.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let (length, symbol) = self.short[bits.peek(LOOKUP) % (1 << LOOKUP)];
        let (length, symbol) = match length {
            0 => self.codes.find(bits.peek(16) as u32, LOOKUP + 1)?,
            length => (length.into(), symbol),
        };
        bits.skip(length);
        Some(symbol)
    }
}
