//! SIGINT, SIGTERM and SIGHUP ask a command to stop; a second one of the first two ends it at once.

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::failure::INTERRUPTED;

/// A flag that the first signal sets.
///
/// # Errors
/// When the system does not let signals be caught.
pub(crate) fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the exit is armed by the flag that the first signal sets after it.
        flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context("cannot catch signals")?;
    }
    #[cfg(unix)]
    hang_up(&stop)?;
    Ok(stop)
}

/// A terminal that is closed may hang up twice, through its shell and by itself, so that this signal
/// never ends a command at once.
#[cfg(unix)]
fn hang_up(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    use signal_hook::consts::SIGHUP;
    if !is_ignored(SIGHUP) {
        flag::register(SIGHUP, Arc::clone(stop)).context("cannot catch signals")?;
    }
    Ok(())
}

/// Whether a signal was ignored when the command began, as `nohup` does with SIGHUP. Where the system
/// does not tell, it counts as not ignored.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
