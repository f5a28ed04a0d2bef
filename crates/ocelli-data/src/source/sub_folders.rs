//! Images in folders inside of class folders.
//!
//! Everything below a class folder is of its class, at any depth, in a folder and in a tar. That is said,
//! because a folder too many above the classes would make one class of them all.

use super::{Split, notice};

/// The images that lie deeper than `CLASS/NAME.ext`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SubFolders {
    /// How many there are.
    pub(super) count: u64,
    /// The first of them, as `CLASS/SUB/NAME.ext`.
    pub(super) example: Option<String>,
}

impl SubFolders {
    /// Counts so many images, the first of which has this name.
    pub(super) fn add(&mut self, count: u64, name: impl FnOnce() -> String) {
        if count > 0 {
            self.count += count;
            self.example.get_or_insert_with(name);
        }
    }

    /// Says how many there are, if there are any.
    pub(super) fn tell(&self, dataset: impl FnOnce() -> String) {
        let Some(example) = &self.example else { return };
        let images = match self.count {
            1 => "1 image lies in a folder inside its class folder".to_owned(),
            count => format!("{count} images lie in folders inside their class folders"),
        };
        notice::once(&format!("{}: {images}, as {example}", dataset()));
    }
}

/// Why `class` is probably no class, where all of its images lie in sub-folders: they would be the classes
/// of a part.
pub(super) fn looks_like_a_part(class: &str) -> Option<String> {
    let is_part = [Split::Train, Split::Test].iter().any(|split| split.names().contains(&class));
    is_part.then(|| {
        format!(
            "`{class}` is called as a part of a dataset and holds folders alone; expected \
             CLASS/NAME.ext of one part"
        )
    })
}
