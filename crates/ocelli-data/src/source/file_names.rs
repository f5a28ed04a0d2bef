//! Many names of files in little memory.

/// Many short names in two allocations.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    bytes: String,
    ends: Vec<usize>,
}

impl FileNames {
    pub(super) fn new(names: &[String]) -> Self {
        let mut packed = Self { bytes: names.concat(), ends: Vec::with_capacity(names.len()) };
        let mut end = 0;
        packed.ends.extend(names.iter().map(|name| {
            end += name.len();
            end
        }));
        packed
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}
