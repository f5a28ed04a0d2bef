//! `ocelli models`: which networks there are.

use ocelli::nn::Cost;
use ocelli::nn::registry::{self, DefaultConfig, Model, PublishedAccuracy, PublishedWeights};
use serde::Serialize;

use crate::failure::{BadInput, Done};
use crate::output::{Align, Table, millions, percent};
use crate::settings::Settings;

const EXAMPLES: &str = "\
The top-1 accuracy is what others have published, of the weights that are named or else of the \
network in its paper; --json says of which images, and by whom.

Examples:
  ocelli models
  ocelli models 'ghostnet_*'
  ocelli models --family resnet --json";

/// What can be typed after `ocelli models`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only names that match, as in 'efficientnetv2_*'
    #[arg(value_name = "GLOB", default_value = "*", hide_default_value = true)]
    pattern: String,
    /// Only this family, as in ghostnet
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Only names with this tag, as in cifar10
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    arch: &'static str,
    tag: &'static str,
    family: &'static str,
    params: u64,
    macs: u64,
    #[serde(flatten)]
    config: DefaultConfig,
    /// Trained weights that others publish.
    weights: Option<PublishedWeights>,
    /// How good these are, or the network in its paper.
    accuracy: Option<PublishedAccuracy>,
}

impl Row {
    /// The model with its cost at its own image size.
    fn new(model: &Model) -> anyhow::Result<Self> {
        let size = model.config.input_size;
        let cost = Cost::new(&model.graph(&model.options())?, size, size)?;
        Ok(Self {
            name: model.name(),
            arch: model.arch,
            tag: model.tag,
            family: model.family,
            params: cost.params,
            macs: cost.macs,
            config: model.config,
            weights: model.published().and_then(|published| published.weights),
            accuracy: model.published().and_then(|published| published.accuracy),
        })
    }
}

#[derive(Serialize)]
struct Models {
    models: Vec<Row>,
}

/// Says which of the conditions no model fulfils, or that none fulfils all.
fn no_match(args: &Args) -> BadInput {
    let models = registry::filter("*").unwrap_or_default();
    let all = |of: fn(&Model) -> &'static str| {
        let mut names: Vec<&str> = models.iter().map(|model| of(model)).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !name.is_empty());
        names
    };
    let (families, tags) = (all(|model| model.family), all(|model| model.tag));
    for (what, wanted, known) in [("family", &args.family, families), ("tag", &args.tag, tags)] {
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !known.contains(wanted)) {
            let hint = format!("there are {}", known.join(", "));
            return BadInput::new(format!("no model has the {what} `{wanted}`")).hint(hint);
        }
    }
    let conditions = [
        (args.pattern != "*").then(|| format!("a name like `{}`", args.pattern)),
        args.family.as_ref().map(|family| format!("the family `{family}`")),
        args.tag.as_ref().map(|tag| format!("the tag `{tag}`")),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    let message = format!("no model has {}", conditions.join(" and "));
    BadInput::new(message).hint("`ocelli models` lists all")
}

/// Lists the models.
pub(crate) fn run(args: &Args, mut settings: Settings) -> anyhow::Result<Done> {
    let wanted = |model: &&&Model| {
        args.family.as_deref().is_none_or(|family| model.family == family)
            && args.tag.as_deref().is_none_or(|tag| model.tag == tag)
    };
    let found = registry::filter(&args.pattern)?;
    let rows: Vec<Row> =
        found.iter().filter(wanted).map(|model| Row::new(model)).collect::<anyhow::Result<_>>()?;
    if rows.is_empty() {
        return Err(no_match(args).into());
    }

    let right = |head| (head, Align::Right);
    let mut table = Table::new([
        ("model", Align::Left),
        ("family", Align::Left),
        right("classes"),
        right("size"),
        right("params"),
        right("MACs"),
        right("top-1"),
        ("weights", Align::Left),
    ]);
    for row in &rows {
        table.row([
            row.name.clone(),
            row.family.to_owned(),
            row.config.num_classes.to_string(),
            row.config.input_size.to_string(),
            millions(row.params),
            millions(row.macs),
            row.accuracy.map(|accuracy| percent(accuracy.top1)).unwrap_or_default(),
            row.weights.map(|weights| weights.project.to_owned()).unwrap_or_default(),
        ]);
    }
    settings.output.text(table)?;
    settings.output.finish(&Models { models: rows })?;
    Ok(Done::Complete)
}
