//! The command as a user meets it: what it prints, where, and how it exits.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod attack;
mod autoencoder;
mod background;
mod bad_input;
mod bench;
mod best;
mod codebook;
mod convert;
mod data;
mod dqa;
mod export;
mod few_bits;
mod finetune;
mod first_hour;
mod golden;
mod grid;
mod held_out;
mod hostile;
mod impossible;
mod jpegs;
mod labels;
mod layout;
mod models;
mod other_data;
mod pth;
mod quantize;
mod reports;
mod results;
mod resume;
mod search;
mod several_classes;
mod simclr;
mod streams;
mod study;
mod support;
mod tiny;
mod train;
mod unlabelled;
mod usage;
mod weights;
