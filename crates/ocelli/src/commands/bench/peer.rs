//! Other projects: a Python that replies one line of JSON for each line of JSON.

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// The other side of the conversation: what is started, and what it imports.
const MAIN: &str = "peer.py";
const SCRIPTS: [(&str, &str); 2] = [
    (MAIN, include_str!("../../../../../bench/peers/peer.py")),
    ("one_pixel.py", include_str!("../../../../../bench/peers/one_pixel.py")),
];

/// The scripts in a folder of their own, which goes when this does.
#[derive(Debug)]
pub(super) struct Scripts(TempDir);

impl Scripts {
    /// Writes them where temporary files are.
    ///
    /// # Errors
    /// When that cannot be written.
    #[expect(clippy::disallowed_methods, reason = "into a temporary folder")]
    pub(super) fn write() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ocelli-bench-").context("a temporary folder")?;
        for (name, text) in SCRIPTS {
            let path = folder.path().join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(Self(folder))
    }

    fn main(&self) -> PathBuf {
        self.0.path().join(MAIN)
    }
}

/// A peer under way. It keeps what it has prepared from request to request, so that only passes
/// are timed.
#[derive(Debug)]
pub(super) struct Peer {
    name: String,
    process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

/// What came of the passes of one turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Turn {
    /// The median time of a pass, in milliseconds.
    pub(super) ms: f64,
    /// How many images a pass was about, where passes count them.
    pub(super) images: Option<f64>,
    /// How the peer chose to run, where it chooses.
    pub(super) settings: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum PeerReply {
    /// Name and version, once at the start.
    Name {
        name: String,
    },
    Turn(Turn),
    Error {
        error: String,
    },
}

impl Peer {
    /// Starts the peer called `name`. The outer result is Python's, the inner one the peer's: it may
    /// lack a package.
    ///
    /// # Errors
    /// When Python cannot be started.
    pub(super) fn start(
        python: &Path,
        scripts: &Scripts,
        name: &str,
        threads: usize,
    ) -> anyhow::Result<anyhow::Result<Self>> {
        let mut process = Command::new(python)
            .arg("-u")
            .arg(scripts.main())
            .args([name, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| python.display().to_string())?;
        let (Some(requests), Some(replies)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("{}: no pipes", python.display());
        };
        let replies = BufReader::new(replies);
        let mut peer = Self { name: name.to_owned(), process, requests, replies };
        Ok(match peer.reply() {
            Ok(PeerReply::Name { name }) => {
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

    /// One turn of passes.
    ///
    /// # Errors
    /// When the peer cannot do what is asked, or has died.
    pub(super) fn measure(&mut self, request: &Value) -> anyhow::Result<Turn> {
        writeln!(self.requests, "{request}").context("cannot ask")?;
        match self.reply()? {
            PeerReply::Turn(turn) => Ok(turn),
            reply => bail!("expected a time, got {reply:?}"),
        }
    }

    fn reply(&mut self) -> anyhow::Result<PeerReply> {
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            bail!("it ended without an answer");
        }
        match serde_json::from_str(&line)? {
            PeerReply::Error { error } => bail!(error),
            reply => Ok(reply),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_told_by_its_words() {
        let reply = |line: &str| serde_json::from_str::<PeerReply>(line).unwrap();
        let name = "peer 1.0".to_owned();
        assert_eq!(reply(r#"{"name": "peer 1.0"}"#), PeerReply::Name { name });
        let turn = |images, settings| PeerReply::Turn(Turn { ms: 97.1, images, settings });
        assert_eq!(reply(r#"{"ms": 97.1}"#), turn(None, None));
        let settings = Some("nhwc, batch 32".to_owned());
        assert_eq!(
            reply(r#"{"ms": 97.1, "images": 800.5, "settings": "nhwc, batch 32"}"#),
            turn(Some(800.5), settings)
        );
        let error = "no module".to_owned();
        assert_eq!(reply(r#"{"error": "no module"}"#), PeerReply::Error { error });
        assert!(serde_json::from_str::<PeerReply>("{}").is_err());
    }

    #[test]
    fn scripts_go_with_their_folder() {
        let scripts = Scripts::write().unwrap();
        let path = scripts.main();
        assert!(path.is_file() && path.with_file_name("one_pixel.py").is_file());
        drop(scripts);
        assert!(!path.exists());
    }
}
