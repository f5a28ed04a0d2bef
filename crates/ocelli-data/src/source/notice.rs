//! What a dataset has to say of itself while it is opened.
//!
//! A command may open the same dataset several times: its parts, the cells of a grid, an evaluation
//! after training. What is worth a line is worth it once.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// More lines than this are not remembered, so that a long-lived process stays small.
const MOST: usize = 4096;

static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Says this line, unless this process has said it before.
pub(super) fn once(line: &str) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() < MOST && !said.insert(line.to_owned()) {
        return;
    }
    tracing::info!("{line}");
}
