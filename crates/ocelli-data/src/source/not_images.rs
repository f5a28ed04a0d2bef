//! Files in class folders that are no samples.

use super::notice;

/// The files in class folders that are no images by their extension: captions and boxes, but also
/// images in a format that is not known here. They are counted so that none is lost unnoticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotImages {
    /// How many there are.
    pub count: u64,
    /// One of them, as `CLASS/NAME`.
    pub example: Option<String>,
}

impl NotImages {
    /// Counts a file.
    pub(super) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        self.example.get_or_insert_with(name);
    }

    /// Those of two parts together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, example: self.example.or(other.example) }
    }

    /// Says how many there are, if there are any.
    pub(super) fn tell(&self, dataset: impl FnOnce() -> String) {
        let Some(example) = &self.example else { return };
        let files = match self.count {
            1 => "1 file that is no image".to_owned(),
            count => format!("{count} files that are no images"),
        };
        notice::once(&format!("{}: {files}, as in {example}", dataset()));
    }
}
