//! `ocelli version`: what a bug report should say.

use serde::Serialize;
use std::env::consts::{ARCH, OS};

use crate::device;
use crate::failure::Done;
use crate::settings::Settings;

/// What can be typed after `ocelli version`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

#[derive(Serialize)]
struct Build {
    version: &'static str,
    commit: &'static str,
    platform: String,
    devices: Vec<&'static str>,
    threads: usize,
    models: usize,
}

/// Prints the version.
pub(crate) fn run(_args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    // `ocelli version --device cuda:0` tells whether the device answers.
    settings.open_device()?;
    let build = Build {
        version: env!("CARGO_PKG_VERSION"),
        commit: ocelli::results::COMMIT,
        platform: format!("{ARCH}-{OS}"),
        devices: device::built_in(),
        threads: settings.threads,
        models: ocelli::nn::registry::models().count(),
    };
    let output = &mut settings.output;
    output.text(format_args!("ocelli {} ({})", build.version, build.platform))?;
    output.text(format_args!("commit: {}", build.commit))?;
    output.text(format_args!("devices: {}", build.devices.join(", ")))?;
    output.text(format_args!("threads: {}", build.threads))?;
    output.text(format_args!("models: {}", build.models))?;
    settings.output.finish(&build)?;
    Ok(Done::Complete)
}
