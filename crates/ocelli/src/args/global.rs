//! Options that every command has.

use clap::{ArgAction, Args, ColorChoice};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use crate::device::DeviceName;
use crate::memory::Bytes;

/// Options that every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Print one JSON object on stdout, as its last line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The one number from which all random numbers derive
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many threads compute and load; the result is the same for any number [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// Which device computes, as in cpu or cuda:0 [default: cpu]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) device: Option<DeviceName>,
    /// How much memory feature maps and batches may take, as in 12G [default: half of the
    /// machine's]
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) max_memory: Option<Bytes>,
    /// Say more; twice for everything
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When messages have colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
}

/// So many threads are accepted on any machine; beyond, a few for each of its cores.
const THREADS_ANYWHERE: usize = 256;

/// A number of threads that this machine can bear.
fn threads(text: &str) -> Result<usize, String> {
    let most = THREADS_ANYWHERE.max(4 * cores());
    match text.parse() {
        Ok(threads) if (1..=most).contains(&threads) => Ok(threads),
        _ => Err(format!("expected 1 to {most} threads")),
    }
}

/// How many threads this machine runs at once.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}
