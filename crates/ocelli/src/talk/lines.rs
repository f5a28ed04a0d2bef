//! Events of the libraries as lines that a person reads.

use std::fmt;
use std::io::{self, Write};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::{ERROR, WARNING};
use crate::output::plain;

/// Shows what libraries say from now on: less if `quiet`, more the more `verbose`.
pub(crate) fn listen(quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(Stderr)
        .event_format(Plain)
        .finish();
    // A library that is tested inside another program may find a listener there already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// `warning: message`; plain words for what is merely told.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match *event.metadata().level() {
            Level::ERROR => write!(writer, "{ERROR}error:{ERROR:#} ")?,
            Level::WARN => write!(writer, "{WARNING}warning:{WARNING:#} ")?,
            Level::INFO => {}
            Level::DEBUG | Level::TRACE => write!(writer, "{}: ", event.metadata().target())?,
        }
        let mut message = String::new();
        context.field_format().format_fields(Writer::new(&mut message), event)?;
        writeln!(writer, "{}", plain(&message))
    }
}

/// Collects one event and hands it on as one line.
struct Stderr;

struct Pending(Vec<u8>);

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Pending;

    fn make_writer(&'a self) -> Pending {
        Pending(Vec::new())
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        super::line(String::from_utf8_lossy(&self.0).trim_end());
    }
}
