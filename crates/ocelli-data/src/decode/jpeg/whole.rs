//! A whole picture, of any kind of file that is supported.
//!
//! Pixels are those of libjpeg-turbo with its usual settings, to the bit: the same inverse
//! transform in whole numbers, the same enlarging of chroma, the same mixing of colours. Tests
//! compare files of all kinds with what Pillow makes of them.
//!
//! The blocks of sequential scans are drawn as they come, whichever components a scan holds. Of
//! progressive files all coefficients are kept until the last scan is read.

mod enlarge;
mod idct;
mod progressive;
mod samples;

pub(super) use samples::Samples;

use super::bits::ScanData;
use super::colours::Model;
use super::coverage::Coverage;
use super::frame::Frame;
use super::huffman::{Tables, Wanted};
use super::reader::Reader;
use super::scan::Scan;
use super::sequential::{self, BY_ROWS, Order, Sink};
use crate::Result;
use enlarge::Enlarged;
use idct::Steps;
use progressive::Coefficients;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Decodes all scans of a file whose frame header was read.
///
/// # Errors
/// When the file is damaged.
pub(super) fn decode(mut reader: Reader<'_>, frame: &Frame) -> Result<Vec<Samples>> {
    let (mut data, mut tables) = (ScanData::default(), Tables::default());
    let mut coverage = Coverage::new(frame);
    let mut drawing = Drawing::new(frame);
    let mut coefficients = frame.is_progressive.then(|| Coefficients::new(frame));
    while let Some(scan) = reader.next_scan(frame)? {
        coverage.add(&scan, frame.is_progressive)?;
        for part in &scan.components {
            let steps =
                reader.definitions.quantisation(frame.components[part.index].quantisation)?;
            // The table at the first scan of a component is the one that holds for it.
            drawing.steps[part.index].get_or_insert_with(|| Steps::new(steps));
        }
        reader.scan_data(|rest| data.read(rest))?;
        if let Some(coefficients) = &mut coefficients {
            coefficients.add(&scan, &data, &reader.definitions)?;
        } else {
            tables.prepare(&scan, &reader.definitions, Wanted::All)?;
            sequential::decode(&scan, &data, &tables, &mut drawing)?;
        }
    }
    coverage.check_complete()?;
    if let Some(coefficients) = &coefficients {
        Arch::new().dispatch(DrawAll { coefficients, drawing: &mut drawing });
    }
    Ok(drawing.samples)
}

/// Grey pixels of a grey file, or RGB pixels.
pub(super) fn pixels(frame: &Frame, model: Model, samples: &[Samples], channels: u8) -> Vec<u8> {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let mut pixels = vec![0; width * height * usize::from(channels)];
    let mut rows: Vec<_> = frame
        .components
        .iter()
        .zip(samples)
        .map(|(component, samples)| Enlarged::new(frame, component, samples))
        .collect();
    Arch::new().dispatch(Mixing { rows: &mut rows, model, width, channels, pixels: &mut pixels });
    pixels
}

/// Draws the blocks of all components.
struct Drawing {
    samples: Vec<Samples>,
    steps: Vec<Option<Steps>>,
}

impl Drawing {
    fn new(frame: &Frame) -> Self {
        let samples = frame.components.iter().map(|component| Samples::new(frame, component));
        Self { samples: samples.collect(), steps: vec![None; frame.components.len()] }
    }
}

impl Sink for Drawing {
    const ORDER: &'static Order = &BY_ROWS;

    fn rows(&self, scan: &Scan) -> Range<usize> {
        0..scan.rows
    }

    #[inline(always)]
    fn wants(&self, _component: usize, _position: (usize, usize)) -> bool {
        true
    }

    #[inline(always)]
    fn draw(
        &mut self,
        component: usize,
        position: (usize, usize),
        block: &[i16; 64],
        limit: usize,
    ) {
        let Some(steps) = &self.steps[component] else { return };
        let rows = self.samples[component].block(position);
        if limit <= 1 {
            let value = idct::inverse_flat(block[0], steps);
            rows.take(8).for_each(|row| row.fill(value));
        } else {
            for (pixels, row) in idct::inverse(block, limit, steps).iter().zip(rows) {
                row.copy_from_slice(pixels);
            }
        }
    }
}

/// Draws what a progressive file has sent.
struct DrawAll<'a> {
    coefficients: &'a Coefficients,
    drawing: &'a mut Drawing,
}

impl WithSimd for DrawAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (component, position, block) in self.coefficients.blocks() {
            self.drawing.draw(component, position, block, progressive::limit(block));
        }
    }
}

/// From the samples of all components to pixels.
struct Mixing<'a, 'b> {
    rows: &'a mut [Enlarged<'b>],
    model: Model,
    width: usize,
    channels: u8,
    pixels: &'a mut [u8],
}

impl WithSimd for Mixing<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { rows, model, width, channels, pixels } = self;
        for (y, pixels) in pixels.chunks_exact_mut(width * usize::from(channels)).enumerate() {
            for component in rows.iter_mut() {
                component.prepare(y);
            }
            let ready: [&[u8]; 4] = std::array::from_fn(|component| {
                rows.get(component).map_or(&[][..], |component| component.row(y))
            });
            if channels == 1 {
                pixels.copy_from_slice(&ready[0][..width]);
            } else {
                model.mix(&ready[..rows.len()], pixels.as_chunks_mut().0);
            }
        }
    }
}
