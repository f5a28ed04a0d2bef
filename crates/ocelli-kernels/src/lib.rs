//! CPU kernels and their backward passes for Ocelli; the only crate with unsafe code.
