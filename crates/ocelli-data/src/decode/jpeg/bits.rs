//! The entropy-coded bits of a scan.

use super::damage::Damage;

/// Zero bytes after each run of data, so that eight bytes can always be read at once.
const PADDING: usize = 16;

/// How many bits a refill makes available.
pub(super) const REFILLED: u32 = 56;

/// What may follow the last block before a marker ends the data, in bytes. Encoders fill the last
/// byte with ones, and some write a byte or two more.
const FILL: usize = 4;

/// The data of a scan without stuffed bytes, cut at its restart markers.
#[derive(Debug, Default)]
pub(super) struct ScanData {
    bytes: Vec<u8>,
    /// Start and end of each run of data between two restart markers.
    runs: Vec<(usize, usize)>,
    /// The restart markers, of which each ends a run; the last run has none.
    markers: Vec<u8>,
}

impl ScanData {
    /// Takes over the scan at the start of `data`, up to the next marker that ends a scan.
    /// Returns how long the scan is, or `None` when no marker ends it.
    pub(super) fn read(&mut self, data: &[u8]) -> Option<usize> {
        self.bytes.clear();
        self.runs.clear();
        self.markers.clear();
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
                marker @ 0xd0..=0xd7 => {
                    self.bytes.extend_from_slice(&data[copied..at]);
                    copied = at + 2;
                    self.markers.push(*marker);
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

    /// The bits of each run of data, of which there should be `count`.
    ///
    /// # Errors
    /// When restart markers are missing, out of order, or too many. One more after the last run
    /// is no damage: nothing follows it.
    pub(super) fn runs(&self, count: usize) -> Result<impl Iterator<Item = Bits<'_>>, Damage> {
        let (runs, after) = self.runs.split_at_checked(count).ok_or(Damage::Restart)?;
        let markers = self.markers.iter().take(count.saturating_sub(1)).enumerate();
        let is_in_order = |(at, marker): (usize, &u8)| usize::from(marker & 7) == at % 8;
        let nothing_follows = after.iter().all(|(start, end)| end - start <= FILL);
        if after.len() > 1 || !nothing_follows || !markers.into_iter().all(is_in_order) {
            return Err(Damage::Restart);
        }
        Ok(runs.iter().map(|(start, end)| Bits {
            bytes: &self.bytes[..end + PADDING],
            next: *start,
            end: *end,
            buffer: 0,
            count: 0,
        }))
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
    /// Makes at least [`REFILLED`] bits available: one code of any length with its extra bits, or several
    /// short ones. Without a branch, because no processor could predict it.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = self.bytes.get(self.next..).and_then(|rest| rest.first_chunk::<8>());
        let word = word.map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.buffer |= word >> self.count;
        self.next += (63 - self.count) as usize / 8;
        self.count |= REFILLED;
    }

    /// The next `count` bits (1 to 32) without passing over them.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.buffer >> (64 - count)) as usize
    }

    /// Passes over `count` bits of those made available.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.buffer <<= count % 64;
        self.count = self.count.wrapping_sub(count);
    }

    /// The next `count` bits (0 to 31) of those made available, which are passed over.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        // Shifting by 64 is not defined, so the bits are taken from 32.
        let value = (self.peek(32) as u64 >> (32 - count)) as u32;
        self.skip(count);
        value
    }

    /// How many bytes were read, at least in part.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.next.saturating_sub(self.count as usize / 8)
    }

    /// What is wrong when a block could not be read: bits that are no code, or no bits any more.
    #[inline(always)]
    pub(super) fn fault(&self) -> Damage {
        if self.position() > self.end { Damage::Early } else { Damage::Code }
    }

    /// Checks that the last block was where the data ends.
    ///
    /// # Errors
    /// When more bits were read than there are, or when more than the usual fill is left.
    #[inline(always)]
    pub(super) fn check_end(&self) -> Result<(), Damage> {
        match self.end.checked_sub(self.position()) {
            None => Err(Damage::Early),
            Some(0..=FILL) => Ok(()),
            Some(bytes) => Err(Damage::Late(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(scan: &[u8]) -> ScanData {
        let mut data = ScanData::default();
        assert_eq!(data.read(scan), Some(scan.len() - 2));
        data
    }

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
        let data = data(&[0b1010_0110, 0x0f, 0xff, 0xd9]);
        let mut bits = data.runs(1).unwrap().next().unwrap();
        bits.refill();
        assert_eq!(bits.peek(3), 0b101);
        bits.skip(3);
        assert_eq!(bits.peek(9), 0b0_0110_0000);
        bits.skip(8);
        assert_eq!(bits.take(5), 0x0f);
        assert_eq!(bits.check_end(), Ok(()));
        bits.refill();
        assert_eq!(bits.take(1), 0);
        assert_eq!((bits.check_end(), bits.fault()), (Err(Damage::Early), Damage::Early));
    }

    #[test]
    fn data_after_the_last_block_is_noticed() {
        let mut scan = vec![0; FILL + 2];
        scan.extend([0xff, 0xd9]);
        let data = data(&scan);
        let mut bits = data.runs(1).unwrap().next().unwrap();
        bits.refill();
        bits.skip(1);
        assert_eq!(bits.check_end(), Err(Damage::Late(FILL + 1)));
        bits.skip(8);
        assert_eq!(bits.check_end(), Ok(()));
    }

    #[test]
    fn restart_markers_must_follow_each_other() {
        let scan = |markers: &[u8]| {
            let runs = markers.iter().flat_map(|marker| [7, 0xff, *marker]);
            data(&runs.chain([7, 0xff, 0xd9]).collect::<Vec<u8>>())
        };
        let in_order = [0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd0];
        assert!(scan(&in_order).runs(10).is_ok());
        assert!(scan(&in_order).runs(11).is_err());
        // One at the end is an encoder's habit, two are data that nobody asked for.
        assert!(scan(&in_order).runs(9).is_ok());
        assert!(scan(&in_order).runs(8).is_err());
        assert!(scan(&[0xd0, 0xd2]).runs(3).is_err());
        assert!(scan(&[0xd1]).runs(2).is_err());
    }
}
