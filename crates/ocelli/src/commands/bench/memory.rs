//! How much memory there is, and how much this process has taken. Linux says so in `/proc`; where
//! it is not there, nothing is known.

use std::fs;

/// Bytes that could be taken now without anything being swapped or killed.
pub(super) fn available() -> Option<u64> {
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

/// The most memory that was resident since the watch began, beyond what was then.
pub(super) struct Watch {
    before: u64,
}

impl Watch {
    /// Begins to watch; `None` where the system does not tell.
    pub(super) fn start() -> Option<Self> {
        // Makes the peak what is resident now.
        fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Self { before: field("/proc/self/status", "VmRSS")? })
    }

    /// Bytes at the peak, less those at the start.
    pub(super) fn peak(&self) -> Option<u64> {
        Some(field("/proc/self/status", "VmHWM")?.saturating_sub(self.before))
    }
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
    #[cfg(target_os = "linux")]
    fn what_is_taken_is_seen_at_the_peak() {
        assert!(available().unwrap() > 1 << 20);
        let Some(watch) = Watch::start() else { return };
        let taken = vec![1_u8; 64 << 20];
        assert_eq!(taken.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        drop(taken);
        assert!(watch.peak().unwrap() > 60 << 20);
    }
}
