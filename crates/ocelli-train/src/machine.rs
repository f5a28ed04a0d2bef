//! What a training runs on.

use burn::tensor::Device;

/// What a training run needs that does not change its result.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Where the network is computed.
    pub device: Device,
    /// How many threads decode and augment.
    pub threads: usize,
    /// Which of the processes this is, counted from zero.
    pub rank: usize,
    /// How many processes train together.
    pub world_size: usize,
}

impl Machine {
    /// One process on the CPU.
    pub fn cpu(threads: usize) -> Self {
        Self { device: Device::flex(), threads, rank: 0, world_size: 1 }
    }
}
