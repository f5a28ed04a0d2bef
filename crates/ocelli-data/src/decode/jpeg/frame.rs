//! The frame header (T.81, B.2.2): the size of the picture and of its components.

use super::markers::{END_OF_IMAGE, START_OF_SCAN, Segment, Walk};
use super::refusal::bad;
use crate::Result;

/// What the frame header says.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    pub(super) is_progressive: bool,
    /// One, three or four.
    pub(super) components: Vec<Component>,
}

/// One component of the frame.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors: blocks per MCU, across and down, where components are interleaved.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Which quantisation table it has.
    pub(super) quantisation: usize,
}

/// Reads up to the frame header only.
pub(super) fn read_size(bytes: &[u8]) -> Result<(u32, u32)> {
    let mut walk = Walk::new(bytes);
    loop {
        let segment = walk.next()?;
        if Frame::is_header(segment.marker) {
            let frame = Frame::read(&segment)?;
            return Ok((frame.width, frame.height));
        }
        if matches!(segment.marker, START_OF_SCAN | END_OF_IMAGE) {
            return Err(bad("no frame header before the image data"));
        }
    }
}

impl Frame {
    /// SOF0 to SOF15, without the three of that range that are DHT, JPG and DAC.
    pub(super) fn is_header(marker: u8) -> bool {
        matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
    }

    /// # Errors
    /// When the header is damaged, or of a kind that is not supported.
    pub(super) fn read(segment: &Segment<'_>) -> Result<Self> {
        match segment.marker {
            0xc0..=0xc2 => {}
            0xc3 | 0xc7 | 0xcb | 0xcf => return Err(bad("lossless coding is not supported")),
            0xc5 | 0xc6 => return Err(bad("hierarchical coding is not supported")),
            _ => return Err(bad("arithmetic coding is not supported")),
        }
        let [precision, h1, h0, w1, w0, count, components @ ..] = segment.content else {
            return Err(bad("the frame header is too short"));
        };
        if *precision != 8 {
            return Err(bad(&format!("samples of {precision} bits are not supported, only of 8")));
        }
        let width = u16::from_be_bytes([*w1, *w0]);
        let height = u16::from_be_bytes([*h1, *h0]);
        if width == 0 || height == 0 {
            return Err(bad("the frame header gives no width or no height"));
        }
        if !matches!(count, 1 | 3 | 4) || components.len() != 3 * usize::from(*count) {
            return Err(bad(&format!("{count} components, expected 1, 3 or 4")));
        }
        let components = components
            .as_chunks()
            .0
            .iter()
            .copied()
            .map(Component::read)
            .collect::<Result<Vec<_>>>()?;
        let mut frame = Self {
            width: width.into(),
            height: height.into(),
            is_progressive: segment.marker == 0xc2,
            components,
        };
        frame.check_sampling()?;
        Ok(frame)
    }

    fn check_sampling(&mut self) -> Result<()> {
        // A single component is never interleaved, whatever its factors are.
        if let [single] = &mut self.components[..] {
            (single.across, single.down) = (1, 1);
        }
        let (across, down) = self.largest_sampling();
        let divides = |component: &Component| {
            across.is_multiple_of(component.across) && down.is_multiple_of(component.down)
        };
        if self.components.iter().all(divides) {
            return Ok(());
        }
        let factors: Vec<String> = self
            .components
            .iter()
            .map(|component| format!("{}×{}", component.across, component.down))
            .collect();
        let factors = factors.join(", ");
        Err(bad(&format!("sampling factors {factors}, of which one is no multiple of another")))
    }

    /// The largest sampling factors of any component, across and down.
    pub(super) fn largest_sampling(&self) -> (usize, usize) {
        let largest =
            |factor: fn(&Component) -> usize| self.components.iter().map(factor).max().unwrap_or(1);
        (largest(|component| component.across), largest(|component| component.down))
    }

    /// MCUs across and down, where all components are interleaved.
    pub(super) fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.largest_sampling();
        ((self.width as usize).div_ceil(8 * across), (self.height as usize).div_ceil(8 * down))
    }

    /// How many pixels of the image one sample of `component` covers, across and down.
    pub(super) fn scale_of(&self, component: &Component) -> (usize, usize) {
        let (across, down) = self.largest_sampling();
        (across / component.across, down / component.down)
    }

    /// The samples of `component` that belong to the picture, across and down (T.81, A.1.1).
    pub(super) fn samples_of(&self, component: &Component) -> (usize, usize) {
        let (scale_x, scale_y) = self.scale_of(component);
        ((self.width as usize).div_ceil(scale_x), (self.height as usize).div_ceil(scale_y))
    }

    /// The blocks of `component` that hold them, across and down.
    pub(super) fn blocks_of(&self, component: &Component) -> (usize, usize) {
        let (width, height) = self.samples_of(component);
        (width.div_ceil(8), height.div_ceil(8))
    }

    /// The blocks of `component` in whole MCUs, across and down.
    pub(super) fn padded_blocks_of(&self, component: &Component) -> (usize, usize) {
        let (columns, rows) = self.mcus();
        (columns * component.across, rows * component.down)
    }

    /// Refuses a frame that a file of so many bytes cannot fill, before memory is taken for it.
    ///
    /// # Errors
    /// When there is less than a bit for a block; a sequential block takes two.
    pub(super) fn check_length(&self, bytes: usize) -> Result<()> {
        let blocks: usize = self
            .components
            .iter()
            .map(|component| self.blocks_of(component))
            .map(|(across, down)| across * down)
            .sum();
        let bits = if self.is_progressive { blocks } else { 2 * blocks };
        if bits.div_ceil(8) <= bytes {
            return Ok(());
        }
        let (width, height) = (self.width, self.height);
        Err(bad(&format!(
            "{bytes} bytes are too few for the {width}×{height} pixels of its header"
        )))
    }
}

impl Component {
    fn read([id, sampling, quantisation]: [u8; 3]) -> Result<Self> {
        let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
        let quantisation = usize::from(quantisation);
        if !matches!((across, down), (1..=4, 1..=4)) {
            return Err(bad(&format!("sampling factors {across}×{down}, expected 1 to 4")));
        }
        if quantisation > 3 {
            return Err(bad(&format!("quantisation table {quantisation}, expected 0 to 3")));
        }
        Ok(Self { id, across, down, quantisation })
    }
}
