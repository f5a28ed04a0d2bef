//! Other projects: a Python that answers one line of JSON for each line of JSON.

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The other side of the conversation.
const SCRIPT: &str = include_str!("../../../../../bench/peers/peer.py");

/// A peer under way. It keeps what it has prepared from request to request, so that only passes
/// are timed.
#[derive(Debug)]
pub(super) struct Peer {
    name: String,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// Name and version, once at the start.
    Name(String),
    /// The median time of a pass, in milliseconds.
    Ms(f64),
    Error(String),
}

impl Peer {
    /// Starts the peer called `name`. The outer result is Python's, the inner one the peer's: it may
    /// lack a package.
    ///
    /// # Errors
    /// When Python cannot be started.
    pub(super) fn start(
        python: &Path,
        name: &str,
        threads: usize,
    ) -> anyhow::Result<anyhow::Result<Self>> {
        let mut process = Command::new(python)
            .args(["-u", "-c", SCRIPT, name, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("{}: no pipes", python.display());
        };
        let answers = BufReader::new(answers);
        let mut peer = Self { name: name.to_owned(), process, requests, answers };
        Ok(match peer.answer() {
            Ok(Answer::Name(name)) => {
                peer.name = name;
                Ok(peer)
            }
            Ok(_) => Err(anyhow!("it did not say its name")),
            Err(error) => Err(error),
        })
    }

    /// Name and version.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The median time of a pass over one turn, in milliseconds.
    ///
    /// # Errors
    /// When the peer cannot do what is asked, or has died.
    pub(super) fn measure(&mut self, request: &Value) -> anyhow::Result<f64> {
        writeln!(self.requests, "{request}").context("cannot ask")?;
        match self.answer()? {
            Answer::Ms(time) => Ok(time),
            answer => bail!("expected a time, got {answer:?}"),
        }
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it ended without an answer");
        }
        match serde_json::from_str(&line)? {
            Answer::Error(error) => bail!(error),
            answer => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input, but it may be in the middle of a pass.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
