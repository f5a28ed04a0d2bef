//! How much memory there is, and how much a network may take of it.
//!
//! A file of weights says how large its images are, and a recipe how large its batches; both can ask for
//! more than a machine has. What a network takes is known before it takes it. Linux says in `/proc` how
//! much there is; where that is not there, nothing is known.

use ocelli::nn::{Cost, GradientEngine, InferenceEngine, Network};
use std::fs;
use std::str::FromStr;

use crate::failure::BadInput;

/// The share of the machine's memory that feature maps and batches may take.
const SHARE: f64 = 0.5;

/// So many batches stand in memory at once: the one in use and those that are loaded ahead.
const BATCHES: u64 = 3;

/// The most that feature maps and batches may take together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryLimit(u64);

impl MemoryLimit {
    /// What was asked for, or else a share of what the machine or its container has.
    pub(crate) fn resolve(asked: Option<Bytes>) -> Self {
        let share = || (total().unwrap_or(u64::MAX) as f64 * SHARE) as u64;
        Self(asked.map_or_else(share, |Bytes(bytes)| bytes))
    }

    /// Checks that `network` can be run on batches of so many images before it is.
    ///
    /// # Shapes
    /// - `shape`: `[batch, channels, height, width]`
    ///
    /// # Errors
    /// When it would take more, with `what` for the file or field that says how large images are.
    pub(crate) fn check_inference(
        self,
        what: &str,
        network: &Network,
        shape: [usize; 4],
    ) -> anyhow::Result<()> {
        let planned = InferenceEngine::memory(network, shape)?;
        self.check(what, network, shape, planned)
    }

    /// The same for training.
    ///
    /// # Errors
    /// As [`MemoryLimit::check_inference`].
    pub(crate) fn check_training(
        self,
        what: &str,
        network: &Network,
        shape: [usize; 4],
    ) -> anyhow::Result<()> {
        self.check(what, network, shape, GradientEngine::memory(network, shape))
    }

    fn check(
        self,
        what: &str,
        network: &Network,
        shape: [usize; 4],
        planned: Option<u64>,
    ) -> anyhow::Result<()> {
        let [batch, _, height, width] = shape;
        let images = shape.iter().fold(4_u64, |bytes, it| bytes.saturating_mul(*it as u64));
        let maps = match planned {
            Some(bytes) => bytes,
            // Without a plan all feature maps may stand in memory at once.
            None => (4 * batch as u64)
                .saturating_mul(Cost::new(network.graph(), height, width)?.activations),
        };
        let needed = maps.saturating_add(images.saturating_mul(BATCHES));
        if needed <= self.0 {
            return Ok(());
        }
        let gigabytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        let message = format!(
            "{what}: {batch} images of {height} × {width} pixels take about {:.1} GiB, and {:.1} GiB \
             are allowed",
            gigabytes(needed),
            gigabytes(self.0)
        );
        let hint = "make images or batches smaller, or allow more with --max-memory";
        Err(BadInput::new(message).hint(hint).into())
    }
}

/// A number of bytes, as in `512M` or `12G`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, shift) = match text.trim_end_matches(['b', 'B', 'i']) {
            rest if rest.ends_with(['k', 'K']) => (&rest[..rest.len() - 1], 10),
            rest if rest.ends_with(['m', 'M']) => (&rest[..rest.len() - 1], 20),
            rest if rest.ends_with(['g', 'G']) => (&rest[..rest.len() - 1], 30),
            rest if rest.ends_with(['t', 'T']) => (&rest[..rest.len() - 1], 40),
            rest => (rest, 0),
        };
        match digits.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 => {
                Ok(Self((number * 2.0_f64.powi(shift)) as u64))
            }
            _ => Err("expected a size above 0, as in 512M or 12G".to_owned()),
        }
    }
}

/// Bytes of the machine, or of the container in it.
fn total() -> Option<u64> {
    let machine = field("/proc/meminfo", "MemTotal")?;
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|text| text.trim().parse().ok());
    Some(container.map_or(machine, |container: u64| container.min(machine)))
}

/// Bytes that could be taken now without anything being swapped or killed.
pub(crate) fn available() -> Option<u64> {
    let machine = field("/proc/meminfo", "MemAvailable")?;
    Some(left_of_the_container().map_or(machine, |container| container.min(machine)))
}

/// What the limit of a container leaves; `None` outside of one.
fn left_of_the_container() -> Option<u64> {
    let read = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup/memory.{file}")).ok();
    let limit: u64 = read("max")?.trim().parse().ok()?;
    let taken: u64 = read("current")?.trim().parse().ok()?;
    let cached = read("stat").and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok())
    });
    Some(limit.saturating_sub(taken.saturating_sub(cached.unwrap_or(0))))
}

/// A field of a file of `KEY: N kB` lines, in bytes.
fn field(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let read = |text: &str| text.parse::<Bytes>().map(|Bytes(bytes)| bytes);
        assert_eq!(read("1024"), Ok(1024));
        assert_eq!(read("1.5G"), Ok(3 << 29));
        assert_eq!(read("512MiB"), Ok(512 << 20));
        assert_eq!(read("64 kB"), Ok(64 << 10));
        for bad in ["", "G", "-1G", "0", "12X", "inf", "NaN"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_says_what_is_free() {
        assert!(available().unwrap() > 1 << 20);
    }
}
