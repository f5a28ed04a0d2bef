//! The bytes of a pickle, counted and bounded.

use super::{PickleError, PickleFault};
use std::io::Read;

/// Reads a pickle and knows how far it got.
pub(super) struct Input<'a, R> {
    reader: &'a mut R,
    consumed: u64,
    limit: u64,
}

impl<'a, R: Read> Input<'a, R> {
    pub(super) fn new(reader: &'a mut R, limit: u64) -> Self {
        Self { reader, consumed: 0, limit }
    }

    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    pub(super) fn fail(&self, fault: PickleFault) -> PickleError {
        PickleError { offset: self.consumed, fault }
    }

    /// Reads `length` bytes. Memory grows with what is really there, not with what is claimed.
    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, PickleError> {
        if length > self.limit - self.consumed {
            return Err(self.fail(PickleFault::TooLong(self.limit)));
        }
        let mut bytes = Vec::new();
        let read = self.reader.take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.fail(PickleFault::Io(error.to_string())))?;
        if (read as u64) < length {
            return Err(self.fail(PickleFault::Truncated));
        }
        self.consumed += length;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        if N as u64 > self.limit - self.consumed {
            return Err(self.fail(PickleFault::TooLong(self.limit)));
        }
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.fail(PickleFault::Truncated),
            _ => self.fail(PickleFault::Io(error.to_string())),
        })?;
        self.consumed += N as u64;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, PickleError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, PickleError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, PickleError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self, length: u64) -> Result<String, PickleError> {
        let bytes = self.bytes(length)?;
        String::from_utf8(bytes).map_err(|_| self.fail(PickleFault::Text))
    }

    /// Text up to a line feed.
    pub(super) fn line(&mut self) -> Result<String, PickleError> {
        let mut bytes = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| self.fail(PickleFault::Text))
    }
}
