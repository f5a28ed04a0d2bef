//! What the user can try, for each kind of failure.

use ocelli::nn::weights::WeightsError;
use ocelli::{data, nn, train};
use std::io;

use super::BadInput;

/// The hint of the innermost cause that knows one.
pub(super) fn of(error: &anyhow::Error) -> Option<String> {
    error.chain().filter_map(of_cause).last()
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<BadInput>() {
        return error.hint.clone();
    }
    if let Some(error) = cause.downcast_ref() {
        return of_training(error);
    }
    if let Some(error) = cause.downcast_ref::<data::Error>() {
        return error.hint().map(str::to_owned);
    }
    let network = cause.downcast_ref().and_then(of_network);
    let weights = cause.downcast_ref().and_then(of_weights);
    let system = cause.downcast_ref().and_then(of_system);
    network.or(weights).or(system).map(str::to_owned)
}

fn of_training(error: &train::Error) -> Option<String> {
    let hint = match error {
        // These three show themselves as the error inside, which is not among the causes then.
        train::Error::Data(error) => error.hint(),
        train::Error::Network(error) => of_network(error),
        train::Error::Weights(error) => of_weights(error),
        train::Error::RunExists { path } => {
            return Some(format!(
                "`ocelli train --resume {}` goes on with it; another --out begins a new run",
                path.display()
            ));
        }
        train::Error::Diverged { .. } => {
            Some("lower optimizer.lr, or shorten gradients with optimizer.clip_norm")
        }
        train::Error::UnknownArch { .. } => Some("name the network with --model"),
        train::Error::OtherRun { .. } => Some("begin a new run with other settings"),
        _ => None,
    };
    hint.map(str::to_owned)
}

fn of_network(error: &nn::Error) -> Option<&'static str> {
    match error {
        nn::Error::UnknownModel { .. } => Some("`ocelli models` lists the known models"),
        _ => None,
    }
}

fn of_weights(error: &WeightsError) -> Option<&'static str> {
    match error {
        WeightsError::OtherHead { .. } => {
            Some("--reset-head gives the classifier fresh weights and loads all others")
        }
        _ => None,
    }
}

fn of_system(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::NotFound => Some("check the path; it is looked for from the present folder"),
        io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge => {
            Some("make room and resume; what was saved before is whole")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("choose a folder that can be written"),
        io::ErrorKind::PermissionDenied => Some("check who may read and write there"),
        _ => None,
    }
}
