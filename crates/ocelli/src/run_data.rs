//! Which images a command looks at: those of a dataset that is named, or a run's own.

use anyhow::Context;
use ocelli::data::Error::{DifferentClasses, UnknownClass};
use ocelli::data::{
    ClassOrder, Error, Fingerprint, LabelFile, MultiLabelSource, OpenOptions, Source, Split,
    are_imagenet_classes, check_several_classes, imagenet_classes, open_labelled, open_splits,
};
use ocelli::train::{DataRecord, Recipe, RunFolder, Trained, sources};
use std::path::Path;
use std::sync::Arc;

use crate::args::LabelArgs;
use crate::failure::{BadInput, BadUsage};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The folder of a run, a checkpoint in it, or a file of weights.
    pub(crate) model_path: Option<&'a Path>,
    /// A dataset instead of the run's.
    pub(crate) data: Option<&'a str>,
    /// Where the run's images were before, for when the run is not there any more.
    pub(crate) before: Option<&'a str>,
    /// A file of further classes instead of the run's.
    pub(crate) labels: Option<&'a Path>,
    /// The part, where there are two.
    pub(crate) split: Split,
    /// What the classes of the dataset are, over what the run says of its own.
    pub(crate) classes: LabelArgs,
}

/// The folder of the run to which `path`, its folder or a checkpoint in it, belongs.
pub(crate) fn folder_of(path: &Path) -> Option<&Path> {
    path.ancestors().take(4).find(|folder| RunFolder::recipe_path(folder).is_file())
}

/// The recipe of the run to which `path`, its folder or a checkpoint in it, belongs.
pub(crate) fn recipe_of(path: &Path) -> Option<Recipe> {
    RunFolder::recipe(folder_of(path)?).ok()
}

/// Makes sure that other work than a training, begun in `folder`, goes on with the same images.
///
/// # Errors
/// When they are others; what was found in those it had would mean nothing for these.
pub(crate) fn check_same(
    folder: &Path,
    now: &DataRecord,
    parts: &[(&str, &dyn Source)],
) -> anyhow::Result<()> {
    let Some(before) = DataRecord::load(folder)? else { return Ok(()) };
    let Some(changed) = before.difference(now, parts)? else { return Ok(()) };
    let message = format!("{}: {changed}", folder.display());
    Err(BadInput::new(message).hint("put them back, or begin anew with another --out").into())
}

/// The dataset with which a run is evaluated.
pub(crate) fn dataset(recipe: &Recipe) -> &str {
    recipe.data.test.as_ref().unwrap_or(&recipe.data.source)
}

/// Images, and where they are from.
pub(crate) struct Opened {
    pub(crate) source: Arc<dyn Source>,
    /// The name of their dataset.
    pub(crate) data: String,
    /// What tells them from other images.
    pub(crate) fingerprint: Fingerprint,
    /// Whether they are other images than those of the run, where it keeps a record of them.
    pub(crate) has_changed: Option<bool>,
}

impl Wanted<'_> {
    /// Opens the images, with all their classes. Of a run's own they are those that it trained on
    /// (without those that were added), or those that it did not.
    ///
    /// # Errors
    /// When no dataset is known, one or the file of labels cannot be opened, it has other classes than
    /// the network, or a single one that is not meant to be.
    pub(crate) fn open(&self, trained: &Trained) -> anyhow::Result<Opened> {
        // A recipe that is there and cannot be trusted is no reason to ask for a dataset.
        let own = |path: &Path| folder_of(path).map(RunFolder::recipe).transpose();
        let run = match (self.data, self.model_path) {
            (None, Some(path)) => own(path)?,
            _ => None,
        };
        let may_be_one =
            self.classes.one_class || run.as_ref().is_some_and(|run| run.data.one_class);
        let opened = self.open_any(run, trained)?;
        if !may_be_one {
            check_several_classes(&opened.source, &opened.data)?;
        }
        Ok(opened)
    }

    fn open_any(&self, run: Option<Recipe>, trained: &Trained) -> anyhow::Result<Opened> {
        let Some(run) = run else {
            let data = self.data.or(self.before);
            let data = data.ok_or_else(|| BadUsage("name a dataset with --data".to_owned()))?;
            let order = self.classes.class_order.unwrap_or_default();
            let source = self.with_labels(named(data, self.split, order, trained)?, None)?;
            let fingerprint = Fingerprint::from_source(&*source)?;
            let data = data.to_owned();
            return Ok(Opened { source, data, fingerprint, has_changed: None });
        };
        let data = match self.split {
            Split::Train => &run.data.source,
            Split::Test => dataset(&run),
        };
        let data = data.to_owned();
        // What the run remembers is not of these images alone then.
        let is_more = run.data.extra.is_some() && self.split == Split::Train;
        let has_more = is_more || self.labels.is_some();
        let is_drawn = match self.split {
            Split::Train => run.data.hold_out.is_some(),
            Split::Test => is_one_part(&run)?,
        };
        let source = if is_drawn {
            self.drawn(run, trained)?
        } else {
            let order = self.classes.class_order.unwrap_or(run.data.class_order);
            let source = named(&data, self.split, order, trained)?;
            self.with_labels(source, run.data.labels.as_deref())?
        };
        let fingerprint = Fingerprint::from_source(&*source)?;
        let has_changed = self.has_changed(&fingerprint, &*source, has_more)?;
        Ok(Opened { source, data, fingerprint, has_changed })
    }

    /// Compares a run's own images with what it remembers of them, and says what differs.
    fn has_changed(
        &self,
        now: &Fingerprint,
        source: &dyn Source,
        has_more: bool,
    ) -> anyhow::Result<Option<bool>> {
        let part = match self.split {
            _ if has_more => return Ok(None),
            Split::Train => DataRecord::TRAIN,
            Split::Test => DataRecord::TEST,
        };
        let Some(folder) = self.model_path.and_then(folder_of) else { return Ok(None) };
        let record = DataRecord::load(folder)?;
        let Some(before) = record.as_ref().and_then(|record| record.part(part)) else {
            return Ok(None);
        };
        let difference = before.difference(now, source)?;
        if let Some(difference) = &difference {
            let run = folder.display();
            tracing::warn!("the {part} images are others than those of {run}: {difference}");
        }
        Ok(Some(difference.is_some()))
    }

    /// A part of a run's images as the run drew it.
    fn drawn(&self, mut run: Recipe, trained: &Trained) -> anyhow::Result<Arc<dyn Source>> {
        run.data.labels = self.labels.map(Path::to_owned).or(run.data.labels);
        run.data.extra = None;
        run.data.class_order = self.classes.class_order.unwrap_or(run.data.class_order);
        run.data.one_class |= self.classes.one_class;
        let (train, held) = sources(&run)?;
        let (images, what) = match self.split {
            Split::Train => (train, "trained on"),
            Split::Test => (held, "held out"),
        };
        let source = &run.data.source;
        if trained.classes.as_ref().is_some_and(|classes| classes != images.classes()) {
            return Err(BadInput::new(other_classes(source, trained)).into());
        }
        tracing::info!("{source}: these are the {} images that the run {what}", images.len());
        Ok(images)
    }

    /// The same images with the further classes that the file has for them.
    fn with_labels(
        &self,
        source: Arc<dyn Source>,
        of_run: Option<&Path>,
    ) -> anyhow::Result<Arc<dyn Source>> {
        let Some(path) = self.labels.or(of_run) else { return Ok(source) };
        let labels = LabelFile::read(path)?;
        let source = MultiLabelSource::new(source, &labels)?;
        // The file of a run may be of its training images alone.
        if self.labels.is_some() {
            labels.check_named(source.named())?;
        }
        Ok(Arc::new(source))
    }
}

/// The dataset of this name, whose classes are those of the network.
fn named(
    uri: &str,
    split: Split,
    class_order: ClassOrder,
    trained: &Trained,
) -> anyhow::Result<Arc<dyn Source>> {
    let (classes, limits) = (trained.classes.clone(), trained.limits);
    let options = OpenOptions { classes, class_order, limits, ..OpenOptions::new(split) };
    let opened = match open_labelled(uri, &options) {
        // Folders of ImageNet, all or some, tell by their names which of its classes they are.
        Ok(source)
            if trained.imagenet_classes().is_some() && are_imagenet_classes(source.classes()) =>
        {
            let all = imagenet_classes().iter().map(|class| class.wnid.to_owned());
            open_labelled(uri, &OpenOptions { classes: Some(all.collect()), ..options })
        }
        opened => opened,
    };
    match opened {
        Err(error @ (DifferentClasses { .. } | UnknownClass { .. })) => {
            Err(error).with_context(|| other_classes(uri, trained))
        }
        source => Ok(source?),
    }
}

fn other_classes(uri: &str, trained: &Trained) -> String {
    format!("{uri} has not the classes that {} knows", trained.file.display())
}

/// Whether a run held images out of a dataset that has no other part for evaluation, and names no other
/// dataset for it.
fn is_one_part(recipe: &Recipe) -> ocelli::data::Result<bool> {
    if recipe.data.hold_out.is_none() || recipe.data.test.is_some() {
        return Ok(false);
    }
    let class_order = recipe.data.class_order;
    match open_splits(&recipe.data.source, &OpenOptions { class_order, ..OpenOptions::default() }) {
        Ok(_) => Ok(false),
        Err(Error::NoSplits { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
