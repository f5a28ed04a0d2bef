use super::*;
use crate::{MODEL, RunFolder};
use burn::tensor::Tensor;
use ocelli_data::{CropMode, Limits, PictureFiles, Source};
use ocelli_nn::Pass;
use ocelli_nn::weights::{safetensors, state_dict};
use ocelli_random::Seed;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const ARCH: &str = "resnet20_cifar";
const PIXEL: &[u8] = include_bytes!("../../tests/images/pixel.png");

/// A small network of three classes with the words that a run would write beside it.
fn network() -> (Network, Metadata) {
    let model = registry::find(ARCH).unwrap();
    let options = ModelOptions { num_classes: 3, ..model.options() };
    let network = model.network(&options, Seed(1), &Device::flex()).unwrap();
    let (input, eval) = preprocessing(&model.config, 3);
    let metadata = Metadata {
        arch: Some(ARCH.into()),
        options: Some(options),
        input: Some(InputConfig { size: 40, ..input }),
        eval: Some(EvalConfig { crop_mode: CropMode::Squash, ..eval }),
        classes: Some(["ant", "bee", "cat"].map(str::to_owned).into()),
    };
    (network, metadata)
}

fn bytes(network: &Network, metadata: &Metadata) -> Vec<u8> {
    let mut dict = state_dict(network).unwrap();
    dict.metadata.extend(metadata.to_map().unwrap());
    safetensors::to_bytes(&dict).unwrap()
}

fn open(path: &Path) -> Result<Trained> {
    Trained::open(path, None, &Device::flex())
}

fn logits(network: &Network) -> Vec<f32> {
    let image = Tensor::<4>::ones([1, 3, 32, 32], &Device::flex());
    network.forward(image, Pass::Eval).into_data().iter::<f32>().collect()
}

#[test]
fn a_file_says_all_that_is_needed_to_use_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.safetensors");
    let (network, metadata) = network();
    fs::write(&file, bytes(&network, &metadata)).unwrap();
    let trained = open(&file).unwrap();
    assert_eq!(trained.arch, ARCH);
    assert_eq!(Some(trained.input.clone()), metadata.input);
    assert_eq!(Some(trained.eval), metadata.eval);
    assert_eq!((trained.class_name(2), trained.class_name(3)), ("cat".into(), "3".into()));
    assert_eq!(logits(&trained.network), logits(&network));
}

#[test]
fn a_file_that_says_nothing_is_known_by_its_tensors() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.safetensors");
    fs::write(&file, bytes(&network().0, &Metadata::default())).unwrap();
    let trained = open(&file).unwrap();
    assert_eq!((trained.arch.as_str(), trained.classes), (ARCH, None));
    assert_eq!(trained.network.graph().num_classes(), 3);
    assert_eq!(trained.input.size, 32, "the registry's");
}

#[test]
fn the_newest_checkpoint_that_can_be_trusted_is_taken() {
    let folder = TempDir::new().unwrap();
    let (network, metadata) = network();
    let model = bytes(&network, &metadata);
    let checkpoints = RunFolder::checkpoints_of(folder.path());
    for step in [10, 20] {
        checkpoints.save(step, &[(MODEL, model.clone())]).unwrap();
    }
    let file = |step| checkpoints.folder().join(format!("step-{step}")).join(MODEL);
    assert_eq!(open(folder.path()).unwrap().file, file(20));
    assert_eq!(open(&checkpoints.at(10).unwrap().path).unwrap().file, file(10));

    let mut damaged = model;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(file(20), damaged).unwrap();
    assert_eq!(open(folder.path()).unwrap().file, file(10));
    let message = open(file(20).parent().unwrap()).unwrap_err().to_string();
    assert!(message.contains("step-20"), "{message}");
}

#[test]
fn a_folder_without_a_checkpoint_is_refused() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(open(folder.path()), Err(Error::NoCheckpoint { .. })));
}

#[test]
fn a_file_cannot_claim_more_than_it_holds() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.safetensors");
    let (network, metadata) = network();
    let options = metadata.options.clone().unwrap();
    for (options, expected) in [
        (ModelOptions { num_classes: 1 << 40, ..options.clone() }, "`num_classes`: 1099511627776"),
        (ModelOptions { num_classes: 1 << 20, ..options.clone() }, "[1048576, 64] in the model"),
        (ModelOptions { in_channels: 1 << 40, ..options }, "1099511627776 channels"),
    ] {
        let metadata = Metadata { options: Some(options), ..metadata.clone() };
        fs::write(&file, bytes(&network, &metadata)).unwrap();
        let message = open(&file).unwrap_err().to_string();
        assert!(message.contains("model.safetensors: "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn metadata_that_is_no_metadata_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.safetensors");
    let mut dict = state_dict(&network().0).unwrap();
    dict.metadata.insert("classes".into(), "ant, bee".into());
    fs::write(&file, safetensors::to_bytes(&dict).unwrap()).unwrap();
    let message = open(&file).unwrap_err().to_string();
    assert!(message.contains("metadata `classes`"), "{message}");
}

#[test]
fn pictures_are_classified_in_order_and_bad_ones_are_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for number in 0..5 {
        fs::write(path(&format!("{number}.png")), PIXEL).unwrap();
    }
    fs::write(path("3.png"), b"GIF89a").unwrap();
    let pictures: Vec<_> =
        ["0.png", "1.png", "2.png", "3.png", "missing.png", "4.png"].map(path).into();
    let (network, metadata) = network();
    fs::write(path("model.safetensors"), bytes(&network, &metadata)).unwrap();
    let trained = open(&path("model.safetensors")).unwrap();

    let mut predictions = Vec::new();
    let options = PredictOptions { top: 2, batch_size: 2, threads: 2 };
    let keep = |prediction| {
        predictions.push(prediction);
        Ok::<(), Error>(())
    };
    let pictures: Arc<dyn Source> = Arc::new(PictureFiles::new(pictures, Limits::default()));
    trained.predict(&pictures, options, keep).unwrap();
    let name = |prediction: &Prediction| match prediction {
        Prediction::Classified { image, .. } | Prediction::Unreadable { image, .. } => {
            image.rsplit('/').next().unwrap().to_owned()
        }
    };
    let names: Vec<_> = predictions.iter().map(name).collect();
    assert_eq!(names, ["0.png", "1.png", "2.png", "3.png", "missing.png", "4.png"]);
    let Prediction::Classified { top, .. } = &predictions[0] else {
        panic!("{:?}", predictions[0])
    };
    assert_eq!(top.len(), 2);
    assert!(top[0].probability >= top[1].probability && top[0].probability <= 1.0);
    assert!(["ant", "bee", "cat"].contains(&top[0].name.as_str()));
    assert!(
        matches!(&predictions[3], Prediction::Unreadable { error, .. } if error.contains("GIF"))
    );
}
