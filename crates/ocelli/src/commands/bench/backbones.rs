//! Every network of the registry: what it costs, how fast it is, and what others know of it.

mod measure;
mod row;
mod sheet;

use clap::value_parser;
use ocelli::nn::registry::{self, Model};

use super::ContestArgs;
use super::contest::Contest;
use super::report::Report;
use crate::failure::{BadInput, BadUsage, Done};
use crate::settings::Settings;
use crate::talk::Progress;
use measure::Measuring;

/// What can be typed after `ocelli bench backbones`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only networks whose names match one of these, as in 'ghostnet_*' [default: all]
    #[arg(value_name = "GLOB")]
    patterns: Vec<String>,
    /// Only this family, as in ghostnet
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Images per training step and per pass of inference [default: 128 of up to 64 pixels, 16 of
    /// larger ones, and fewer where a training step takes more memory than there is]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=4096))]
    batch: Option<u16>,
    /// How much memory a training step may take [default: four fifths of what is free]
    #[arg(long, value_name = "GIB", value_parser = gibibytes)]
    memory: Option<u64>,
    /// Time inference alone
    #[arg(long, visible_alias = "infer-only")]
    only_inference: bool,
}

/// Measures one network after the other at its own image size.
pub(super) fn run(
    args: &Args,
    rules: &ContestArgs,
    contest: &Contest,
    mut settings: Settings,
) -> anyhow::Result<Done> {
    if rules.peers.is_some() {
        let message = "backbones have no peers; `ocelli bench models --peers` compares networks";
        return Err(BadUsage(message.to_owned()).into());
    }
    let models = args.models()?;
    let measuring = Measuring {
        contest,
        device: settings.open_device()?,
        seed: settings.seed.unwrap_or_default(),
        batch: args.batch.map(usize::from),
        memory: args.memory,
        training: !args.only_inference,
    };
    let mut sheet = Report::new(&settings, rules.rounds, Vec::new());
    let progress = Progress::start("bench", models.len() as u64, "networks");
    for (done, model) in models.into_iter().enumerate() {
        progress.set(done as u64);
        let row = measuring.row(model)?;
        tracing::info!("{row}");
        sheet.rows.push(row);
        // What is measured stays when a long list is given up.
        if let Some(path) = &rules.out {
            sheet.write_csv(path)?;
        }
    }
    drop(progress);
    settings.output.text(&sheet)?;
    settings.output.finish(&sheet)?;
    Ok(Done::Complete)
}

impl Args {
    /// The networks that are asked for, each once, in the order of the registry.
    fn models(&self) -> anyhow::Result<Vec<&'static Model>> {
        let mut wanted = Vec::new();
        for pattern in &self.patterns {
            let found = registry::filter(pattern)?;
            if found.is_empty() {
                return Err(no_model(pattern).into());
            }
            wanted.extend(found.into_iter().map(Model::name));
        }
        let is_wanted = |model: &&Model| {
            (self.patterns.is_empty() || wanted.contains(&model.name()))
                && self.family.as_deref().is_none_or(|family| model.family == family)
        };
        let models: Vec<_> = registry::models().filter(is_wanted).collect();
        match (&self.family, models.is_empty()) {
            (Some(family), true) => Err(no_model(family).into()),
            _ => Ok(models),
        }
    }
}

/// Bytes.
fn gibibytes(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(gibibytes) if (0.0..=1e6).contains(&gibibytes) => {
            Ok((gibibytes * f64::from(1 << 30)) as u64)
        }
        _ => Err("expected a number of GiB".to_owned()),
    }
}

fn no_model(wanted: &str) -> BadInput {
    BadInput::new(format!("no model matches `{wanted}`")).hint("`ocelli models` lists all")
}
