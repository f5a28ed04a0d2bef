//! Writes PyTorch checkpoints, in the format before zips: pickles, then the storages.

use burn::tensor::Device;
use ocelli::nn::registry::{self, ModelOptions};
use ocelli::nn::weights::{StateDict, state_dict};
use ocelli::random::Seed;

/// The tensors of a network of three classes for images of `channels` channels.
pub(crate) fn tensors(arch: &str, channels: usize, seed: u64) -> StateDict {
    let model = registry::find(arch).unwrap();
    let options = ModelOptions { num_classes: 3, in_channels: channels, ..ModelOptions::default() };
    let network = model.network(&options, Seed(seed), &Device::flex()).unwrap();
    state_dict(&network).unwrap()
}

/// A checkpoint under construction: one dictionary, with others in it.
pub(crate) struct Checkpoint {
    pickle: Vec<u8>,
    storages: Vec<Vec<f32>>,
}

impl Checkpoint {
    pub(crate) fn new() -> Self {
        Self { pickle: b"\x80\x02}(".to_vec(), storages: Vec::new() }
    }

    /// Adds a dictionary of tensors, whose names begin with `prefix`.
    pub(crate) fn section(mut self, key: &str, prefix: &str, tensors: &StateDict) -> Self {
        self.text(key);
        self.pickle.extend(b"}(");
        self = self.tensors(prefix, tensors);
        self.pickle.push(b'u');
        self
    }

    /// Adds tensors to the outer dictionary.
    pub(crate) fn tensors(mut self, prefix: &str, tensors: &StateDict) -> Self {
        for entry in tensors.iter() {
            let name = format!("{prefix}{}", entry.name());
            self.tensor(&name, entry.shape(), entry.values().unwrap());
        }
        self
    }

    /// Adds a tensor of one number, as the best accuracy, to the outer dictionary.
    pub(crate) fn scalar(mut self, name: &str, value: f32) -> Self {
        self.tensor(name, &[], vec![value]);
        self
    }

    /// Adds a value that is pickled as these bytes.
    pub(crate) fn raw(mut self, key: &str, value: &[u8]) -> Self {
        self.text(key);
        self.pickle.extend(value);
        self
    }

    /// The file.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        self.pickle.extend(b"u.");
        let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
        file.extend(b"\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s.");
        file.extend(&self.pickle);
        self.pickle = b"\x80\x02](".to_vec();
        (0..self.storages.len()).for_each(|key| self.text(&key.to_string()));
        self.pickle.extend(b"e.");
        file.extend(&self.pickle);
        for values in &self.storages {
            file.extend((values.len() as u64).to_le_bytes());
            file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        file
    }

    fn tensor(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.text(name);
        self.pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.pickle.extend(b"ctorch\nFloatStorage\n");
        self.text(&self.storages.len().to_string());
        self.text("cpu");
        self.int(values.len());
        self.pickle.extend(b"tQK\0");
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product());
        self.ints(shape.iter().copied());
        self.ints(strides);
        self.pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.push(values);
    }

    fn text(&mut self, text: &str) {
        self.pickle.push(b'X');
        self.pickle.extend((text.len() as u32).to_le_bytes());
        self.pickle.extend(text.as_bytes());
    }

    fn int(&mut self, value: usize) {
        self.pickle.push(b'J');
        self.pickle.extend((value as u32).to_le_bytes());
    }

    fn ints(&mut self, values: impl Iterator<Item = usize>) {
        self.pickle.push(b'(');
        values.for_each(|value| self.int(value));
        self.pickle.push(b't');
    }
}
