//! `ocelli report`: everything about a run on one page.

mod evaluation;
mod page;

use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::failure::Done;
use crate::own_place::check_file;
use crate::settings::Settings;

pub(crate) use evaluation::SavedEvaluation;

const EXAMPLES: &str = "\
The page holds the curves, the accuracy of every class, what is confused with what, and the recipe.
It needs no network and no script. `ocelli train` writes it at its end; this writes it anew, also
while the run goes on.

Examples:
  ocelli report runs/default-1
  ocelli report runs/default-1 --out report.html";

/// What can be typed after `ocelli report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The page to write [default: RUN/report.html]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out, whatever it holds
    #[arg(long, requires = "out")]
    force: bool,
}

/// How a page begins.
const PAGE: &str = "<!doctype html>";

#[derive(Serialize)]
struct Answer<'a> {
    run: &'a Path,
    report: &'a Path,
}

/// Writes the page and names it.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    if let Some(path) = &args.out {
        check_file(path, PAGE, args.force)?;
    }
    let report = args.out.clone().unwrap_or_else(|| default_path(&args.run));
    page::of_run(&args.run)?.write(&report)?;
    settings.output.text(report.display())?;
    settings.output.finish(&Answer { run: &args.run, report: &report })?;
    Ok(Done::Complete)
}

/// Writes the page of a run into its folder.
pub(crate) fn write(run: &Path) -> anyhow::Result<()> {
    page::of_run(run)?.write(&default_path(run))?;
    Ok(())
}

fn default_path(run: &Path) -> PathBuf {
    run.join("report.html")
}
