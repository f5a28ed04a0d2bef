use super::*;
use crate::{Image, Payload};

/// Samples of three classes in two folders.
struct Named(Vec<String>, [&'static str; 4]);

impl Source for Named {
    fn len(&self) -> u64 {
        4
    }

    fn classes(&self) -> &[String] {
        &self.0
    }

    fn read(&self, index: u64) -> Result<Record> {
        let pixels = Image { width: 1, height: 1, channels: 1, pixels: vec![0] };
        Ok(Record {
            name: self.name(index)?,
            label: Some((index % 2) as u32),
            others: Vec::new(),
            payload: Payload::Pixels(pixels),
        })
    }

    fn name(&self, index: u64) -> Result<String> {
        Ok(self.1[in_bounds(index, 4)?].to_owned())
    }
}

fn source() -> Arc<dyn Source> {
    let classes = ["ant", "bee", "insect"].map(str::to_owned).to_vec();
    Arc::new(Named(classes, ["x.tar, ant/1.png", "x.tar, bee/1.png", "y/ant/2.png", "y/bee/3.png"]))
}

fn with(text: &str) -> Result<MultiLabelSource> {
    MultiLabelSource::new(source(), &LabelFile::parse(Path::new("labels.tsv"), text)?)
}

fn refusal(text: &str) -> String {
    with(text).err().unwrap().to_string()
}

#[test]
fn a_name_may_be_as_short_as_it_is_clear() {
    let source =
        with("ant/1.png\tinsect\n\n3.png\tbee\tinsect\tinsect\nz/other.png\tant\n").unwrap();
    assert_eq!(source.named(), 2);
    let classes = |index| {
        let record = source.read(index).unwrap();
        [vec![record.required_label().unwrap()], record.others].concat()
    };
    assert_eq!(classes(0), [0, 2]);
    assert_eq!(classes(1), [1], "a name in another folder");
    assert_eq!(classes(2), [0], "no line");
    assert_eq!(classes(3), [1, 2], "each class counts once");
    assert_eq!((source.label(3).unwrap(), source.len()), (Some(1), 4));
}

#[test]
fn what_is_wrong_is_named_by_line() {
    let expected = "expected the name of an image, a tab, and classes between tabs";
    assert_eq!(refusal("a.png\tant\nb.png\n"), format!("labels.tsv: line 2: {expected}"));
    assert_eq!(refusal("a.png\tant\t\n"), format!("labels.tsv: line 1: {expected}"));
    assert_eq!(refusal("a\tant\nb\tbee\na\tbee"), "labels.tsv: `a` is in line 1 and in line 3");
    assert_eq!(
        refusal("2.png\tant\n3.png\twasp\n"),
        "labels.tsv, line 2: class `wasp` is not one of the 3 in the class list"
    );
    let ambiguous = "it is the name of several samples; write more of their paths";
    assert_eq!(refusal("1.png\tinsect"), format!("labels.tsv: line 1: {ambiguous}"));
}

#[test]
fn a_line_may_not_mean_images_of_both_parts() {
    let file = LabelFile::parse(Path::new("labels.tsv"), "\u{feff}2.png\tinsect\n").unwrap();
    let error = MultiLabelSource::from_parts([source(), source()], &file).err().unwrap();
    assert!(error.to_string().contains("line 1: it is the name of several samples"), "{error}");
    let other: Arc<dyn Source> =
        Arc::new(Named(source().classes().to_vec(), ["a.png", "b.png", "c.png", "d.png"]));
    let [train, test] = MultiLabelSource::from_parts([source(), other], &file).unwrap();
    assert_eq!((file.len(), train.named(), test.named()), (1, 1, 0));
}
