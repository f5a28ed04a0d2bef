//! What the user can try, for each kind of failure.

use ocelli::methods::post_training::PostTrainingError;
use ocelli::nn::weights::WeightsError;
use ocelli::report::ReportError;
use ocelli::{codebooks, data, methods, nn, onnx, results, train};
use std::io;

use super::bad_input::BadInput;

/// The hint of the innermost cause that knows one.
pub(super) fn find(error: &anyhow::Error) -> Option<String> {
    error.chain().filter_map(of_cause).last()
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<BadInput>() {
        return error.hint.clone();
    }
    if let Some(error) = cause.downcast_ref() {
        return of_training(error);
    }
    if let Some(error) = cause.downcast_ref() {
        return of_method(error);
    }
    let codebooks = cause.downcast_ref().and_then(of_codebooks);
    let data = cause.downcast_ref().and_then(of_data);
    let network = cause.downcast_ref().and_then(of_network);
    let weights = cause.downcast_ref().and_then(of_weights);
    let onnx = cause.downcast_ref().and_then(of_onnx);
    let report = cause.downcast_ref().and_then(of_report);
    let results = cause.downcast_ref().and_then(of_results);
    let system = cause.downcast_ref().and_then(of_system);
    codebooks
        .or(data)
        .or(network)
        .or(weights)
        .or(onnx)
        .or(report)
        .or(results)
        .or(system)
        .map(str::to_owned)
}

fn of_codebooks(error: &codebooks::Error) -> Option<&'static str> {
    match error {
        codebooks::Error::TooFewRows { .. } => {
            Some("ask for fewer centroids (--k, or --bits), or give more rows")
        }
        codebooks::Error::NotFinite { .. } => {
            Some("rows are counted from 0; leave it out, or compute it anew")
        }
        codebooks::Error::OtherCodebooks { .. } => {
            Some("codes are decoded with the codebooks that made them; `encode` makes new ones")
        }
        codebooks::Error::File { .. } => {
            Some("`ocelli codebook kmeans`, `train` and `encode` write these files")
        }
        _ => None,
    }
}

fn of_results(error: &results::Error) -> Option<&'static str> {
    match error {
        results::Error::NoCommit { .. } => Some(
            "commit the changes and build again; --force writes figures that nobody can repeat",
        ),
        results::Error::Csv { .. } => Some("quote fields with commas; `ocelli results add` does"),
        results::Error::Row { .. } => Some("`ocelli results add --help` says what a row needs"),
        results::Error::Io { .. } => None,
    }
}

fn of_training(error: &train::Error) -> Option<String> {
    let hint = match error {
        // These show themselves as the error inside, which is not among the causes then.
        train::Error::Data(error) => of_data(error),
        train::Error::Network(error) => of_network(error),
        train::Error::Weights(error) => of_weights(error),
        train::Error::NoClassifier => {
            Some("train a classifier on them: ocelli train --pretrained RUN --data … --reset-head")
        }
        train::Error::RunExists { path } => {
            return Some(format!(
                "`ocelli train --resume {}` goes on with it; another --out begins a new run",
                path.display()
            ));
        }
        train::Error::Diverged { .. } => {
            Some("lower optimizer.lr, or shorten gradients with optimizer.clip_norm")
        }
        train::Error::OutputNotFinite { .. } => Some(
            "the weights are finite but too large for this picture; take those of another step or file",
        ),
        train::Error::Io { error, .. } => of_system(error),
        train::Error::OtherData { .. } => {
            Some("`--set data.accept_changes=true` goes on with them, and says so in log.txt")
        }
        train::Error::OtherClasses { .. } => {
            Some("--reset-head starts the classifier anew, at zero, and loads all other weights")
        }
        train::Error::CheckpointsGone { .. } => {
            Some("put the checkpoints back, or begin anew with another --out")
        }
        train::Error::NoLatent { .. } => Some("name the folder of a run, as in runs/default-1"),
        train::Error::NoChoice { .. } => Some("leave out --checkpoint, or name the run's folder"),
        train::Error::NoSuchStep { .. } => {
            Some("--checkpoint best is the one of the best evaluation, last the newest")
        }
        train::Error::OtherRun { .. } => Some("begin a new run with other settings"),
        _ => None,
    };
    hint.map(str::to_owned)
}

fn of_method(error: &methods::Error) -> Option<String> {
    let hint = match error {
        methods::Error::Train(error) => return of_training(error),
        methods::Error::Network(error) => of_network(error),
        methods::Error::Data(error) => of_data(error),
        methods::Error::PostTraining(error) => of_post_training(error),
        methods::Error::Backbone { .. } => {
            Some("efficientnetv2_small_cifar is one for small images")
        }
        methods::Error::LedgerExists { path, what } => {
            let folder = path.parent().unwrap_or(path).display();
            let command = match what {
                methods::WorkKind::Attack => "attack one-pixel",
                methods::WorkKind::Search => "search",
                methods::WorkKind::LossSurface => {
                    return Some(
                        "the same command goes on with it; --force begins anew".to_owned(),
                    );
                }
            };
            return Some(format!(
                "`ocelli {command} --resume {folder}` goes on with it; another --out begins anew"
            ));
        }
        methods::Error::OtherWork { .. } => {
            Some("go on under its own settings, or begin anew with another --out")
        }
        methods::Error::Ledger { .. } => {
            Some("the lines before it are whole: without it and what follows, it goes on there")
        }
        methods::Error::NoDelta => Some("--inference auto computes whole images then"),
        methods::Error::Oracle { .. } => {
            Some("the oracle is for small grey images; `--set oracle_limit=N` allows more")
        }
        methods::Error::Io { error, .. } => of_system(error),
        _ => None,
    };
    hint.map(str::to_owned)
}

fn of_post_training(error: &PostTrainingError) -> Option<&'static str> {
    match error {
        PostTrainingError::Packed { .. } => Some("quantize the file that it was packed from"),
        PostTrainingError::NoLayer { .. } | PostTrainingError::NothingLeft { .. } => {
            Some("`ocelli cost MODEL --layers` lists layers")
        }
        PostTrainingError::NotFinite { .. } => Some("take the weights of another step or file"),
        PostTrainingError::Constant { .. } => {
            Some("is the network trained? --keep leaves a layer as it is")
        }
        PostTrainingError::NoLevels { .. } => {
            Some("--post-training quantizes a network that was trained in floats")
        }
        PostTrainingError::Budget { .. } => Some("take a smaller network, or --per tensor"),
        _ => None,
    }
}

fn of_data(error: &data::Error) -> Option<&'static str> {
    match error {
        data::Error::Io { error, .. } => of_system(error),
        error => error.hint(),
    }
}

fn of_network(error: &nn::Error) -> Option<&'static str> {
    match error {
        nn::Error::UnknownModel { .. } => Some("`ocelli models` lists the known models"),
        nn::Error::UnknownLayer { .. } => Some("`ocelli cost MODEL --layers` lists layers"),
        _ => None,
    }
}

fn of_weights(error: &WeightsError) -> Option<&'static str> {
    match error {
        WeightsError::OtherHead { .. } => {
            Some("--reset-head starts the classifier anew, at zero, and loads all other weights")
        }
        WeightsError::NoKnownModel { .. } => {
            Some("name the model with --model to see what is missing")
        }
        WeightsError::SeveralModels { .. } => Some(
            "choose one with --model; they differ in padding or preprocessing, which no tensor shows",
        ),
        WeightsError::TorchScript { .. } => Some(
            "in Python, torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth') saves them alone",
        ),
        WeightsError::NoStateDict { section: Some(_), .. } => {
            Some("--section takes the keys that lead to the tensors, with dots between them")
        }
        WeightsError::Altered { .. } => Some("copy it again, or run `ocelli quantize` again"),
        WeightsError::Packed { .. } => {
            Some("eval, predict and attack open it; for all else take the file that it was made of")
        }
        WeightsError::Io { error, .. } => of_system(error),
        _ => None,
    }
}

fn of_onnx(error: &onnx::Error) -> Option<&'static str> {
    match error {
        onnx::Error::Network(error) => of_network(error),
        onnx::Error::NoExport { .. } => {
            Some("the network runs here alone: ocelli predict, ocelli eval")
        }
        onnx::Error::TooLarge { .. } => {
            Some("a network with fewer classes or channels fits; its weights stay as they are")
        }
        onnx::Error::NotFinite { .. } => {
            Some("the weights are finite but too large; take those of another step or file")
        }
        _ => None,
    }
}

fn of_report(error: &ReportError) -> Option<&'static str> {
    match error {
        ReportError::Io { error, .. } => of_system(error),
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
