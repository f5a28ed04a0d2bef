//! The entropy-coded bits of a scan.

/// Zero bytes after each run of data, so that eight bytes can always be read at once.
const PADDING: usize = 16;

/// The data of a scan without stuffed bytes, cut at its restart markers.
#[derive(Debug, Default)]
pub(super) struct ScanData {
    bytes: Vec<u8>,
    /// Start and end of each run of data between two restart markers.
    runs: Vec<(usize, usize)>,
}

impl ScanData {
    /// Takes over the scan at the start of `data`, up to the next marker that ends a scan.
    /// Returns how long the scan is, or `None` when no marker ends it.
    pub(super) fn read(&mut self, data: &[u8]) -> Option<usize> {
        self.bytes.clear();
        self.runs.clear();
        let (mut copied, mut start) = (0, 0);
        for at in memchr::memchr_iter(0xff, data) {
            if at < copied {
                continue;
            }
            match data.get(at + 1)? {
                // A stuffed byte: the 0xff is data, the zero is not.
                0 => {
                    self.bytes.extend_from_slice(&data[copied..=at]);
                    copied = at + 2;
                }
                // Fill before a marker.
                0xff => {
                    self.bytes.extend_from_slice(&data[copied..at]);
                    copied = at + 1;
                }
                0xd0..=0xd7 => {
                    self.bytes.extend_from_slice(&data[copied..at]);
                    copied = at + 2;
                    start = self.end_run(start);
                }
                _ => {
                    self.bytes.extend_from_slice(&data[copied..at]);
                    self.end_run(start);
                    return Some(at);
                }
            }
        }
        None
    }

    fn end_run(&mut self, start: usize) -> usize {
        self.runs.push((start, self.bytes.len()));
        self.bytes.resize(self.bytes.len() + PADDING, 0);
        self.bytes.len()
    }

    /// The bits of each run of data.
    pub(super) fn runs(&self) -> impl Iterator<Item = Bits<'_>> {
        self.runs.iter().map(|(start, end)| Bits {
            bytes: &self.bytes[..end + PADDING],
            next: *start,
            end: *end,
            buffer: 0,
            count: 0,
        })
    }
}

/// A reader of bits, most significant first.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not in the buffer.
    next: usize,
    /// Where the data ends and the padding starts.
    end: usize,
    /// The next `count` bits, at its upper end; below them are more of the same stream.
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    /// Makes at least 32 bits available: the longest code and its extra bits.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        let word = self.bytes.get(self.next..).and_then(|rest| rest.first_chunk::<8>());
        let word = word.map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.buffer |= word >> self.count;
        let added = (63 - self.count) / 8;
        self.next += added as usize;
        self.count += 8 * added;
    }

    /// The next `count` bits (1 to 32) without passing over them.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.buffer >> (64 - count)) as usize
    }

    /// Passes over `count` bits of those made available.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// A place to return to, until the next refill.
    #[inline(always)]
    pub(super) fn mark(&self) -> (u64, u32) {
        (self.buffer, self.count)
    }

    /// Makes the bits since the mark available again.
    #[inline(always)]
    pub(super) fn return_to(&mut self, mark: (u64, u32)) {
        (self.buffer, self.count) = mark;
    }

    /// Whether more bits were read than there are.
    pub(super) fn is_overrun(&self) -> bool {
        self.next.saturating_sub(self.count as usize / 8) > self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_bytes_and_restart_markers_are_taken_out() {
        let mut data = ScanData::default();
        let scan = [1, 0xff, 0, 2, 0xff, 0xd0, 3, 0xff, 0xff, 0xd1, 4, 0xff, 0xd9, 9];
        assert_eq!(data.read(&scan), Some(11));
        let runs: Vec<&[u8]> = data.runs.iter().map(|(from, to)| &data.bytes[*from..*to]).collect();
        assert_eq!(runs, [&[1, 0xff, 2][..], &[3], &[4]]);
        assert_eq!(data.read(&scan[..11]), None);
        assert_eq!(data.read(&scan[..12]), None);
    }

    #[test]
    fn bits_come_most_significant_first_and_an_overrun_is_noticed() {
        let mut data = ScanData::default();
        data.read(&[0b1010_0110, 0x0f, 0xff, 0xd9]);
        let mut bits = data.runs().next().unwrap();
        bits.refill();
        assert_eq!(bits.peek(3), 0b101);
        bits.skip(3);
        assert_eq!(bits.peek(9), 0b0_0110_0000);
        bits.skip(13);
        assert!(!bits.is_overrun());
        for _ in 0..40 {
            bits.refill();
            bits.skip(20);
        }
        assert!(bits.is_overrun());
    }
}
