//! The images of a dataset as the network sees them, before they are normalised.

use crate::Result;
use ocelli_data::{
    Channels, DecodeOptions, EvalConfig, EvalTransform, Image, InputConfig, Limits, Payload,
    Scratch, Source, Transform, decode,
};
use ocelli_random::{Purpose, Seed};
use std::sync::Arc;

/// Images that can be attacked: as large as the network's input, in bytes.
pub struct Pictures {
    source: Arc<dyn Source>,
    /// What becomes of a picture before the model sees it, if anything does.
    prepared: Option<(EvalTransform, InputConfig)>,
}

/// An image with its class.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What the dataset calls it.
    pub name: String,
    /// Its class.
    pub label: u32,
    /// Further classes of it.
    pub others: Vec<u32>,
    /// Its pixels.
    pub image: Image,
}

impl Pictures {
    /// The images of `source`, prepared as a network expects.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn new(source: Arc<dyn Source>, input: &InputConfig, eval: EvalConfig) -> Result<Self> {
        let transform = EvalTransform::new(input.clone(), eval)?;
        Ok(Self { source, prepared: Some((transform, input.clone())) })
    }

    /// The same with other limits on what is decoded.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        let prepared =
            self.prepared.map(|(transform, input)| (transform.with_limits(limits), input));
        Self { prepared, ..self }
    }

    /// The images of `source` as they are, of any height, width and number of channels, for a model that
    /// takes them so.
    pub fn as_they_are(source: Arc<dyn Source>) -> Self {
        Self { source, prepared: None }
    }

    /// Where the images come from.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The image at `index` of the dataset.
    ///
    /// # Errors
    /// When it cannot be read, or has no label.
    pub fn read(&self, index: u64) -> Result<Picture> {
        let record = self.source.read(index)?;
        let label = record.required_label()?;
        let as_stored = DecodeOptions { channels: Channels::AsStored, ..DecodeOptions::default() };
        let image = match &self.prepared {
            Some((transform, input)) => prepare(transform, input, &record.payload),
            None => match record.payload {
                Payload::Pixels(image) => Ok(image),
                Payload::Encoded(bytes) => decode(&bytes, &as_stored),
            },
        };
        let image = image.map_err(|error| error.of_sample(record.name.clone()))?;
        Ok(Picture { name: record.name, label, others: record.others, image })
    }
}

/// The bytes of a picture that has gone through `transform`.
fn prepare(
    transform: &EvalTransform,
    input: &InputConfig,
    payload: &Payload,
) -> ocelli_data::Result<Image> {
    let [channels, height, width] = transform.shape();
    let mut planes = vec![0.0; channels * height * width];
    // Evaluation draws no random number.
    let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
    transform.apply(payload, &mut random, &mut Scratch::default(), &mut planes)?;
    let mut image = Image {
        width: width as u32,
        height: height as u32,
        channels: channels as u8,
        pixels: vec![0; planes.len()],
    };
    // Normalisation keeps bytes apart, so that they can be read out of it again.
    let scales = input.scale_and_offset();
    for (channel, plane) in planes.chunks_exact((height * width).max(1)).enumerate() {
        let (scale, offset) = scales[channel];
        let bytes = image.pixels.iter_mut().skip(channel).step_by(channels);
        bytes.zip(plane).for_each(|(byte, value)| *byte = ((value - offset) / scale).round() as u8);
    }
    Ok(image)
}
