//! From codes to rows.

use super::codes::get;
use super::{Codes, ProductQuantizer};
use crate::Result;
use ocelli_kernels::Rows;
use rayon::prelude::*;

/// Rows that one thread decodes at a time.
const BLOCK: usize = 512;

impl ProductQuantizer {
    /// The rows that codes stand for, `[count, width]`: centroids, side by side.
    ///
    /// # Errors
    /// [`Error::OtherCodebooks`](crate::Error::OtherCodebooks) for codes of other codebooks.
    pub fn decode(&self, codes: &Codes) -> Result<Vec<f32>> {
        let mut rows = vec![0.0; codes.count() * self.width];
        self.decode_into(codes, &mut rows)?;
        Ok(rows)
    }

    /// Writes the rows that codes stand for.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and [`Error::Shape`](crate::Error::Shape) when there is not as much
    /// room.
    pub fn decode_into(&self, codes: &Codes, rows: &mut [f32]) -> Result<()> {
        codes.check(self)?;
        let (found, expected) = (rows.len(), codes.count() * self.width);
        if found != expected {
            return Err(crate::Error::Shape { what: "values of decoded rows", found, expected });
        }
        let bytes = codes.bytes().par_chunks(BLOCK * self.bytes_per_row());
        rows.par_chunks_mut(BLOCK * self.width).zip(bytes).for_each(|(rows, bytes)| {
            // Copies of a length that is known when this is compiled are a few loads and stores.
            match self.part() {
                4 => self.decode_block::<4>(rows, bytes),
                8 => self.decode_block::<8>(rows, bytes),
                16 => self.decode_block::<16>(rows, bytes),
                32 => self.decode_block::<32>(rows, bytes),
                64 => self.decode_block::<64>(rows, bytes),
                _ => self.decode_any(rows, bytes),
            }
        });
        Ok(())
    }

    fn decode_block<const PART: usize>(&self, rows: &mut [f32], bytes: &[u8]) {
        let (centroids, _) = self.centroids.as_chunks::<PART>();
        let (parts, _) = rows.as_chunks_mut::<PART>();
        let rows = parts.chunks_exact_mut(self.codebooks);
        for (row, bytes) in rows.zip(bytes.chunks_exact(self.bytes_per_row())) {
            if self.bits == 8 {
                for ((part, code), book) in
                    row.iter_mut().zip(bytes).zip(centroids.chunks_exact(256))
                {
                    *part = book[usize::from(*code)];
                }
            } else {
                for (codebook, part) in row.iter_mut().enumerate() {
                    *part = centroids[(codebook << self.bits) + get(bytes, codebook, self.bits)];
                }
            }
        }
    }

    fn decode_any(&self, rows: &mut [f32], bytes: &[u8]) {
        let rows = rows.chunks_exact_mut(self.width);
        for (row, bytes) in rows.zip(bytes.chunks_exact(self.bytes_per_row())) {
            for (codebook, part) in row.chunks_exact_mut(self.part()).enumerate() {
                part.copy_from_slice(self.codebook(codebook).row(get(bytes, codebook, self.bits)));
            }
        }
    }

    /// The mean squared distance of rows to what their codes stand for.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn squared_error(&self, rows: Rows<'_>) -> Result<f64> {
        let codes = self.encode(rows)?;
        let mut total = 0.0;
        // Some rows at a time, so that memory does not grow with them.
        for (block, bytes) in codes.bytes().chunks(BLOCK * self.bytes_per_row()).enumerate() {
            let part = Codes::new(bytes.to_vec(), self.bytes_per_row(), self.checksum.clone())?;
            let decoded = self.decode(&part)?;
            for (row, decoded) in decoded.chunks_exact(self.width).enumerate() {
                let row = rows.row(block * BLOCK + row);
                total += ocelli_kernels::nearest::squared_distance(row, decoded);
            }
        }
        Ok(total / rows.count() as f64)
    }
}
