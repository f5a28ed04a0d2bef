//! Memory that is used again.

/// Elements that are written in parts. Memory that is used again is not cleared.
#[derive(Debug, Default)]
pub(super) struct ReusedBuffer {
    pub(super) memory: Vec<f32>,
    used: usize,
}

impl ReusedBuffer {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// `count` more elements, to be written.
    pub(super) fn extend(&mut self, count: usize) -> &mut [f32] {
        let start = self.used;
        self.used += count;
        if self.memory.len() < self.used {
            self.memory.resize(self.used, 0.0);
        }
        &mut self.memory[start..self.used]
    }

    /// All that were written.
    pub(super) fn written(&self) -> &[f32] {
        &self.memory[..self.used]
    }
}
