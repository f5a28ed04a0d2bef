//! From rows to codes.

use super::codes::put;
use super::{Codes, ProductQuantizer};
use crate::{Result, rows};
use ocelli_kernels::Rows;
use ocelli_kernels::nearest::{NearestIndex, Panel};
use rayon::prelude::*;

/// Rows that one thread encodes at a time.
const BLOCK: usize = 256;

/// Codebooks that are ready to search: what is made once for many calls.
#[derive(Debug)]
pub struct Encoder<'a> {
    quantizer: &'a ProductQuantizer,
    indexes: Vec<NearestIndex<'a>>,
}

impl ProductQuantizer {
    /// Prepares the codebooks for many calls.
    pub fn encoder(&self) -> Encoder<'_> {
        let index = |codebook: usize| {
            let centroids = self.codebook(codebook);
            NearestIndex::new(centroids, &rows::mean(centroids))
        };
        Encoder { quantizer: self, indexes: (0..self.codebooks).map(index).collect() }
    }

    /// The codes of rows: in each part of the columns the nearest centroid, of equal ones the first.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for rows of another width,
    /// [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn encode(&self, rows: Rows<'_>) -> Result<Codes> {
        self.encoder().encode(rows)
    }
}

impl Encoder<'_> {
    /// The codes of rows.
    ///
    /// # Errors
    /// As [`ProductQuantizer::encode`].
    pub fn encode(&self, rows: Rows<'_>) -> Result<Codes> {
        let quantizer = self.quantizer;
        quantizer.check_width(rows)?;
        rows::check(rows)?;
        let bytes_per_row = quantizer.bytes_per_row();
        let mut bytes = vec![0; rows.count() * bytes_per_row];
        bytes.par_chunks_mut(BLOCK * bytes_per_row).enumerate().for_each_init(
            || Panel::new(quantizer.part()),
            |panel, (block, bytes)| {
                self.encode_block(panel, rows.range(block * BLOCK, BLOCK), bytes);
            },
        );
        Codes::new(bytes, bytes_per_row, quantizer.checksum().to_owned())
    }

    fn encode_block(&self, panel: &mut Panel, rows: Rows<'_>, bytes: &mut [u8]) {
        let (part, bits) = (self.quantizer.part(), self.quantizer.bits);
        let mut codes = [0; BLOCK];
        let codes = &mut codes[..rows.count()];
        for (codebook, index) in self.indexes.iter().enumerate() {
            index.assign_with(panel, rows.columns(codebook * part, part), codes);
            let row_bytes = bytes.chunks_exact_mut(self.quantizer.bytes_per_row());
            for (row, code) in row_bytes.zip(&*codes) {
                if bits == 8 {
                    row[codebook] = *code as u8;
                } else {
                    put(row, codebook, bits, *code);
                }
            }
        }
    }
}
