//! `ocelli report`: everything about a run, a grid, a search or an attack on one page.

mod attack;
mod evaluation;
mod folder;
mod grid;
mod page;
mod page_file;
mod search;
mod sheet;

use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::failure::Done;
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
also while the run goes on.

Examples:
  ocelli report runs/default-1
  ocelli report runs/rates                  a grid
  ocelli report runs/default-1 --out report.html";

/// What can be typed after `ocelli report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder of a run, a grid, a search or an attack
    #[arg(value_name = "FOLDER")]
    run: PathBuf,
    /// The page to write [default: FOLDER/report.html]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out, whatever it holds
    #[arg(long, requires = "out")]
    force: bool,
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
    let report = args.out.clone().unwrap_or_else(|| default_path(&args.run));
    let (folder, of) = (&args.run, Kind::from_folder(&args.run)?);
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

/// Writes the page of a run into its folder.
pub(crate) fn write(run: &Path) -> anyhow::Result<()> {
    page::of_run(run)?.write(&default_path(run))?;
    Ok(())
}
