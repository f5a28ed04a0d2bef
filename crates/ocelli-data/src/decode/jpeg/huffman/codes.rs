//! The codes of a table: a number of codes of each length, counted upwards (T.81, annex C).

/// What is needed to find a code of any length.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    /// For each length, the first 16 bits that are no code of up to this length.
    limits: [u32; 17],
    /// For each length, what to add to a code to get its index among the symbols.
    offsets: [i32; 17],
    /// The 16 counts and the symbols, as they stand in the file.
    pub(super) definition: Vec<u8>,
}

impl Codes {
    /// Hands each code, its length and its symbol to `take`; `None` when the counts are impossible
    /// or `take` refuses a symbol.
    pub(super) fn new(
        definition: &[u8],
        mut take: impl FnMut(u32, u32, u8) -> Option<()>,
    ) -> Option<Self> {
        let (counts, symbols) = definition.split_at_checked(16)?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        if total > 256 || symbols.len() != total {
            return None;
        }
        let (mut limits, mut offsets) = ([0; 17], [0; 17]);
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            offsets[length as usize] = index as i32 - code as i32;
            if code + count as u32 > 1 << length {
                return None;
            }
            for symbol in &symbols[index..index + count] {
                take(code, length, *symbol)?;
                code += 1;
            }
            index += count;
            limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(Self { limits, offsets, definition: definition.to_vec() })
    }

    /// The code of at least `shortest` bits that these 16 bits start with: its length and its
    /// symbol.
    #[inline(always)]
    pub(super) fn find(&self, code: u32, shortest: u32) -> Option<(u32, u8)> {
        let length = (shortest..=16).find(|length| code < self.limits[*length as usize])?;
        let index = (code >> (16 - length)) as i32 + self.offsets[length as usize];
        let symbol = self.definition.get(16 + usize::try_from(index).ok()?)?;
        Some((length, *symbol))
    }
}
