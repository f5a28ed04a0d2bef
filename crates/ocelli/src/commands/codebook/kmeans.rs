//! `ocelli codebook kmeans`: clusters of rows.

use anyhow::Context;
use ocelli::codebooks::{
    Balanced, Clusters, End, KMeans, KMeansConfig, KMeansFit, MiniBatch, Rows, Silhouette,
    silhouette,
};
use ocelli::random::Seed;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::failure::{BadInput, Done};
use crate::npy;
use crate::output::grouped;
use crate::own_files::check_output;
use crate::settings::Settings;
use crate::whole_file::write_whole;

const EXAMPLES: &str = "\
The file has `centroids` and the `assignment` of each row, and remembers the dataset of rows that `ocelli embed`
wrote. The result is the same for any number of threads.

Examples:
  ocelli codebook kmeans features.npy --k 100 --out clusters.safetensors
  ocelli codebook kmeans features.npy --k 64 --balanced --out clusters.safetensors
  ocelli codebook kmeans features.npy --k 1000 --start centroids.npy --steps 25 --out clusters.safetensors";

/// What can be typed after `ocelli codebook kmeans`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The rows
    #[arg(value_name = "FILE.npy")]
    rows: PathBuf,
    /// How many clusters to find
    #[arg(long, value_name = "N")]
    k: usize,
    /// The safetensors file to write, whole or not at all
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How often to start anew; the best attempt counts [default: 10; balanced: 1]
    #[arg(long, value_name = "N", conflicts_with_all = ["start", "mini_batch"])]
    restarts: Option<usize>,
    /// The most steps of an attempt [default: 300; balanced and mini-batch: 100]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// End when the centroids' squared moves are no more than this share of the rows' variance; 0 ends when
    /// no row changes its cluster
    #[arg(long, value_name = "SHARE", default_value_t = 1e-4)]
    tolerance: f64,
    /// Start from these centroids
    #[arg(long, value_name = "FILE.npy")]
    start: Option<PathBuf>,
    /// Clusters whose sizes differ by at most one
    #[arg(long, conflicts_with_all = ["start", "mini_batch"])]
    balanced: bool,
    /// Take so many rows a step instead of all
    #[arg(long, value_name = "ROWS", conflicts_with = "start")]
    mini_batch: Option<usize>,
    /// Tell how well clusters are apart (silhouette), on a sample of so many rows
    #[arg(long, value_name = "ROWS")]
    silhouette: Option<usize>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct KmeansJson {
    rows: usize,
    width: usize,
    k: usize,
    inertia: f64,
    iterations: usize,
    end: &'static str,
    restart: usize,
    repaired: usize,
    smallest: usize,
    largest: usize,
    silhouette: Option<f64>,
    inertias: Vec<f64>,
    out: PathBuf,
}

/// Finds clusters.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    check_output(&args.out, "safetensors", args.force)?;
    let matrix = npy::read(&args.rows)?;
    let named = || args.rows.display().to_string();
    let rows = Rows::dense(&matrix.values, matrix.width);
    tracing::info!("{}: {} rows of {}", named(), grouped(rows.count() as u64), matrix.width);
    let seed = Seed(settings.seed.unwrap_or_default());
    let fit = find(args, rows, seed).with_context(named)?;
    let apart = match args.silhouette {
        Some(sample) => Some(silhouette(rows, &fit.assignment, sample, seed)?),
        None => None,
    };
    let mut sizes = vec![0; args.k];
    fit.assignment.iter().for_each(|cluster| sizes[*cluster as usize] += 1);
    let json = KmeansJson {
        rows: matrix.rows,
        width: matrix.width,
        k: args.k,
        inertia: fit.inertia,
        iterations: fit.iterations,
        end: match fit.end {
            End::Settled => "settled",
            End::Tolerance => "tolerance",
            End::Steps => "steps",
        },
        restart: fit.restart,
        repaired: fit.repaired,
        smallest: sizes.iter().copied().min().unwrap_or_default(),
        largest: sizes.iter().copied().max().unwrap_or_default(),
        silhouette: apart.map(|Silhouette { mean, .. }| mean),
        inertias: fit.inertias.clone(),
        out: args.out.clone(),
    };
    let clusters = Clusters { notes: notes(&args.rows)?, ..Clusters::from(fit) };
    write_whole(&args.out, clusters.to_bytes()?)?;
    let KmeansJson { k, inertia, iterations, end, smallest, largest, .. } = &json;
    let output = &mut settings.output;
    output.text(format_args!("{k} clusters of {smallest} to {largest} rows"))?;
    output.text(format_args!("inertia {inertia:.6} after {iterations} steps ({end})"))?;
    if let Some(mean) = json.silhouette {
        output.text(format_args!("silhouette {mean:.4}"))?;
    }
    output.text(format_args!("wrote {}", args.out.display()))?;
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}

/// What stands beside rows that `ocelli embed` wrote: of which dataset they are, above all.
fn notes(rows: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let path = rows.with_extension("json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let Ok(Value::Object(record)) = serde_json::from_str(&text) else {
        tracing::warn!("{}: no record of these rows, and not looked at", path.display());
        return Ok(BTreeMap::new());
    };
    let known = ["data", "fingerprint", "layer", "model"];
    let note = |key: &str| Some((key.to_owned(), record.get(key)?.as_str()?.to_owned()));
    Ok(known.into_iter().filter_map(note).collect())
}

fn find(args: &Args, rows: Rows<'_>, seed: Seed) -> anyhow::Result<KMeansFit> {
    let Args { k, .. } = *args;
    if args.balanced {
        let Balanced { restarts, steps, .. } = Balanced::default();
        let restarts = args.restarts.unwrap_or(restarts);
        let balanced = Balanced { k, restarts, steps: args.steps.unwrap_or(steps) };
        return Ok(balanced.fit(rows, seed)?);
    }
    if let Some(batch) = args.mini_batch {
        let steps = args.steps.unwrap_or(MiniBatch::default().steps);
        return Ok(MiniBatch { k, batch, steps }.fit(rows, seed)?);
    }
    let default = KMeansConfig::default();
    let kmeans = KMeans::new(KMeansConfig {
        k,
        restarts: args.restarts.unwrap_or(default.restarts),
        steps: args.steps.unwrap_or(default.steps),
        tolerance: args.tolerance,
        ..default
    })?;
    let Some(path) = &args.start else { return Ok(kmeans.fit(rows, seed)?) };
    let start = npy::read(path)?;
    if (start.rows, start.width) != (k, rows.channels()) {
        let (shown, width) = (path.display(), rows.channels());
        let message = format!(
            "{shown}: {} centroids of {} columns, expected {k} of {width}",
            start.rows, start.width
        );
        return Err(BadInput::new(message).hint("--k and the rows decide their shape").into());
    }
    Ok(kmeans.fit_from(rows, &start.values, seed)?)
}
