//! `ocelli report`: everything about a run, a grid, a search or an attack on one page, or several networks by their
//! size.

mod attack;
mod compare;
mod evaluation;
mod folder;
mod grid;
mod page;
mod page_file;
mod quantized;
mod quantized_run;
mod search;
mod sensitivity;
mod sheet;

use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::failure::{BadUsage, Done};
use crate::own_files::check_file;
use crate::settings::Settings;
use folder::Kind;
use page_file::{PAGE, default_path};

pub(crate) use evaluation::SavedEvaluation;

const EXAMPLES: &str = "\
The page of a run holds its curves, the accuracy of every class, what is confused with what, and the \
recipe; that of a grid the curves of all its runs and a table of what they reached; that of a search \
every trial and its reward; that of an attack, which the attack itself has written, rates and pictures. \
It needs no network and no script. `ocelli train` writes that of a run at its end; this writes it anew, \
also while the run goes on. Of a run with a [dqa] section it has bits and attention of each layer, errors \
by temperature, and sizes; which layers suffer needs images, and is measured where --sensitivity asks for it.

Of several folders, of runs or of what `ocelli quantize` wrote, the page (--out) compares bytes and accuracy.

Examples:
  ocelli report runs/default-1
  ocelli report runs/dqa --sensitivity 256  which layers suffer from few bits
  ocelli report runs/rates                  a grid
  ocelli report runs/default-1 --out report.html
  ocelli report runs/vanilla runs/dqa q8 q4 --out pareto.html";

/// What can be typed after `ocelli report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder of a run, a grid, a search or an attack; several of runs and quantizations are compared
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    /// The page to write [default: FOLDER/report.html, of a single one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Measure on so many training images what few bits cost each layer of a run with a [dqa] section; it is kept in
    /// the run's folder
    #[arg(long, value_name = "IMAGES", value_parser = clap::value_parser!(u64).range(1..))]
    sensitivity: Option<u64>,
    /// Replace the file of --out, whatever it holds
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Serialize)]
struct ComparisonJson<'a> {
    of: &'static str,
    networks: &'a [compare::SizedNetwork],
    report: &'a Path,
}

#[derive(Serialize)]
struct ReportJson<'a> {
    run: &'a Path,
    of: Kind,
    report: &'a Path,
}

/// Writes the page and names it.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    if let Some(path) = &args.out {
        check_file(path, PAGE, args.force)?;
    }
    let [folder] = args.folders.as_slice() else { return run_comparison(args, settings) };
    let report = args.out.clone().unwrap_or_else(|| default_path(folder));
    let of = Kind::from_folder(folder)?;
    if let Some(images) = args.sensitivity {
        if of != Kind::Run {
            return Err(BadUsage("--sensitivity is for the folder of a run".to_owned()).into());
        }
        sensitivity::measure(folder, images, &settings)?;
    }
    match of {
        Kind::Run => page::of_run(folder)?.write(&report)?,
        Kind::Grid => grid::page(folder)?.write(&report)?,
        Kind::Search => search::page(folder)?.write(&report)?,
        Kind::Attack => attack::copy_page(folder, &report)?,
    }
    settings.output.text(report.display())?;
    settings.output.finish(&ReportJson { run: folder, of, report: &report })?;
    Ok(Done::Complete)
}

/// Writes the page that compares several.
fn run_comparison(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let refuse = |words: &str| Err(BadUsage(words.to_owned()).into());
    let Some(report) = &args.out else {
        return refuse("name the page of several folders with --out");
    };
    if args.sensitivity.is_some() {
        return refuse("--sensitivity is for the folder of a run");
    }
    let networks = compare::networks(&args.folders)?;
    compare::page(&networks)?.write(report)?;
    settings.output.text(report.display())?;
    let json = ComparisonJson { of: "comparison", networks: &networks, report };
    settings.output.finish(&json)?;
    Ok(Done::Complete)
}

/// Writes the page of a run into its folder.
pub(crate) fn write(run: &Path) -> anyhow::Result<()> {
    page::of_run(run)?.write(&default_path(run))?;
    Ok(())
}
