//! How much memory is free. Linux says so in `/proc`; where that is not there, nothing is known.

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
    fn linux_says_what_is_free() {
        assert!(available().unwrap() > 1 << 20);
    }
}
