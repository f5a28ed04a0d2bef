//! Files packed by gzip, to their ends.
//!
//! A gzip file is a row of members (RFC 1952, section 2.2), of which parallel compressors and
//! appended files make several; what they unpack to is one content. Zeros may follow, with which
//! tapes and some copies are padded.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, BufReader, Read, Result};

/// Unpacks all members.
pub(super) struct Unpacker<R: Read> {
    /// The member under way; none after the last.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Unpacker<R> {
    pub(super) fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(packed))) }
    }
}

impl<R: Read> Read for Unpacker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let len = member.read(buffer)?;
            if len > 0 {
                return Ok(len);
            }
            let Some(member) = self.member.take() else { break };
            let mut rest = member.into_inner();
            skip_zeros(&mut rest)?;
            if !rest.fill_buf()?.is_empty() {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

fn skip_zeros(reader: &mut impl BufRead) -> Result<()> {
    loop {
        let available = reader.fill_buf()?;
        let zeros = available.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        reader.consume(zeros);
    }
}
