//! The networks, one file a family.

pub mod efficientnetv2;
pub mod ghostnet;
