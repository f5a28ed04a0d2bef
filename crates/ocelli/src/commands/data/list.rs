//! `ocelli data list`: the classes of a dataset with the number of their images.

use ocelli::data::{builtin_datasets, class_counts, open};
use serde::Serialize;

use super::part::{DATASETS, PartArgs};
use crate::failure::Done;
use crate::output::{Align, Table, grouped};
use crate::settings::Settings;

/// What can be typed after `ocelli data list`.
#[derive(Debug, clap::Args)]
#[command(after_help = DATASETS)]
pub(crate) struct Args {
    /// The dataset; none lists the embedded ones
    #[arg(value_name = "DATASET")]
    dataset: Option<String>,
    #[command(flatten)]
    part: PartArgs,
}

#[derive(Serialize)]
struct Builtin {
    dataset: &'static str,
    description: &'static str,
    licence: &'static str,
}

#[derive(Serialize)]
struct Datasets {
    datasets: Vec<Builtin>,
}

#[derive(Serialize)]
struct Class<'a> {
    label: usize,
    name: &'a str,
    samples: u64,
}

#[derive(Serialize)]
struct Content<'a> {
    dataset: &'a str,
    samples: u64,
    classes: Vec<Class<'a>>,
    not_images: u64,
}

/// Lists a dataset, or all that are embedded.
pub(crate) fn run(args: &Args, settings: Settings) -> anyhow::Result<Done> {
    match &args.dataset {
        Some(dataset) => list_classes(dataset, &args.part, settings),
        None => list_builtin(settings),
    }
}

fn list_builtin(mut settings: Settings) -> anyhow::Result<Done> {
    let builtin = |dataset: &ocelli::data::BuiltinDataset| Builtin {
        dataset: dataset.uri,
        description: dataset.description,
        licence: dataset.licence,
    };
    let datasets: Vec<Builtin> = builtin_datasets().iter().map(builtin).collect();
    let mut table = Table::new(["dataset", "images", "licence"].map(|head| (head, Align::Left)));
    for dataset in &datasets {
        table.row([dataset.dataset, dataset.description, dataset.licence].map(str::to_owned));
    }
    settings.output.text(table)?;
    settings.output.finish(&Datasets { datasets })?;
    Ok(Done::Complete)
}

fn list_classes(dataset: &str, part: &PartArgs, mut settings: Settings) -> anyhow::Result<Done> {
    let source = open(dataset, &part.resolve()?)?;
    let counts = class_counts(&*source)?;
    let classes: Vec<Class> = source
        .classes()
        .iter()
        .zip(counts)
        .enumerate()
        .map(|(label, (name, samples))| Class { label, name, samples })
        .collect();
    let output = &mut settings.output;
    let (images, names) = (grouped(source.len()), classes.len());
    if classes.is_empty() {
        output.text(format_args!("{images} images without labels in {dataset}"))?;
    } else {
        let mut table =
            Table::new([("label", Align::Right), ("class", Align::Left), ("images", Align::Right)]);
        for class in &classes {
            table.row([class.label.to_string(), class.name.to_owned(), grouped(class.samples)]);
        }
        output.text(table)?;
        output.text(format_args!("\n{images} images of {names} classes in {dataset}"))?;
    }
    let (samples, not_images) = (source.len(), source.not_images().count);
    settings.output.finish(&Content { dataset, samples, classes, not_images })?;
    Ok(Done::Complete)
}
