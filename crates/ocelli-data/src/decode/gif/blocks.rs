//! The blocks of a GIF file, up to its first frame and to its end.

use super::super::input::Input;
use super::refusal::{bad, cut};
use crate::Result;

const EXTENSION: u8 = b'!';
const FRAME: u8 = b',';
const END: u8 = b';';
const GRAPHIC_CONTROL: u8 = 0xf9;

/// The first frame, before its pixels.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    /// Width and height of the screen that the file gives.
    screen: (u32, u32),
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) interlaced: bool,
    /// Its own colours, or those of the file: red, green, blue.
    pub(super) palette: &'a [u8],
    /// The number of the transparent colour.
    pub(super) transparent: Option<u8>,
    /// How many bits the first codes of its data have.
    pub(super) code_size: u8,
}

impl<'a> Frame<'a> {
    /// Reads up to the data of the first frame, and gives that and what follows.
    pub(super) fn read(bytes: &'a [u8]) -> Result<(Self, Input<'a>)> {
        let mut input = Input(bytes);
        let missing = || cut(bytes.len());
        let mut frame = Self::default();
        input.take(6).ok_or_else(missing)?;
        frame.read_screen(&mut input).ok_or_else(missing)?;
        loop {
            match input.u8().ok_or_else(missing)? {
                FRAME => {
                    frame.read_descriptor(&mut input).ok_or_else(missing)?;
                    if frame.width == 0 || frame.height == 0 {
                        return Err(bad("the first frame has no pixels"));
                    }
                    return Ok((frame, input));
                }
                EXTENSION => frame.read_extension(&mut input).ok_or_else(missing)?,
                END => return Err(bad("there is no frame")),
                // Like Pillow and browsers, anything else is passed over.
                _ => {}
            }
        }
    }

    /// Width and height of the canvas, which holds the frame even if the screen does not.
    pub(super) fn canvas(&self) -> (u32, u32) {
        (self.screen.0.max(self.left + self.width), self.screen.1.max(self.top + self.height))
    }

    fn read_screen(&mut self, input: &mut Input<'a>) -> Option<()> {
        self.screen = (input.u16()?.into(), input.u16()?.into());
        let [flags, _background, _aspect] = input.array()?;
        self.read_palette(flags, input)
    }

    fn read_descriptor(&mut self, input: &mut Input<'a>) -> Option<()> {
        (self.left, self.top) = (input.u16()?.into(), input.u16()?.into());
        (self.width, self.height) = (input.u16()?.into(), input.u16()?.into());
        let flags = input.u8()?;
        self.interlaced = flags & 0x40 != 0;
        self.read_palette(flags, input)?;
        self.code_size = input.u8()?;
        Some(())
    }

    fn read_palette(&mut self, flags: u8, input: &mut Input<'a>) -> Option<()> {
        if flags & 0x80 != 0 {
            self.palette = input.take(3 << ((flags & 7) + 1))?;
        }
        Some(())
    }

    fn read_extension(&mut self, input: &mut Input<'a>) -> Option<()> {
        let label = input.u8()?;
        let (content, rest) = joined(*input)?;
        *input = rest;
        if let (GRAPHIC_CONTROL, [flags, _, _, transparent, ..]) = (label, &content[..])
            && flags & 1 != 0
        {
            self.transparent = Some(*transparent);
        }
        Some(())
    }
}

/// The content of sub-blocks up to the empty one, and what follows; `None` if they are cut off.
pub(super) fn joined(mut input: Input<'_>) -> Option<(Vec<u8>, Input<'_>)> {
    let mut content = Vec::new();
    loop {
        let length = input.u8()?;
        if length == 0 {
            return Some((content, input));
        }
        content.extend_from_slice(input.take(length.into())?);
    }
}

/// Looks for the end mark behind the first frame; `None` if the file ends before.
pub(super) fn find_end(mut input: Input<'_>) -> Option<()> {
    let mut later = Frame::default();
    loop {
        match input.u8()? {
            END => return Some(()),
            EXTENSION => later.read_extension(&mut input)?,
            FRAME => {
                later.read_descriptor(&mut input)?;
                input = joined(input)?.1;
            }
            _ => {}
        }
    }
}
