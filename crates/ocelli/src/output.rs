//! Everything on stdout: tables and text for people, one JSON object for programs.

mod number;
mod plain;
mod table;

pub(crate) use number::{grouped, millions, percent, short};
pub(crate) use plain::{plain, plain_lines};
pub(crate) use table::{Align, Table};

use anyhow::Context;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufWriter, Stdout, Write};

/// Where data goes, in the form that the user asked for.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    stdout: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, stdout: BufWriter::new(io::stdout()) }
    }

    /// Whether the output is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Lines for people; nothing for programs. Names in them are [plain](plain()).
    pub(crate) fn text(&mut self, text: impl Display) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let text = text.to_string();
        writeln!(self.stdout, "{}", plain_lines(&text)).context("stdout")
    }

    /// Lets everything be seen that was written so far.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.flush().context("stdout")
    }

    /// One line of JSON for anyone, at once.
    pub(crate) fn line(&mut self, text: impl Display) -> anyhow::Result<()> {
        writeln!(self.stdout, "{text}").context("stdout")?;
        self.flush()
    }

    /// Ends the output: with the one JSON object if the user asked for it.
    pub(crate) fn finish(mut self, result: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            serde_json::to_writer(&mut self.stdout, result).map_err(io::Error::from)?;
            writeln!(self.stdout).context("stdout")?;
        }
        self.stdout.flush().context("stdout")
    }
}
