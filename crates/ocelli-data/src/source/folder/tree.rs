//! What lies in one folder, at any depth.

use super::super::{NotImages, has_image_extension, is_hidden};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The most folders that are reached by links in one class, or in a folder of pictures. Links to folders full of links could
/// otherwise make more images of a few than any memory holds.
const MAX_LINKS: usize = 1000;

/// The files below one folder.
pub(in super::super) struct Tree {
    /// The sorted names of the image files, each with the folders before it, parted by `/`.
    pub(in super::super) images: Vec<String>,
    pub(in super::super) others: NotImages,
}

impl Tree {
    /// Lists a class folder.
    pub(super) fn list(folder: &Path, class: &str) -> Result<Self> {
        Self::walked(
            folder,
            &format!("{class}/"),
            Walk { may_have_labels: false, ..Walk::default() },
        )
    }

    /// Lists a folder of pictures that are taken without their labels, whatever lies beside them.
    pub(in super::super) fn without_labels(folder: &Path) -> Result<Self> {
        Self::walked(folder, "", Walk { may_have_labels: true, ..Walk::default() })
    }

    /// Lists a folder, whose files that are no images are called with `prefix`.
    fn walked(folder: &Path, prefix: &str, mut walk: Walk) -> Result<Self> {
        walk.enter(folder, "")?;
        let Walk { mut images, mut others, .. } = walk;
        images.sort_unstable();
        others.sort_unstable();
        let mut not_images = NotImages::default();
        for name in others {
            not_images.add(|| format!("{prefix}{name}"));
        }
        Ok(Self { images, others: not_images })
    }
}

/// A walk through a folder.
#[derive(Default)]
struct Walk {
    /// Whether labels beside images are files like others.
    may_have_labels: bool,
    images: Vec<String>,
    others: Vec<String>,
    /// The folders from which links were followed to where the walk is, and those where they led.
    followed: Vec<PathBuf>,
    links: usize,
}

impl Walk {
    /// Lists a folder, before whose files `prefix` stands.
    fn enter(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let (mut images, mut others) = (Vec::new(), Vec::new());
        for (name, kind) in entries(folder)? {
            match kind {
                Kind::Folder => self.enter(&folder.join(&name), &format!("{prefix}{name}/"))?,
                Kind::LinkedFolder => self.follow(folder, &name, prefix)?,
                // That a link to an image leads nowhere, its reader will say.
                _ if has_image_extension(name.as_bytes()) => images.push(name),
                Kind::Broken(error) if !name.contains('.') => {
                    return Err(Error::BrokenLink { path: folder.join(name), error });
                }
                Kind::Broken(_) | Kind::File => others.push(name),
            }
        }
        images.sort_unstable();
        others.sort_unstable();
        if !self.may_have_labels {
            refuse_labels(folder, &images, &others)?;
        }
        let named = |name| format!("{prefix}{name}");
        self.images.extend(images.into_iter().map(named));
        self.others.extend(others.into_iter().map(named));
        Ok(())
    }

    /// Goes into a folder that a link leads to, unless it leads to where the walk came from.
    fn follow(&mut self, folder: &Path, name: &str, prefix: &str) -> Result<()> {
        let path = folder.join(name);
        let refused = |reason: &str| {
            let name = path.display().to_string();
            Err(Error::Layout { name, reason: reason.to_owned() })
        };
        self.links += 1;
        if self.links > MAX_LINKS {
            return refused("more than 1000 links to folders in one dataset or class");
        }
        let real = |path: &Path| path.canonicalize().map_err(Error::io(path));
        let (from, to) = (real(folder)?, real(&path)?);
        if from.starts_with(&to) || self.followed.iter().any(|before| before.starts_with(&to)) {
            return refused("a link to a folder that it lies in; remove it");
        }
        self.followed.extend([from, to]);
        self.enter(&path, &format!("{prefix}{name}/"))?;
        self.followed.truncate(self.followed.len() - 2);
        Ok(())
    }
}

/// A tar of the same files would have these labels; that here the folders are the classes may be a
/// surprise.
fn refuse_labels(folder: &Path, images: &[String], others: &[String]) -> Result<()> {
    let is_of_image = |label: &&String| {
        let extension = Path::new(label).extension();
        if !extension.is_some_and(|extension| extension.eq_ignore_ascii_case("cls")) {
            return false;
        }
        let key = label.split('.').next().unwrap_or_default();
        let at = images.partition_point(|image| image.as_str() < key);
        images.get(at).is_some_and(|image| image.starts_with(key))
    };
    match others.iter().find(is_of_image) {
        Some(label) => Err(Error::LabelInFolder { path: folder.join(label) }),
        None => Ok(()),
    }
}

/// What an entry of a folder is, after following links.
pub(super) enum Kind {
    File,
    Folder,
    LinkedFolder,
    /// A link that cannot be followed, and why.
    Broken(std::io::Error),
}

/// The visible entries of a folder, sorted.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, Kind)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let name = entry.file_name().into_string().map_err(|name| Error::Layout {
            name: folder.join(name).display().to_string(),
            reason: "the name is not UTF-8".to_owned(),
        })?;
        if is_hidden(name.as_bytes()) {
            continue;
        }
        let kind = entry.file_type().map_err(Error::io(folder))?;
        // Only a link costs a second system call.
        let kind = match kind.is_symlink().then(|| std::fs::metadata(entry.path())) {
            Some(Err(error)) => Kind::Broken(error),
            Some(Ok(target)) if target.is_dir() => Kind::LinkedFolder,
            None if kind.is_dir() => Kind::Folder,
            Some(Ok(_)) | None => Kind::File,
        };
        found.push((name, kind));
    }
    // Which of several faults is told, and at which link a walk ends, is the same everywhere.
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
