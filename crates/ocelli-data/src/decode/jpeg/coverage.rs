//! Which bits of which coefficients the scans of a file have sent.

use super::damage::Damage;
use super::frame::Frame;
use super::scan::Scan;

/// Notes what each scan sends: all bits of all coefficients of all components, each once.
///
/// A file that lacks its last scans would still show a picture, but a blurred one, and nothing else
/// tells it from a file that was cut between two scans.
#[derive(Debug)]
pub(super) struct Coverage {
    /// For each coefficient of each component, the lowest bit that was sent.
    lowest: Vec<[Option<u8>; 64]>,
}

impl Coverage {
    pub(super) fn new(frame: &Frame) -> Self {
        Self { lowest: vec![[None; 64]; frame.components.len()] }
    }

    /// # Errors
    /// When the scan sends something twice, or refines what was not sent before.
    pub(super) fn add(&mut self, scan: &Scan, is_progressive: bool) -> Result<(), Damage> {
        let band = scan.band;
        let (coefficients, before, now) = if is_progressive {
            (band.first..=band.last, (band.high > 0).then_some(band.high), band.low)
        } else {
            (0..=63, None, 0)
        };
        for component in &scan.components {
            for lowest in &mut self.lowest[component.index][coefficients.clone()] {
                if *lowest != before {
                    return Err(Damage::Twice);
                }
                *lowest = Some(now);
            }
        }
        Ok(())
    }

    /// # Errors
    /// When something was not sent.
    pub(super) fn check_complete(&self) -> Result<(), Damage> {
        let is_complete = self.lowest.iter().flatten().all(|lowest| *lowest == Some(0));
        if is_complete { Ok(()) } else { Err(Damage::Incomplete) }
    }
}
