//! From a picture to the canvas: decode, cut out, resize.

use super::colours::{mix_colours, repeat_grey};
use super::frame::Frame;
use super::{Drawn, Scratch};
use crate::decode::Header;
use crate::{DecodeOptions, Format, Image, Payload, Result, decode};
use std::borrow::Cow;

/// How pictures are drawn on a canvas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    /// Height and width in pixels.
    pub(crate) size: u32,
    /// What the parts show that no picture covers.
    pub(crate) background: [u8; 3],
    pub(crate) decoding: DecodeOptions,
}

impl Canvas {
    /// Draws the part of `picture` that `frame` chooses, given its width and height, into
    /// `scratch`.
    pub(crate) fn draw(
        &self,
        picture: &Payload,
        frame: impl FnOnce(u32, u32) -> Frame,
        scratch: &mut Scratch,
    ) -> Result<()> {
        if let Some(header) = self.read_planes(picture, scratch)? {
            let frame = frame(header.frame.width, header.frame.height);
            return self.draw_planes(&header, &frame, scratch);
        }
        let image = self.image(picture)?;
        let frame = frame(image.width, image.height);
        self.draw_image(&image, &frame, scratch)
    }

    /// The header, if `picture` is a JPEG of which planes can be decoded.
    fn read_planes(&self, picture: &Payload, scratch: &mut Scratch) -> Result<Option<Header>> {
        let Payload::Encoded(bytes) = picture else { return Ok(None) };
        if Format::from_bytes(bytes)? != Format::Jpeg {
            return Ok(None);
        }
        let limits = &self.decoding.limits;
        limits.check_file(|| "the file".to_owned(), bytes.len() as u64)?;
        scratch.decoder.read(bytes, self.decoding.apply_orientation, limits)
    }

    fn draw_planes(&self, header: &Header, frame: &Frame, scratch: &mut Scratch) -> Result<()> {
        let Scratch { decoder, planes, canvas, part, drawn, .. } = scratch;
        let channels = if self.decoding.channels.count() == Some(1) { 1 } else { 3 };
        let decoded = decoder.decode(
            header,
            frame.resize.visible(),
            channels == 3,
            frame.resize.reduction(),
        )?;
        planes.run(&frame.resize, decoded)?;
        self.set_shape(canvas, channels);
        let covers = self.is_covered_by(frame);
        let has_colour = decoded.len() == 3;
        *drawn = if covers && has_colour { Drawn::Planes } else { Drawn::Pixels };
        let target = if covers { &mut canvas.pixels } else { &mut *part };
        let [luma, chroma @ ..] = &mut planes.resized;
        match (has_colour, channels) {
            (true, _) if covers => {}
            (true, _) => mix_colours(luma, chroma, target),
            (false, 1) => std::mem::swap(luma, target),
            (false, _) => repeat_grey(luma, target),
        }
        if !covers {
            self.paste(canvas, part, frame);
        }
        Ok(())
    }

    fn draw_image(&self, image: &Image, frame: &Frame, scratch: &mut Scratch) -> Result<()> {
        let Scratch { resizer, canvas, part, drawn, .. } = scratch;
        *drawn = Drawn::Pixels;
        let size = (image.width, image.height, image.channels);
        self.set_shape(canvas, image.channels);
        if self.is_covered_by(frame) {
            return frame.resize.run(resizer, size, &image.pixels, &mut canvas.pixels);
        }
        frame.resize.run(resizer, size, &image.pixels, part)?;
        self.paste(canvas, part, frame);
        Ok(())
    }

    fn image<'a>(&self, picture: &'a Payload) -> Result<Cow<'a, Image>> {
        match picture {
            Payload::Encoded(bytes) => decode(bytes, &self.decoding).map(Cow::Owned),
            Payload::Pixels(image) => {
                let channels = self.decoding.channels;
                Ok(if channels.count() == Some(image.channels) {
                    Cow::Borrowed(image)
                } else {
                    Cow::Owned(channels.convert(image.clone()))
                })
            }
        }
    }

    /// The pixels of a picture, as they are drawn from.
    pub(crate) fn decode(&self, picture: Payload) -> Result<Payload> {
        match picture {
            Payload::Encoded(bytes) => decode(&bytes, &self.decoding).map(Payload::Pixels),
            pixels @ Payload::Pixels(_) => Ok(pixels),
        }
    }

    fn is_covered_by(&self, frame: &Frame) -> bool {
        (frame.resize.width, frame.resize.height) == (self.size, self.size)
    }

    fn set_shape(&self, canvas: &mut Image, channels: u8) {
        canvas.width = self.size;
        canvas.height = self.size;
        canvas.channels = channels;
    }

    fn paste(&self, canvas: &mut Image, part: &[u8], frame: &Frame) {
        let channels = usize::from(canvas.channels);
        let stride = self.size as usize * channels;
        canvas.pixels.clear();
        let background = self.background.iter().take(channels).cycle();
        canvas.pixels.extend(background.take(stride * self.size as usize));
        let rows = canvas.pixels.chunks_exact_mut(stride).skip(frame.top as usize);
        for (target, row) in rows.zip(part.chunks_exact(frame.resize.width as usize * channels)) {
            target[frame.left as usize * channels..][..row.len()].copy_from_slice(row);
        }
    }
}
