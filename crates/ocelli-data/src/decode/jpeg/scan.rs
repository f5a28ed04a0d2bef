//! The header of a scan (T.81, B.2.3): which components, which coefficients, in which grid.

use super::frame::Frame;
use super::refusal::bad;
use crate::Result;

/// What the header of a scan says.
#[derive(Debug)]
pub(super) struct Scan {
    /// In the order in which their blocks follow each other in an MCU.
    pub(super) components: Vec<ScanComponent>,
    /// MCUs across.
    pub(super) columns: usize,
    /// MCUs down.
    pub(super) rows: usize,
    /// MCUs between two restart markers; 0 if there are none.
    pub(super) restart_interval: usize,
    pub(super) band: Band,
}

/// One component of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanComponent {
    /// Its index in the frame.
    pub(super) index: usize,
    /// Blocks per MCU.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Indices of its Huffman tables: 0 to 3 and 4 to 7.
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

/// Which bits of which coefficients a progressive scan holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// The first and the last coefficient, in the order of the file.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The bit to which the scan before came, or 0 if there was none.
    pub(super) high: u8,
    /// The bit to which this scan comes.
    pub(super) low: u8,
}

/// The most blocks of an MCU (T.81, B.2.3).
const MAX_BLOCKS: usize = 10;

impl Scan {
    /// # Errors
    /// When the header is damaged.
    pub(super) fn read(header: &[u8], frame: &Frame, restart_interval: usize) -> Result<Self> {
        let damaged = || bad("the header of a scan has a wrong length");
        let (count, content) = header.split_first().ok_or_else(damaged)?;
        let (selectors, band) =
            content.split_at_checked(2 * usize::from(*count)).ok_or_else(damaged)?;
        let [first, last, bits] = *band else { return Err(damaged()) };
        let mut components: Vec<ScanComponent> = Vec::new();
        for [id, tables] in selectors.as_chunks().0 {
            let is_new = |index: &usize| components.iter().all(|other| other.index != *index);
            let index = (0..frame.components.len())
                .filter(|index| frame.components[*index].id == *id)
                .find(is_new)
                .ok_or_else(|| bad(&format!("a scan of component {id}, which is not there")))?;
            components.push(ScanComponent::new(frame, index, *tables)?);
        }
        let (columns, rows) = match &mut components[..] {
            [] => return Err(bad("a scan of no component")),
            [single] => {
                (single.across, single.down) = (1, 1);
                frame.blocks_of(&frame.components[single.index])
            }
            _ => frame.mcus(),
        };
        let blocks: usize = components.iter().map(|part| part.across * part.down).sum();
        if blocks > MAX_BLOCKS {
            return Err(bad(&format!("MCUs of {blocks} blocks, expected at most {MAX_BLOCKS}")));
        }
        let band = Band { first: first.into(), last: last.into(), high: bits >> 4, low: bits & 15 };
        // Some sequential files have zeros there: it is always all bits of all coefficients.
        if frame.is_progressive {
            band.check(components.len())?;
        }
        Ok(Self { components, columns, rows, restart_interval, band })
    }
}

impl ScanComponent {
    fn new(frame: &Frame, index: usize, tables: u8) -> Result<Self> {
        let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        if dc > 3 || ac > 3 {
            return Err(bad(&format!("Huffman tables {dc} and {ac} of a scan, expected 0 to 3")));
        }
        let component = &frame.components[index];
        let (across, down) = (component.across, component.down);
        Ok(Self { index, across, down, dc_table: dc, ac_table: 4 + ac })
    }
}

impl Band {
    /// T.81, G.1.1.1.
    fn check(self, components: usize) -> Result<()> {
        let Self { first, last, high, low } = self;
        let is_band = match first {
            0 => last == 0,
            _ => first <= last && last < 64 && components == 1,
        };
        if is_band && low < 14 && (high == 0 || high == low + 1) {
            return Ok(());
        }
        Err(bad(&format!("a scan of coefficients {first} to {last}, bits {high} to {low}")))
    }
}
