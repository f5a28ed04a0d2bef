//! Random streams: every random number of Ocelli is a pure function of a seed, a purpose and a
//! position.
//!
//! A training run must be repeatable bit for bit after a crash and with any number of threads.
//! No generator is therefore ever shared or stored: whoever needs randomness derives a fresh
//! [`ChaCha8Rng`] from *what it is for* ([`Purpose`]) and *where it stands* (epoch, position),
//! and drops it when done.
//!
//! ```
//! use ocelli_random::{Purpose, Seed};
//! use rand::RngExt;
//!
//! let seed = Seed(42);
//! let first: f32 = seed.stream(Purpose::AUGMENT, 3, 1017).random();
//! let again: f32 = seed.stream(Purpose::AUGMENT, 3, 1017).random();
//! assert_eq!(first, again);
//! ```

mod permutation;

pub use permutation::Permutation;
pub use rand_chacha::ChaCha8Rng;

use rand::SeedableRng;

/// The one number that a user chooses to make a run repeatable (`--seed`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

/// What a stream of random numbers is used for. Streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(pub &'static str);

impl Purpose {
    /// Geometric and colour augmentation of one sample.
    pub const AUGMENT: Self = Self("augment");
    /// Dropout and stochastic depth.
    pub const DROP: Self = Self("drop");
    /// Initial weights.
    pub const INIT: Self = Self("init");
    /// Mixup and cutmix of one batch.
    pub const MIX: Self = Self("mix");
    /// The order of the samples in one epoch.
    pub const ORDER: Self = Self("order");
    /// The choice of the next network in an architecture search.
    pub const SEARCH: Self = Self("search");
    /// The choice of a subset or a split.
    pub const SPLIT: Self = Self("split");
}

impl Seed {
    /// The stream for `purpose` at `position` of `epoch`.
    ///
    /// What `position` counts (samples, steps, layers) is the caller's choice; it only has to be
    /// the same in every run.
    pub fn stream(self, purpose: Purpose, epoch: u64, position: u64) -> ChaCha8Rng {
        self.view_stream(purpose, epoch, position, 0)
    }

    /// The stream for one of several views of what stands at `position`. That of view 0 is
    /// [`stream`](Self::stream).
    pub fn view_stream(self, purpose: Purpose, epoch: u64, position: u64, view: u64) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&epoch.to_le_bytes());
        hasher.update(&position.to_le_bytes());
        hasher.update(purpose.0.as_bytes());
        if view > 0 {
            hasher.update(&view.to_le_bytes());
        }
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn a_stream_depends_on_every_part_of_its_address() {
        let draw = |seed, purpose, epoch, position| -> u64 {
            Seed(seed).stream(purpose, epoch, position).random()
        };
        let base = draw(1, Purpose::AUGMENT, 2, 3);
        assert_eq!(base, draw(1, Purpose::AUGMENT, 2, 3));
        assert_ne!(base, draw(2, Purpose::AUGMENT, 2, 3));
        assert_ne!(base, draw(1, Purpose::MIX, 2, 3));
        assert_ne!(base, draw(1, Purpose::AUGMENT, 3, 3));
        assert_ne!(base, draw(1, Purpose::AUGMENT, 2, 4));
        let view = |view| -> u64 { Seed(1).view_stream(Purpose::AUGMENT, 2, 3, view).random() };
        assert_eq!(base, view(0));
        assert_ne!(base, view(1));
        assert_ne!(view(1), view(2));
        let view = |view| -> u64 { Seed(1).view_stream(Purpose::AUGMENT, 2, 3, view).random() };
        assert_eq!(base, view(0));
        assert_ne!(base, view(1));
        assert_ne!(view(1), view(2));
    }
}
