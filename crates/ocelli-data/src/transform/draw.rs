//! From a picture to the canvas: decode, cut out, resize.

use super::Scratch;
use super::frame::Frame;
use crate::{DecodeOptions, Image, Payload, Result, decode};
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
    /// Draws the part of `picture` that `frame` chooses, given its width and height, on the
    /// canvas of `scratch`.
    pub(crate) fn draw(
        &self,
        picture: &Payload,
        frame: impl FnOnce(u32, u32) -> Frame,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let image = self.image(picture)?;
        let Frame { resize, left, top } = frame(image.width, image.height);
        let Scratch { resizer, canvas, part } = scratch;
        canvas.width = self.size;
        canvas.height = self.size;
        canvas.channels = image.channels;
        let size = (image.width, image.height, image.channels);
        if (resize.width, resize.height) == (self.size, self.size) {
            return resize.run(resizer, size, &image.pixels, &mut canvas.pixels);
        }
        resize.run(resizer, size, &image.pixels, part)?;
        self.paste(canvas, part, resize.width as usize, (left as usize, top as usize));
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

    fn paste(&self, canvas: &mut Image, part: &[u8], width: usize, (left, top): (usize, usize)) {
        let channels = usize::from(canvas.channels);
        let stride = self.size as usize * channels;
        canvas.pixels.clear();
        let background = self.background.iter().take(channels).cycle();
        canvas.pixels.extend(background.take(stride * self.size as usize));
        let rows = canvas.pixels.chunks_exact_mut(stride).skip(top);
        for (target, row) in rows.zip(part.chunks_exact(width * channels)) {
            target[left * channels..][..row.len()].copy_from_slice(row);
        }
    }
}
