//! Writes a dataset as a network sees it, with the logits that Ocelli gives, so that another project can be run on
//! the same values: `prepared MODEL DATASET OUT.safetensors [IMAGES]`. The tensors are `images`, `labels` and
//! `logits`; `bench/peers/onnx_check.py` reads them.

#![expect(clippy::print_stdout, reason = "it says how many are right")]

use burn::tensor::{Device, Tensor, TensorData};
use ocelli::data::{
    Loader, LoaderConfig, OpenOptions, Source, Split, Targets, are_imagenet_classes,
    imagenet_classes, open,
};
use ocelli::nn::InferenceEngine;
use ocelli::train::Trained;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, out, rest @ ..] = words.as_slice() else {
        return Err("prepared MODEL DATASET OUT.safetensors [IMAGES]".into());
    };
    let most = rest.first().map_or(Ok(usize::MAX), |count| count.parse())?;
    let trained = Trained::open(Path::new(model), None, &Device::flex())?;
    let source = open_for(&trained, data)?;
    let loader = Loader::new(source, Arc::new(trained.transform()?), LoaderConfig::eval(64))?;
    let mut engine = InferenceEngine::new(&trained.network)?;
    let (mut images, mut labels, mut logits) = (Vec::<f32>::new(), Vec::<i64>::new(), Vec::new());
    let mut shape = [0; 4];
    for batch in loader.epoch(0, 0) {
        let batch = batch?;
        if labels.len() >= most {
            break;
        }
        let pixels = TensorData::new(batch.images.clone(), batch.shape);
        let found = engine.logits(Tensor::from_data(pixels, &Device::flex()))?;
        logits.extend(found.into_data().iter::<f32>());
        let Targets::Hard(classes) = &batch.targets else {
            return Err("one class an image".into());
        };
        labels.extend(classes.iter().map(|label| i64::from(*label)));
        images.extend(&batch.images);
        shape = batch.shape;
    }
    shape[0] = labels.len();
    let right = logits.chunks(logits.len() / labels.len()).zip(&labels);
    let right =
        right.filter(|(row, label)| row.iter().all(|logit| *logit <= row[**label as usize]));
    println!("{} of {} right", right.count(), labels.len());

    let floats =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|it| it.to_le_bytes()).collect() };
    let classes = logits.len() / labels.len();
    let (images, logits) = (floats(&images), floats(&logits));
    let labels: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    let views = [
        ("images", TensorView::new(Dtype::F32, shape.to_vec(), &images)?),
        ("labels", TensorView::new(Dtype::I64, vec![shape[0]], &labels)?),
        ("logits", TensorView::new(Dtype::F32, vec![shape[0], classes], &logits)?),
    ];
    Ok(std::fs::write(out, safetensors::serialize(views, None)?)?)
}

/// The images, whose classes are those of the network.
fn open_for(trained: &Trained, data: &str) -> Result<Arc<dyn Source>, Box<dyn Error>> {
    let options = OpenOptions { classes: trained.classes.clone(), ..OpenOptions::new(Split::Test) };
    let source = open(data, &options)?;
    if trained.imagenet_classes().is_some() && are_imagenet_classes(source.classes()) {
        let all = imagenet_classes().iter().map(|class| class.wnid.to_owned()).collect();
        return Ok(open(data, &OpenOptions { classes: Some(all), ..options })?);
    }
    Ok(source)
}
