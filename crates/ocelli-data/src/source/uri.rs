//! What a dataset URI names, before anything is opened.

use super::{Cifar, Split, notice};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The most shards that braces may name.
const MAX_SHARDS: u64 = 1_000_000;

/// The kind of a dataset, as its scheme says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Builtin,
    Cifar(Cifar),
    Folder,
    Idx,
    Pictures,
    Tar,
    WebDataset,
    /// No scheme: the path decides.
    Path,
}

/// Splits a URI into its scheme and the rest.
pub(super) fn split_scheme(uri: &str) -> Result<(Scheme, &str)> {
    let Some((scheme, rest)) = uri.split_once(':') else { return Ok((Scheme::Path, uri)) };
    // `C:\data` is a path, and so is `./a:b`.
    if scheme.len() < 2 || scheme.contains(['/', '\\', '.', '{']) {
        return Ok((Scheme::Path, uri));
    }
    let scheme = match scheme {
        "builtin" => Scheme::Builtin,
        "cifar10" => Scheme::Cifar(Cifar::Ten),
        "cifar100" => Scheme::Cifar(Cifar::Hundred),
        "folder" => Scheme::Folder,
        "idx" => Scheme::Idx,
        "pictures" => Scheme::Pictures,
        "tar" => Scheme::Tar,
        "wds" => Scheme::WebDataset,
        _ => {
            return Err(Error::UnknownScheme { uri: uri.to_owned(), scheme: scheme.to_owned() });
        }
    };
    Ok((scheme, rest))
}

/// Puts the name of a split in place of `{split}`; of the names that a split has, the first for
/// which something exists. Gives `None` if there is no `{split}`.
pub(super) fn replace_split(pattern: &str, split: Split) -> Result<Option<String>> {
    if !pattern.contains("{split}") {
        return Ok(None);
    }
    for name in split.names() {
        let path = pattern.replace("{split}", name);
        if expand_shards(&path)?.first().is_some_and(|path| path.exists()) {
            if *name != split.names()[0] {
                notice::once(&format!("{pattern}: `{name}` is the {split} part"));
            }
            return Ok(Some(path));
        }
    }
    Err(Error::MissingSplit { path: pattern.into(), split, looked_for: split.names().join(", ") })
}

/// The paths that `{000..009}` in `pattern` stands for, or the one path without braces.
pub(super) fn expand_shards(pattern: &str) -> Result<Vec<PathBuf>> {
    let bad = |reason| Error::BadPattern { uri: pattern.to_owned(), reason };
    let Some(open) = pattern.find('{') else { return Ok(vec![pattern.into()]) };
    // A path that exists is not a pattern, whatever its name is.
    if Path::new(pattern).exists() {
        return Ok(vec![pattern.into()]);
    }
    let (before, rest) = (&pattern[..open], &pattern[open + 1..]);
    let (range, after) = rest.split_once('}').ok_or_else(|| bad("a brace is not closed"))?;
    if after.contains('{') {
        return Err(bad("only one range in braces is possible"));
    }
    let expected = "expected a range of numbers in the braces, as in {000..009}";
    let (first, last) = range.split_once("..").ok_or_else(|| bad(expected))?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(bad(expected));
    }
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad("a number that is too large"));
    let (start, end) = (number(first)?, number(last)?);
    if end < start {
        return Err(bad("the range in the braces ends before it starts"));
    }
    if end - start >= MAX_SHARDS {
        return Err(bad("the range in the braces has over a million numbers"));
    }
    let width = first.len();
    Ok((start..=end).map(|at| format!("{before}{at:0width$}{after}").into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_before_the_first_colon() {
        assert_eq!(split_scheme("builtin:x").unwrap(), (Scheme::Builtin, "x"));
        assert_eq!(split_scheme("tar:a:b.tar").unwrap(), (Scheme::Tar, "a:b.tar"));
        for path in ["data/train", "./a:b", "C:\\data", "shards/{0..3}.tar"] {
            assert_eq!(split_scheme(path).unwrap(), (Scheme::Path, path));
        }
        let error = split_scheme("https://example.org/a.tar").unwrap_err();
        assert!(matches!(&error, Error::UnknownScheme { scheme, .. } if scheme == "https"));
    }

    #[test]
    fn braces_name_the_first_and_the_last_shard() {
        let paths = expand_shards("s/train-{008..011}.tar").unwrap();
        let expected = ["008", "009", "010", "011"].map(|n| format!("s/train-{n}.tar"));
        assert_eq!(paths, expected.map(PathBuf::from));
        assert_eq!(expand_shards("{9..10}").unwrap(), [Path::new("9"), Path::new("10")]);
        assert_eq!(expand_shards("plain.tar").unwrap(), [Path::new("plain.tar")]);
    }

    #[test]
    fn braces_that_are_no_range_are_an_error() {
        let huge = "{0..99999999999999999999}.tar";
        for pattern in [
            "{0..3.tar",
            "{}.tar",
            "{a..b}.tar",
            "{3..1}",
            "{0..1}{0..1}",
            huge,
            "{0..1000000}",
            "{-1..2}",
            "{+1..2}",
            "{1..}",
            "{splt}",
        ] {
            let error = expand_shards(pattern).unwrap_err();
            assert!(matches!(error, Error::BadPattern { .. }), "{pattern}: {error}");
        }
    }
}
