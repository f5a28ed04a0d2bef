//! The folder of the class folders, as the folders of all images tell it.

/// A folder in which class folders lie. Its path is empty where they lie at the top.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Root {
    path: Vec<u8>,
}

impl Root {
    /// The deepest folder that holds the folders of all images and no image itself; `None` where there is
    /// no image.
    pub(super) fn from_image_folders<'a>(
        image_folders: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Option<Self> {
        let mut folders = image_folders.clone();
        let mut common = folders.next()?;
        for folder in folders {
            common = common_folder(common, folder);
        }
        if image_folders.into_iter().any(|folder| folder == common) {
            common = parent(common);
        }
        Some(Self { path: common.to_vec() })
    }

    /// Whether this is the folder of the class folders.
    pub(super) fn is(&self, folder: &[u8]) -> bool {
        self.path == folder
    }

    /// The path of a folder from here; `None` for this one and what lies elsewhere.
    pub(super) fn below<'a>(&self, folder: &'a [u8]) -> Option<&'a [u8]> {
        let below = if self.path.is_empty() {
            folder
        } else {
            folder.strip_prefix(self.path.as_slice())?.strip_prefix(b"/")?
        };
        (!below.is_empty()).then_some(below)
    }

    /// The class of what lies in a folder.
    pub(super) fn class_of<'a>(&self, folder: &'a [u8]) -> Option<&'a [u8]> {
        self.below(folder)?.split(|byte| *byte == b'/').next()
    }
}

/// The deepest folder that holds both, or is one of them.
fn common_folder<'a>(one: &'a [u8], other: &[u8]) -> &'a [u8] {
    let mut end = 0;
    for (part, of_other) in one.split(|byte| *byte == b'/').zip(other.split(|byte| *byte == b'/')) {
        if part != of_other {
            break;
        }
        end += part.len() + usize::from(end > 0);
    }
    &one[..end]
}

fn parent(folder: &[u8]) -> &[u8] {
    let slash = folder.iter().rposition(|byte| *byte == b'/');
    &folder[..slash.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(folders: &[&str]) -> String {
        let root =
            Root::from_image_folders(folders.iter().map(|folder| folder.as_bytes())).unwrap();
        String::from_utf8(root.path).unwrap()
    }

    #[test]
    fn classes_begin_where_the_paths_of_images_part() {
        assert_eq!(root(&["a", "b"]), "");
        assert_eq!(root(&["a"]), "", "one class");
        assert_eq!(root(&["set/train/a"]), "set/train");
        assert_eq!(root(&["set/train/a", "set/train/b/deep/er"]), "set/train");
        assert_eq!(root(&["a", "a/more"]), "", "an image lies in `a` itself");
        assert_eq!(root(&["x/a/one", "x/a/two", "x/b"]), "x");
        assert_eq!(root(&["ab/c", "a/c"]), "", "`a` is no folder of `ab`");
        assert!(Root::from_image_folders([].into_iter()).is_none());
    }

    #[test]
    fn the_class_is_the_first_folder_below() {
        let root = Root { path: b"set".to_vec() };
        assert_eq!(root.class_of(b"set/a/more/deep"), Some(&b"a"[..]));
        assert_eq!(root.below(b"set/a/more"), Some(&b"a/more"[..]));
        assert_eq!((root.class_of(b"set"), root.class_of(b"settle/a")), (None, None));
    }
}
