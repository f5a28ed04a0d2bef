//! Writes pickles for tests, hostile ones too.

/// The opcodes of a pickle under construction.
#[derive(Clone, Default)]
pub(in crate::weights) struct Tape(pub(in crate::weights) Vec<u8>);

impl Tape {
    /// An empty pickle of protocol 2, which PyTorch writes.
    pub(in crate::weights) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub(in crate::weights) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(in crate::weights) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(in crate::weights) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(in crate::weights) fn int(self, value: i32) -> Self {
        self.raw(b"J").raw(&value.to_le_bytes())
    }

    pub(in crate::weights) fn ints(self, values: &[i32]) -> Self {
        values.iter().fold(self.raw(b"("), |tape, value| tape.int(*value)).raw(b"t")
    }

    /// A `FloatStorage` in the file, under `key`.
    pub(in crate::weights) fn storage(self, key: &str, elements: i32) -> Self {
        self.raw(b"(")
            .text("storage")
            .global("torch", "FloatStorage")
            .text(key)
            .text("cpu")
            .int(elements)
            .raw(b"tQ")
    }

    /// A tensor of a `FloatStorage`.
    pub(in crate::weights) fn tensor(
        self,
        (key, elements): (&str, i32),
        offset: i32,
        shape: &[i32],
        strides: &[i32],
    ) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"(")
            .storage(key, elements)
            .int(offset)
            .ints(shape)
            .ints(strides)
            .raw(b"\x89")
            .global("collections", "OrderedDict")
            .raw(b")RtR")
    }

    /// Ends the pickle.
    pub(in crate::weights) fn stop(self) -> Vec<u8> {
        self.raw(b".").0
    }
}
