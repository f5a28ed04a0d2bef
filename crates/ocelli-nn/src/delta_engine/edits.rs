//! Candidates of an attack: an image with some pixels changed.

use crate::{Error, Result};
use std::ops::Range;

/// A pixel that gets another value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelEdit<'a> {
    /// The line of the image, from the top.
    pub row: usize,
    /// The position within the line, from the left.
    pub column: usize,
    /// The new value of each channel, in the units that the network takes: normalised.
    pub value: &'a [f32],
}

/// Candidates: for each the pixels in which it differs from the base image.
///
/// ```
/// use ocelli_nn::{EditBatch, PixelEdit};
///
/// let mut edits = EditBatch::new([3, 32, 32]);
/// edits.push([PixelEdit { row: 4, column: 7, value: &[1.0, -1.0, 0.5] }])?;
/// edits.push([])?;
/// assert_eq!(edits.len(), 2);
/// # Ok::<(), ocelli_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EditBatch {
    image: [usize; 3],
    /// The end of each candidate's edits.
    ends: Vec<usize>,
    pixels: Vec<[usize; 2]>,
    /// `[edits, channels]`
    values: Vec<f32>,
}

impl EditBatch {
    /// No candidates yet, of an image `[channels, height, width]`.
    pub fn new(image: [usize; 3]) -> Self {
        Self { image, ends: Vec::new(), pixels: Vec::new(), values: Vec::new() }
    }

    /// Forgets all candidates and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.pixels.clear();
        self.values.clear();
    }

    /// Adds a candidate. Of several edits of one pixel the last counts; without edits it is the base
    /// image.
    ///
    /// # Errors
    /// [`Error::Edit`] when a pixel is not in the image or has another number of channels. The
    /// candidate is not added then.
    pub fn push<'a>(&mut self, edits: impl IntoIterator<Item = PixelEdit<'a>>) -> Result<()> {
        let [channels, height, width] = self.image;
        let start = self.pixels.len();
        for PixelEdit { row, column, value } in edits {
            if row >= height || column >= width || value.len() != channels {
                self.pixels.truncate(start);
                self.values.truncate(start * channels);
                let (pixel, values) = ([row, column], value.len());
                return Err(Error::Edit { pixel, values, image: self.image });
            }
            self.pixels.push([row, column]);
            self.values.extend_from_slice(value);
        }
        self.ends.push(self.pixels.len());
        Ok(())
    }

    /// How many candidates there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// `[channels, height, width]` of the image.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// The edits of one candidate.
    ///
    /// # Panics
    /// When there is no such candidate.
    pub fn candidate(&self, candidate: usize) -> impl Iterator<Item = PixelEdit<'_>> {
        let channels = self.image[0];
        self.range(candidate).map(move |edit| {
            let [row, column] = self.pixels[edit];
            PixelEdit { row, column, value: &self.values[edit * channels..][..channels] }
        })
    }

    /// How many edits a candidate has.
    ///
    /// # Panics
    /// When there is no such candidate.
    pub fn count(&self, candidate: usize) -> usize {
        self.range(candidate).len()
    }

    fn range(&self, candidate: usize) -> Range<usize> {
        let start = candidate.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[candidate]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_that_does_not_fit_is_not_added() -> Result<()> {
        let mut edits = EditBatch::new([1, 4, 5]);
        let good = PixelEdit { row: 3, column: 4, value: &[1.0] };
        edits.push([good, good])?;
        for bad in [
            PixelEdit { row: 4, ..good },
            PixelEdit { column: 5, ..good },
            PixelEdit { value: &[1.0; 3], ..good },
        ] {
            assert!(matches!(edits.push([good, bad]), Err(Error::Edit { .. })));
        }
        assert_eq!((edits.len(), edits.count(0), edits.candidate(0).count()), (1, 2, 2));
        edits.push([])?;
        assert_eq!(edits.count(1), 0);
        edits.push([good])?;
        assert_eq!(edits.candidate(2).collect::<Vec<_>>(), [good]);
        Ok(())
    }
}
