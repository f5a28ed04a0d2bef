//! One pass over the headers of a tar, past the contents.

use super::super::storage::Storage;
use super::header::{BLOCK, Blocks, Found, Kind, Member, read_member};
use crate::{Error, Result};

/// Bytes read at a time: many headers of small members, little waste before large ones.
const WINDOW: u64 = 16 << 10;

/// The most padding after the end mark. Writers pad to a few kilobytes, tapes to some megabytes.
const MOST_PADDING: u64 = 64 << 20;

/// Gives the members of a tar in their order, and an error where the tar is damaged or cut.
pub(super) struct Scanner<'a> {
    blocks: Blocks<'a>,
    position: u64,
    last: Option<String>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(storage: &'a Storage) -> Self {
        Self { blocks: Blocks::new(storage, WINDOW), position: 0, last: None }
    }

    /// The next member, or `None` after the end mark.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        let length = self.blocks.storage().len();
        let member = match read_member(&mut self.blocks, self.position)? {
            Found::Member(member) => member,
            Found::End(offset) => return self.check_end(offset).map(|()| None),
            Found::Cut(_, offset) if offset == length => {
                return Err(self.cut("the end mark", offset));
            }
            Found::Cut(what, offset) => return Err(self.cut(what, offset)),
        };
        if member.data + member.size > length {
            return Err(self.cut("a member", member.header));
        }
        self.position = member.end();
        if member.kind == Kind::File {
            self.last = Some(member.display());
        }
        Ok(Some(member))
    }

    /// `len` bytes of the content of `member`, which the caller knows to be small.
    pub(super) fn content(&mut self, member: &Member) -> Result<Vec<u8>> {
        match self.blocks.bytes(member.data, member.size)? {
            Some(content) => Ok(content.to_vec()),
            None => Err(self.cut("a member", member.header)),
        }
    }

    /// After the end mark there is only padding. Anything else would be samples that are passed
    /// over in silence: archives joined end to end.
    fn check_end(&mut self, mark: u64) -> Result<()> {
        let length = self.blocks.storage().len();
        let mut offset = mark;
        if length - mark > MOST_PADDING {
            let path = self.blocks.storage().path().to_owned();
            return Err(Error::TarPadding { path, padding: length - mark, most: MOST_PADDING });
        }
        while offset < length {
            let len = BLOCK.min(length - offset);
            let rest = self.blocks.bytes(offset, len)?.unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte != 0) {
                let path = self.blocks.storage().path().to_owned();
                return Err(Error::TarTrailing { path, offset: offset + at as u64 });
            }
            offset += len;
        }
        Ok(())
    }

    fn cut(&self, what: &'static str, offset: u64) -> Error {
        Error::TarCut {
            path: self.blocks.storage().path().to_owned(),
            what,
            offset,
            length: self.blocks.storage().len(),
            last: self.last.clone(),
        }
    }
}
