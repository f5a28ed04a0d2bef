//! The 1,000 classes of ILSVRC-2012, which published weights answer with.
//!
//! Russakovsky et al. 2015, *ImageNet Large Scale Visual Recognition Challenge*
//! (<https://arxiv.org/abs/1409.0575>). A class is a synonym set of WordNet; its label is its index among
//! the sorted identifiers. Names are the first synonyms, of which two come twice (`crane`, `maillot`).
//! WordNet's licence is in `assets/imagenet/LICENSE`.

use std::sync::LazyLock;

const FILE: &str = include_str!("../assets/imagenet/classes.tsv");

/// A class of ILSVRC-2012.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagenetClass {
    /// WordNet's identifier, as in `n02123045`: what folders of ImageNet are called.
    pub wnid: &'static str,
    /// Its name, as in `tabby`.
    pub name: &'static str,
}

/// All 1,000, in the order of their labels.
///
/// # Example
/// ```
/// let classes = ocelli_data::imagenet_classes();
/// assert_eq!((classes.len(), classes[281].name), (1000, "tabby"));
/// ```
pub fn imagenet_classes() -> &'static [ImagenetClass] {
    static CLASSES: LazyLock<Vec<ImagenetClass>> = LazyLock::new(|| {
        let class = |line: &'static str| {
            let (wnid, name) = line.split_once('\t')?;
            Some(ImagenetClass { wnid, name })
        };
        FILE.lines().filter_map(class).collect()
    });
    &CLASSES
}

/// Whether these are classes of ILSVRC-2012 by their identifiers.
pub fn are_imagenet_classes(names: &[String]) -> bool {
    let classes = imagenet_classes();
    let is_known =
        |name: &String| classes.binary_search_by_key(&name.as_str(), |class| class.wnid).is_ok();
    !names.is_empty() && names.iter().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_a_thousand_in_the_order_of_their_identifiers() {
        let classes = imagenet_classes();
        assert_eq!(classes.len(), 1000);
        assert!(classes.is_sorted_by(|one, other| one.wnid < other.wnid));
        let names: HashSet<_> = classes.iter().map(|class| class.name).collect();
        assert_eq!(names.len(), 998, "crane and maillot come twice");
        assert_eq!(classes[0], ImagenetClass { wnid: "n01440764", name: "tench" });
        assert_eq!(classes[999].wnid, "n15075141");
        let some = ["n01440764", "n15075141"].map(str::to_owned);
        assert!(are_imagenet_classes(&some) && !are_imagenet_classes(&["tench".to_owned()]));
        assert!(!are_imagenet_classes(&[]));
    }
}
