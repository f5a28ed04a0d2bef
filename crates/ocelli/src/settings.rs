//! What the global options mean, resolved once.

use anyhow::Context;
use burn::tensor::Device;

use crate::args::{GlobalArgs, cores};
use crate::memory::MemoryLimit;
use crate::output::Output;

/// What every command can rely on.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where data goes.
    pub(crate) output: Output,
    /// The seed, if one was given.
    pub(crate) seed: Option<u64>,
    /// How many threads compute and load.
    pub(crate) threads: usize,
    /// How much memory feature maps and batches may take.
    pub(crate) memory: MemoryLimit,
    device: crate::device::DeviceName,
}

impl Settings {
    /// Resolves what was typed, and sets the number of threads of this process.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub(crate) fn resolve(global: GlobalArgs) -> anyhow::Result<Self> {
        let threads = global.threads.unwrap_or_else(cores);
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .with_context(|| format!("cannot start {threads} threads"))?;
        Ok(Self {
            output: Output::new(global.json),
            seed: global.seed,
            threads,
            memory: MemoryLimit::resolve(global.max_memory),
            device: global.device.unwrap_or_default(),
        })
    }

    /// Opens the device, which can take a moment.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn open_device(&self) -> anyhow::Result<Device> {
        self.device.open()
    }
}
