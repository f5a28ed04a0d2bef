use super::*;
use ocelli_testkit::reference_data;

#[test]
fn cifar_10_has_its_published_counts() {
    let Some(folder) = reference_data("cifar10") else { return };
    for (file, len) in [("train.tar", 20_000), ("test.tar", 10_000)] {
        let paths = [folder.join(file)];
        let source = TarSource::open(&paths, None, None, Limits::default()).unwrap();
        assert_eq!(source.len(), len);
        let expected = [
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ];
        assert_eq!(source.classes(), expected);
        let mut counts = [0; 10];
        for index in 0..len {
            counts[source.label(index).unwrap() as usize] += 1;
        }
        assert_eq!(counts, [len / 10; 10]);
    }
}

#[test]
fn imagenet_samples_have_one_image_of_each_class() {
    let Some(path) = reference_data("imagenet_samples/images.tar") else { return };
    let source = TarSource::open(&[path], None, None, Limits::default()).unwrap();
    assert_eq!(source.len(), 1000);
    assert_eq!(source.classes().len(), 1000);
    assert_eq!(source.classes()[0], "n01440764");
    let mut labels: Vec<u32> = (0..1000).map(|index| source.label(index).unwrap()).collect();
    labels.sort_unstable();
    assert!(labels.into_iter().eq(0..1000));
    let record = source.read(7).unwrap();
    assert!(matches!(record.payload, Payload::Encoded(bytes) if bytes.starts_with(&[0xff, 0xd8])));
}
