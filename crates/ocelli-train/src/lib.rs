//! Training for Ocelli: recipes, optimisers, the trainer, checkpoints and run folders.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod changed;
pub mod checkpoint;
mod data_record;
mod ema;
mod error;
mod evaluate;
mod exact;
mod examiner;
pub mod grid;
mod loaders;
pub mod loss;
mod lost_colours;
mod machine;
mod method;
pub mod metrics;
pub mod optimizer;
mod process_group;
pub mod recipe;
mod run_folder;
mod schedule;
mod setup;
mod skipped;
mod stages;
mod step_timer;
mod tensors;
mod text_file;
mod trained;
mod trainer;
mod training_length;
mod work_folder;

pub use changed::Changed;
pub use data_record::DataRecord;
pub use ema::Ema;
pub use error::{Error, Result};
pub use evaluate::{Evaluation, evaluate};
pub use exact::Exact;
pub use examiner::{
    Classification, Examined, Examiner, ExaminerSetup, Neighbours, Occasion, Reconstruction, Score,
    Voting,
};
pub use lost_colours::warn_of_lost_colours;
pub use machine::Machine;
pub use method::{
    Method, MethodConfig, MethodKind, Methods, Moment, Part, Step, StepOutput, StepParts,
    Supervised, check_classes,
};
pub use optimizer::Optimizer;
pub use process_group::{Local, ProcessGroup};
pub use recipe::{MethodSection, Recipe};
pub use run_folder::{MetricsLog, Row, RunFolder};
pub use schedule::Schedule;
pub use setup::{Setup, sources, tell_of_smaller_batches};
pub use stages::{Stage, Stages};
pub use step_timer::{StepTimer, time_in_turns};
pub use tensors::{give_back, images};
pub use text_file::read_text;
pub use trained::{
    CheckpointChoice, ChosenCheckpoint, Guess, Metadata, PredictOptions, Prediction, Pretrained,
    Trained, WeightsChoice, WeightsFile, preprocessing,
};
pub use trainer::{
    Best, Event, LatentRun, MODEL, Observer, State, StepReport, Summary, TrainOutcome, Trainer,
    TrainerParts,
};
pub use training_length::{ParseTrainingLengthError, TrainingLength};
pub use work_folder::{ClaimedFolder, Lock, WorkFolder};
