//! How samples lie in tars.

/// How the samples lie in a tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TarLayout {
    /// `CLASS/NAME.ext`; the label is the index of the class in the sorted names. In a single tar,
    /// further folders may stand between the two.
    ClassFolders,
    /// Members `KEY.jpg` and `KEY.cls` (or `.json`, `.txt`), where the key is the path up to the first
    /// dot of the file name.
    WebDataset,
    /// Images at any depth, without labels.
    Pictures,
}
