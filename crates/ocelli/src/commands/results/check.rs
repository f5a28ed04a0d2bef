//! `ocelli results check`: whether figures have their rows.

use std::path::PathBuf;

use crate::failure::{BadInput, Done};
use crate::output::grouped;
use crate::settings::Settings;

/// What can be typed after `ocelli results check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of results; pages are the Markdown files of the folder above it, of its docs/ and of its
    /// crates/*/
    #[arg(value_name = "DIR", default_value = "results")]
    folder: PathBuf,
}

/// Lists what is wrong, and fails if anything is.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let report = ocelli::results::check(&args.folder)?;
    let output = &mut settings.output;
    for problem in &report.problems {
        let (file, line, message) = (problem.file.display(), problem.line, &problem.message);
        output.text(format_args!("{file}:{line}: {message}"))?;
    }
    let [files, rows, figures, pages, uncommitted] =
        [report.files, report.rows, report.figures, report.pages, report.uncommitted]
            .map(|count| grouped(count as u64));
    output
        .text(format_args!("{rows} rows in {files} files, {figures} figures on {pages} pages"))?;
    if report.uncommitted > 0 {
        output.text(format_args!("{uncommitted} rows are of builds that are no commit"))?;
    }
    let wrong = report.problems.len();
    settings.output.finish(&report)?;
    if wrong == 0 {
        return Ok(Done::Complete);
    }
    let message = format!("{}: {wrong} problems", args.folder.display());
    Err(BadInput::new(message).hint("each is a line of stdout, with the file and its line").into())
}
