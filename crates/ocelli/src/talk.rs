//! Everything on stderr: messages, warnings, hints and progress.
//!
//! The libraries speak through `tracing`; their events and this crate's own lines pass by the same
//! writer, which keeps them clear of a progress bar.

mod lines;
mod progress;
mod status;

pub(crate) use lines::listen;
pub(crate) use progress::{Progress, Shown};
pub(crate) use status::{Status, clock, rate};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use indicatif::MultiProgress;
use std::io::{self, IsTerminal, Write};
use std::sync::{LazyLock, OnceLock};

use crate::output::plain;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().bold();

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
static COLOR: OnceLock<ColorChoice> = OnceLock::new();
static QUIET: OnceLock<bool> = OnceLock::new();

/// Sets in which colours it is said, and whether progress is told.
pub(crate) fn start(color: ColorChoice, quiet: bool) {
    // A second call is impossible: only `main` starts talking.
    let _ = COLOR.set(color);
    let _ = QUIET.set(quiet);
}

/// What went wrong.
pub(crate) fn error(text: &str) {
    line(&format!("{ERROR}error:{ERROR:#} {}", plain(text)));
}

/// What should not have been so, but stops nothing.
pub(crate) fn warning(text: &str) {
    line(&format!("{WARNING}warning:{WARNING:#} {}", plain(text)));
}

/// What the user can try.
pub(crate) fn hint(text: &str) {
    line(&format!("{HINT}hint:{HINT:#} {}", plain(text)));
}

/// Writes one line, above any progress bar. Nothing can be done about a stderr that is gone.
pub(crate) fn line(text: &str) {
    BARS.suspend(|| {
        let _ = writeln!(stderr(), "{text}");
    });
}

/// Where bars are drawn, if they are wanted and stderr is a terminal.
fn bars() -> Option<&'static MultiProgress> {
    let wanted = !QUIET.get().copied().unwrap_or(false) && io::stderr().is_terminal();
    wanted.then(|| &*BARS)
}

fn stderr() -> AutoStream<io::Stderr> {
    let choice = match COLOR.get().copied().unwrap_or(ColorChoice::Auto) {
        ColorChoice::Auto => return AutoStream::auto(io::stderr()),
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    AutoStream::new(io::stderr(), choice)
}
