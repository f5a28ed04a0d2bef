//! Which label is of which image.

use super::*;
use proptest::prelude::*;

fn labels(files: &[(&str, &str)]) -> Vec<(String, String)> {
    samples(&open(tar(files)).unwrap())
}

fn refusal(files: &[(&str, &str)]) -> String {
    open(tar(files)).unwrap_err().to_string()
}

#[test]
fn two_names_of_one_key_are_a_sample() {
    let files = [
        ("s/sample0.input.jpg", "a"),
        ("s/sample0.output.cls", "2"),
        ("s/sample1.output.cls", "0"),
        ("s/sample1.input.jpg", "b"),
    ];
    assert_eq!(labels(&files), pairs(&[("2", "a"), ("0", "b")]));
    let separated = [files[0], files[3], files[1], files[2]];
    assert_eq!(labels(&separated), pairs(&[("2", "a"), ("0", "b")]));
}

#[test]
fn the_label_called_as_the_image_goes_before_others_of_its_key() {
    let files = [("1.jpg", "a"), ("1.coarse.cls", "0"), ("1.cls", "1"), ("1.meta.json", "{}")];
    assert_eq!(labels(&files), pairs(&[("1", "a")]));
    let whole_name = [("1.jpg", "a"), ("1.coarse.cls", "0"), ("1.jpg.cls", "2")];
    assert_eq!(labels(&whole_name), pairs(&[("2", "a")]));
    assert_eq!(
        refusal(&[("1.jpg", "a"), ("1.fine.cls", "1"), ("1.coarse.cls", "0")]),
        "x.tar: `1.coarse.cls` is one of several labels of the key of `1.jpg`"
    );
}

#[test]
fn labels_in_another_folder_pair_with_nothing() {
    let message = refusal(&[("images/1.jpg", "a"), ("labels/1.cls", "0")]);
    assert!(message.starts_with("x.tar, images/1.jpg: no label for the image"), "{message}");
}

#[test]
fn a_label_of_another_image_is_not_taken() {
    // All four share the key `img_0`, and two of them are apart.
    let files = [
        ("img_0.1.jpg", "a"),
        ("img_0.1.cls", "1"),
        ("x.jpg", "b"),
        ("x.cls", "0"),
        ("img_0.2.jpg", "c"),
        ("img_0.3.cls", "2"),
    ];
    assert_eq!(refusal(&files), "x.tar: no label is called as `img_0.2.jpg` is");
    let both = [files[0], files[5], files[1], files[4]];
    assert_eq!(
        refusal(&both),
        "x.tar: the label `img_0.3.cls` is called as none of the 2 images of its key"
    );
}

#[test]
fn several_images_of_a_key_without_labels_of_their_own_are_an_error() {
    let message = refusal(&[("1.jpg", "a"), ("1.seg.png", "b"), ("1.cls", "0")]);
    assert!(message.starts_with("x.tar, 1.seg.png: no label"), "{message}");
}

#[test]
fn a_key_may_come_again_where_its_members_are_adjacent() {
    let files = [("0.jpg", "a"), ("0.cls", "1"), ("1.jpg", "b"), ("1.cls", "0")];
    let again = [files, files].concat();
    let once = [("1", "a"), ("0", "b")];
    assert_eq!(labels(&again), pairs(&[once, once].concat()));
    let separated = [files[0], files[2], files[0], files[1], files[3]];
    assert!(refusal(&separated).starts_with("x.tar, 0.jpg: no label"), "which one has it?");
    let two = [files[0], files[2], files[0], files[3], files[1]];
    assert_eq!(refusal(&two), "x.tar: two members are called `0.jpg`");
}

#[test]
fn a_caption_of_no_image_is_no_label() {
    let files = [("0.jpg", "a"), ("0.cls", "0"), ("README.txt", "read me"), ("stats.json", "{}")];
    assert_eq!(labels(&files), pairs(&[("0", "a")]));
}

#[test]
fn text_of_several_lines_is_no_name_of_a_class() {
    let message = refusal(&[("0.jpg", "a"), ("0.txt", "0 0.1 0.2\n1 0.3 0.4")]);
    assert_eq!(message, "x.tar, 0.txt: several lines; expected the name of the class");
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]

    /// Whatever the names are and wherever the members lie, every image has its own label or there
    /// is an error.
    #[test]
    fn no_image_has_the_label_of_another(
        mut names in prop::collection::btree_set("[ab](\\.[01]{1,2}){0,2}", 1..12),
        extension in prop::sample::select(vec!["cls", "CLS", "json", "jpg.cls"]),
        left_out in prop::option::of(any::<prop::sample::Index>()),
        order in any::<prop::sample::Selector>(),
    ) {
        // Two samples of one key tell that names may have dots.
        names.extend(["z.0", "z.1"].map(str::to_owned));
        let mut members = Vec::new();
        for (label, name) in names.iter().enumerate() {
            let content = label.to_string();
            members.push((format!("s/{name}.jpg"), content.clone()));
            let is_json = extension == "json";
            let label = if is_json { format!("{{\"label\": {content}}}") } else { content };
            members.push((format!("s/{name}.{extension}"), label));
        }
        if let Some(at) = left_out {
            members.remove(at.index(members.len()));
        }
        let mut shuffled = Vec::new();
        while !members.is_empty() {
            let at = order.select(0..members.len());
            shuffled.push(members.remove(at));
        }
        let files: Vec<(&str, &str)> = shuffled.iter().map(|(a, b)| (&**a, &**b)).collect();
        match open(tar(&files)) {
            Err(_) => prop_assert!(left_out.is_some(), "{files:?}"),
            Ok(source) => {
                let lost = usize::from(left_out.is_some());
                // Only a `.json` may be of no image.
                prop_assert!(lost == 0 || extension == "json", "{files:?}");
                prop_assert_eq!(source.len() as usize, names.len() - lost);
                for (class, content) in samples(&source) {
                    prop_assert_eq!(class, content, "{:?}", files);
                }
            }
        }
    }
}
