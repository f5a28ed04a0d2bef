use super::{DataDifference, Fingerprint};
use crate::{
    LabelFile, Limits, MultiLabelSource, OpenOptions, Source, Split, Subset, TarSource,
    class_counts, open,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Three classes of four files each; no picture is decoded for a fingerprint.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cat", "deer", "dog"] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for number in 0..4 {
            fs::write(file(folder.path(), class, number), format!("{class} {number}")).unwrap();
        }
    }
    folder
}

fn file(root: &Path, class: &str, number: u32) -> std::path::PathBuf {
    root.join(class).join(format!("{number}.png"))
}

fn source(root: &Path) -> Arc<dyn Source> {
    open(&root.display().to_string(), &OpenOptions::default()).unwrap()
}

/// What differs after `change`.
fn after(change: impl FnOnce(&Path)) -> Option<String> {
    let folder = folder();
    let before = Fingerprint::from_source(&*source(folder.path())).unwrap();
    change(folder.path());
    let source = source(folder.path());
    let now = Fingerprint::from_source(&*source).unwrap();
    let difference = before.difference(&now, &*source).unwrap();
    difference.map(|difference| difference.to_string())
}

#[test]
fn the_first_difference_is_named() {
    let told = |change: &dyn Fn(&Path)| after(change).unwrap();
    let rename = |from: &'static str, to: &'static str| {
        move |root: &Path| fs::rename(root.join(from), root.join(to)).unwrap()
    };
    assert_eq!(told(&rename("deer", "doe")), "class 1 was `deer` and is `doe`");
    assert_eq!(told(&rename("cat", "stag")), "class 0 was `cat` and is `deer`");
    let gone = |root: &Path| fs::remove_dir_all(root.join("dog")).unwrap();
    assert_eq!(told(&gone), "class 2, `dog`, is gone");
    let remove = |class: &'static str, number| {
        move |root: &Path| fs::remove_file(file(root, class, number)).unwrap()
    };
    assert_eq!(
        told(&remove("deer", 1)),
        "there were 12 images and are 11; the first other one is image 5, `deer/2.png` after \
         `deer/0.png`"
    );
    assert_eq!(
        told(&remove("cat", 0)),
        "there were 12 images and are 11; the first other one is image 0, `cat/1.png`"
    );
    assert_eq!(
        told(&remove("dog", 3)),
        "there were 12 images and are 11; none follows `dog/2.png` any more"
    );
    let add = |root: &Path| fs::write(file(root, "deer", 9), "new").unwrap();
    assert_eq!(
        told(&add),
        "there were 12 images and are 13; the first other one is image 8, `deer/9.png` after \
         `deer/3.png`"
    );
    assert_eq!(
        told(&rename("deer/2.png", "deer/7.png")),
        "another image stood in place 6, where `deer/3.png` is now"
    );
    let swap = |root: &Path| {
        let (one, other) = (file(root, "cat", 1), file(root, "dog", 2));
        fs::rename(&one, root.join("between")).unwrap();
        fs::rename(&other, &one).unwrap();
        fs::rename(root.join("between"), &other).unwrap();
    };
    assert_eq!(told(&swap), "image 1, `cat/1.png`, has another picture or label");
}

#[test]
fn a_move_and_a_touch_are_no_difference() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = root.path().join("elsewhere");
    let folder = folder();
    let before = Fingerprint::from_source(&*source(folder.path())).unwrap();
    fs::rename(folder.path(), &elsewhere).unwrap();
    let path = file(&elsewhere, "cat", 0);
    fs::write(&path, fs::read(&path).unwrap()).unwrap();
    let source = source(&elsewhere);
    let now = Fingerprint::from_source(&*source).unwrap();
    assert_eq!(before.difference(&now, &*source).unwrap(), None);
    fs::create_dir(folder.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn an_image_that_cannot_be_read_is_part_of_it() {
    let folder = folder();
    let path = file(folder.path(), "cat", 2);
    let whole = source(folder.path());
    let before = Fingerprint::from_source(&*whole).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    let now = Fingerprint::from_source(&*whole).unwrap();
    assert_eq!(now.samples(), 12);
    assert_ne!(before.hash(), now.hash());
    assert_eq!(now, Fingerprint::from_source(&*whole).unwrap());
}

#[test]
fn of_many_bytes_some_contents_are_covered() {
    let folder = folder();
    let whole = source(folder.path());
    let few = Fingerprint::within(&*whole, 20).unwrap();
    assert_eq!(few.contents(), 4, "68 bytes, of which 20 may be read");
    // Image 1 is not looked into, image 4 is.
    let change = |class, text: &str| fs::write(file(folder.path(), class, 0), text).unwrap();
    fs::write(file(folder.path(), "cat", 1), "CAT 1").unwrap();
    assert_eq!(Fingerprint::within(&*whole, 20).unwrap(), few);
    change("deer", "DEER 0");
    let now = Fingerprint::within(&*whole, 20).unwrap();
    let difference = few.difference(&now, &*whole).unwrap().unwrap();
    assert_eq!(difference.to_string(), "image 4, `deer/0.png`, has another picture or label");
    change("deer", "deer 00");
    assert_ne!(Fingerprint::within(&*whole, 20).unwrap(), few, "another length");
}

#[test]
fn labels_further_classes_and_order_count() {
    let folder = folder();
    let whole = source(folder.path());
    let fingerprint = |source: &dyn Source| Fingerprint::from_source(source).unwrap();
    let before = fingerprint(&*whole);

    let lines = folder.path().join("labels.tsv");
    fs::write(&lines, "cat/2.png\tdog\n").unwrap();
    let labels = LabelFile::read(&lines).unwrap();
    let several: Arc<dyn Source> = Arc::new(MultiLabelSource::new(whole.clone(), &labels).unwrap());
    let difference = before.difference(&fingerprint(&*several), &*several).unwrap().unwrap();
    assert_eq!(difference, DataDifference::Content { index: 2, name: "cat/2.png".to_owned() });
    assert_eq!((several.others(2).unwrap(), several.read(2).unwrap().others), (vec![2], vec![2]));
    let part = Subset::new(several, vec![2, 5]).unwrap();
    assert_eq!((part.others(0).unwrap(), part.others(1).unwrap()), (vec![2], vec![]));

    let classes = ["dog", "deer", "cat"].map(str::to_owned);
    let options = OpenOptions { classes: Some(classes.to_vec()), ..OpenOptions::default() };
    let other = open(&folder.path().display().to_string(), &options).unwrap();
    assert_eq!(class_counts(&*other).unwrap(), [4, 4, 4]);
    let difference = before.difference(&fingerprint(&*other), &*other).unwrap().unwrap();
    assert_eq!(difference.to_string(), "class 0 was `cat` and is `dog`");
}

#[test]
fn it_is_the_same_after_json() {
    let test = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
    let fingerprint = Fingerprint::from_source(&*test).unwrap();
    assert_eq!((fingerprint.samples(), fingerprint.contents()), (2000, 1));
    let text = serde_json::to_string(&fingerprint).unwrap();
    assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), fingerprint);
    for damage in ["\"stamps\":\"0", "\"stamps\":\"x"] {
        let text = text.replacen("\"stamps\":\"", damage, 1);
        assert!(serde_json::from_str::<Fingerprint>(&text).is_err());
    }
}

/// Every source has keys that do not depend on where it lies, and of the right length.
#[test]
fn keys_are_of_what_is_read() {
    let folder = folder();
    let from_folder = source(folder.path());
    let key = from_folder.key(7).unwrap();
    assert_eq!((key.name.as_str(), key.bytes), ("deer/3.png", 6));
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("", folder.path()).unwrap();
    let tar = TarSource::from_bytes("some.tar", tar.into_inner().unwrap(), None).unwrap();
    let mut keys: Vec<_> = (0..12).map(|at| tar.key(at).unwrap()).collect();
    keys.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(keys[7], key);
    assert!(from_folder.key(12).is_err());
    assert!(tar.others(12).is_err());
    let limits = Limits::default();
    assert!(crate::FolderSource::open(folder.path(), None, limits).unwrap().others(3).is_ok());
}
