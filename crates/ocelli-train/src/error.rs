//! What can go wrong while training, each case with the field, file or step that is at fault.

use std::path::PathBuf;

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe is not TOML.
    #[error("{origin}: {message}")]
    RecipeSyntax {
        /// The file, or what else the text came from.
        origin: String,
        /// What the TOML reader said, with the line.
        message: String,
    },

    /// A recipe has a key that means nothing.
    #[error("unknown key `{key}`{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The key as written, with its section.
        key: String,
        /// The known key that is closest to it.
        nearest: Option<String>,
    },

    /// A field of a recipe has a value of the wrong type or out of range.
    #[error("`{field}` is {found}, expected {expected}")]
    Field {
        /// The field with its section, as in `optimizer.lr`.
        field: String,
        /// What was found.
        found: String,
        /// What would be accepted.
        expected: String,
    },

    /// An override is not of the form `section.key=value`.
    #[error("`{text}` is not an override, expected `section.key=value`")]
    Override {
        /// The override as written.
        text: String,
    },

    /// An axis of a grid is malformed, or there are too many trainings.
    #[error("grid `{axis}`: {reason}")]
    Grid {
        /// The axis or the axes, as written.
        axis: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The memory of an optimiser is that of another network or another kind of optimiser.
    #[error("the optimiser's state does not fit the recipe: `{tensor}`")]
    OptimizerState {
        /// The tensor that is missing, unknown or of another size.
        tensor: String,
    },

    /// Something is wrong with a network or its weights.
    #[error(transparent)]
    Network(#[from] ocelli_nn::Error),

    /// Something is wrong with a file of weights.
    #[error(transparent)]
    Weights(#[from] ocelli_nn::weights::WeightsError),

    /// The training set does not fill one step.
    #[error(
        "the training set has {samples} images, fewer than the {needed} of one step \
         (train.batch_size × train.accumulate)"
    )]
    TooFewSamples {
        /// The images of the training set.
        samples: u64,
        /// The images of one step.
        needed: u64,
    },

    /// An autoencoder makes images of another size than it sees.
    #[error("the images that are made are {}, expected {}", dims(made), dims(expected))]
    OtherSize {
        /// `[batch, channels, height, width]` of what is made.
        made: [usize; 4],
        /// That of what went in.
        expected: [usize; 4],
    },

    /// Pictures of a batch that no group is known of.
    #[error("{grouped} of {rows} pictures are in a cluster that is known")]
    Ungrouped {
        /// The pictures of the batch.
        rows: usize,
        /// Those with a label or a cluster.
        grouped: usize,
    },

    /// None of a process's images of a step could be read.
    #[error("step {step}: this process has no readable image")]
    EmptyShare {
        /// The step, counted from one.
        step: u64,
    },

    /// The network gives features of images, as one that was trained without labels, and no classes.
    #[error("the network gives features, not classes")]
    NoClassifier,

    /// The network's classifier does not fit the dataset.
    #[error("the network tells {network} classes apart, the dataset has {data}")]
    ClassCount {
        /// The classes of the network.
        network: usize,
        /// The classes of the dataset.
        data: usize,
    },

    /// An evaluation did not see every sample once.
    #[error("evaluated {counted} images, expected {expected}")]
    IncompleteEvaluation {
        /// The images counted.
        counted: u64,
        /// The images of the dataset.
        expected: u64,
    },

    /// Training has diverged. Nothing was saved after that.
    #[error("{what} is not finite at step {step}; {}", kept_checkpoint(kept.as_deref()))]
    Diverged {
        /// What is NaN or ∞: `the loss`, or a parameter.
        what: String,
        /// The step at which it was found, counted from one.
        step: u64,
        /// The last checkpoint from before.
        kept: Option<PathBuf>,
    },

    /// A network's output for an image is NaN or ∞.
    #[error("{image}: the network's answer is not finite (NaN or infinite)")]
    OutputNotFinite {
        /// The image.
        image: String,
    },

    /// A run cannot be continued with other data or another recipe.
    #[error("the run was begun with {field} {begun}, now it is {now}")]
    OtherRun {
        /// What differs.
        field: String,
        /// Its value in the checkpoint.
        begun: String,
        /// Its value now.
        now: String,
    },

    /// A run cannot go on with other images.
    #[error("{}: {changed}", path.display())]
    OtherData {
        /// The run's folder.
        path: PathBuf,
        /// What differs first.
        changed: crate::Changed,
    },

    /// Weights are those of a classifier for other classes.
    #[error("{file} has a classifier for other classes: `{theirs}` where the dataset has `{ours}`")]
    OtherClasses {
        /// The file of weights.
        file: String,
        /// The first class that differs, as the file calls it.
        theirs: String,
        /// The same as the dataset calls it.
        ours: String,
    },

    /// None of a run's checkpoints can be trusted.
    #[error("no checkpoint in {} can be trusted; the newest: {reason}", folder.display())]
    NoGoodCheckpoint {
        /// The folder of the checkpoints.
        folder: PathBuf,
        /// What is wrong with the newest.
        reason: String,
    },

    /// All images were left out, because none can be read.
    #[error("none of {of} can be read: {skipped} were left out")]
    NothingReadable {
        /// Which images.
        of: &'static str,
        /// How many there are.
        skipped: u64,
    },

    /// A run had checkpoints, and none is left.
    #[error("{} holds no checkpoint, but the run had come to step {step}", folder.display())]
    CheckpointsGone {
        /// The folder of the checkpoints.
        folder: PathBuf,
        /// The last step that was measured.
        step: u64,
    },

    /// Something is wrong with the data.
    #[error(transparent)]
    Data(#[from] ocelli_data::Error),

    /// Something that only a method or an examiner knows of.
    #[error(transparent)]
    Method(Box<dyn std::error::Error + Send + Sync>),

    /// A file or folder could not be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said: a part of the message, hence no source of it.
        error: std::io::Error,
    },

    /// A new run would overwrite another one.
    #[error("{} holds a run already", path.display())]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },

    /// Another process is writing to the run.
    #[error("another process is writing to the run {}", path.display())]
    RunBusy {
        /// The run's folder.
        path: PathBuf,
    },

    /// A folder holds no checkpoint to take a network from.
    #[error("{}: no checkpoint; expected a run's folder, a checkpoint or a file", path.display())]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
    },

    /// A run has no checkpoint of the step that was asked for.
    #[error("{}: no checkpoint of step {step}; there are {}", path.display(), listed(known))]
    NoSuchStep {
        /// The run's folder.
        path: PathBuf,
        /// The step that was asked for.
        step: u64,
        /// The steps whose checkpoints are there.
        known: Vec<u64>,
    },

    /// A checkpoint was to be chosen where there is but one file of weights.
    #[error("{}: no run's folder, of which a checkpoint could be chosen", path.display())]
    NoChoice {
        /// The file, or the checkpoint's folder.
        path: PathBuf,
    },

    /// What a method trains is kept with the checkpoints of its run alone.
    #[error("{}: no checkpoint of a run, which has the weights that its method trains", path.display())]
    NoLatent {
        /// The file of weights.
        path: PathBuf,
    },

    /// A file of a run is not what it claims to be.
    #[error("{}: {reason}", path.display())]
    Corrupt {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// An error of a method or an examiner outside of this crate.
    pub fn method(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Method(Box::new(error))
    }

    /// Says which file or folder an I/O error is about.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn listed(steps: &[u64]) -> String {
    match steps {
        [] => "none".to_owned(),
        steps => steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn kept_checkpoint(kept: Option<&std::path::Path>) -> String {
    match kept {
        Some(path) => format!("the last good checkpoint is {}", path.display()),
        None => "no checkpoint was written before that".to_owned(),
    }
}

fn dims([_, channels, height, width]: &[usize; 4]) -> String {
    format!("{channels} × {height} × {width}")
}
