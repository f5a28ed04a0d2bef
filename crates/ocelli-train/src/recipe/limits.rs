//! The ranges of a recipe's fields.

use super::Recipe;
use crate::{Error, Result, TrainingLength};
use ocelli_data::{EvalTransform, TrainTransform};
use ocelli_nn::registry::{self, ModelOptions};
use std::fmt::Display;

/// Checks every field; the error names the first that is out of range.
pub(super) fn check(recipe: &Recipe) -> Result<()> {
    check_model(recipe)?;
    check_data(recipe)?;
    check_optimizer(recipe)?;
    check_schedule(recipe)?;
    check_train(recipe)?;
    check_progressive(recipe)
}

fn check_model(recipe: &Recipe) -> Result<()> {
    let model = &recipe.model;
    require("model.name", &model.name, !model.name.is_empty(), "a name of the registry")?;
    optional_fraction("model.dropout", model.dropout)?;
    optional_fraction("model.drop_path", model.drop_path)?;
    let options = ModelOptions { layout: model.layout.clone(), ..ModelOptions::default() };
    registry::find(&model.name)?.layout(&options)?;
    Ok(())
}

/// The data crate knows the ranges of its own sections, and names their fields as we do.
fn check_data(recipe: &Recipe) -> Result<()> {
    let source = &recipe.data.source;
    require("data.source", source, !source.is_empty(), "a dataset")?;
    let others = [
        ("data.extra", &recipe.data.extra),
        ("data.probe", &recipe.data.probe),
        ("data.test", &recipe.data.test),
    ];
    for (field, dataset) in others {
        let Some(dataset) = dataset else { continue };
        require(field, dataset, !dataset.is_empty(), "a dataset")?;
    }
    at_least_one("data.max_pixels", recipe.data.max_pixels)?;
    if let Some(share) = recipe.data.hold_out {
        require("data.hold_out", share, share > 0.0 && share < 1.0, "above 0 and below 1")?;
    }
    if let Some(share) = recipe.data.share {
        require("data.share", share, share > 0.0 && share <= 1.0, "above 0 and up to 1")?;
        let list =
            recipe.data.list.as_ref().map_or_else(String::new, |list| list.display().to_string());
        require("data.list", &list, list.is_empty(), "none where data.share says how many")?;
    }
    TrainTransform::new(recipe.input.clone(), recipe.augment)?;
    EvalTransform::new(recipe.input.clone(), recipe.eval)?;
    Ok(())
}

fn check_optimizer(recipe: &Recipe) -> Result<()> {
    let optimizer = &recipe.optimizer;
    positive("optimizer.lr", optimizer.lr)?;
    positive("optimizer.head_lr", optimizer.head_lr)?;
    if let Some(images) = optimizer.lr_images {
        at_least_one("optimizer.lr_images", images)?;
    }
    not_negative("optimizer.weight_decay", optimizer.weight_decay)?;
    fraction("optimizer.momentum", optimizer.momentum)?;
    fraction("optimizer.betas.0", optimizer.betas[0])?;
    fraction("optimizer.betas.1", optimizer.betas[1])?;
    fraction("optimizer.smoothing", optimizer.smoothing)?;
    positive("optimizer.trust_coefficient", optimizer.trust_coefficient)?;
    optional_positive("optimizer.epsilon", optimizer.epsilon)?;
    optional_positive("optimizer.clip_norm", optimizer.clip_norm)?;
    optional_positive("optimizer.clip_value", optimizer.clip_value)?;
    for (at, group) in optimizer.group.iter().enumerate() {
        let field = |name: &str| format!("optimizer.group.{at}.{name}");
        require(&field("match"), "", !group.patterns.is_empty(), "one glob or more")?;
        // Nought stands still without being frozen: statistics of normalisations follow the data.
        not_negative(&field("lr"), group.lr)?;
        if let Some(weight_decay) = group.weight_decay {
            not_negative(&field("weight_decay"), weight_decay)?;
        }
    }
    Ok(())
}

fn check_schedule(recipe: &Recipe) -> Result<()> {
    let schedule = &recipe.schedule;
    length("schedule.warmup", schedule.warmup)?;
    let from = schedule.warmup_from;
    require("schedule.warmup_from", from, (0.0..=1.0).contains(&from), "0 to 1")?;
    let end = schedule.end;
    require("schedule.end", end, (0.0..=1.0).contains(&end), "0 to 1")?;
    if let Some(span) = schedule.length {
        positive_length("schedule.length", span)?;
    }
    let factor = schedule.period_factor;
    require("schedule.period_factor", factor, factor.is_finite() && factor >= 1.0, "1 or more")?;
    positive("schedule.power", schedule.power)?;
    positive("schedule.decay", schedule.decay)?;
    positive_length("schedule.every", schedule.every)?;
    for (at, span) in schedule.milestones.iter().enumerate() {
        length(&format!("schedule.milestones.{at}"), *span)?;
    }
    let rise = schedule.rise;
    require("schedule.rise", rise, rise > 0.0 && rise < 1.0, "above 0 and below 1")?;
    positive("schedule.start_divisor", schedule.start_divisor)?;
    positive("schedule.end_divisor", schedule.end_divisor)
}

fn check_train(recipe: &Recipe) -> Result<()> {
    let train = &recipe.train;
    at_least_one("train.epochs", train.epochs)?;
    portion("train.batch_size", train.batch_size)?;
    portion("train.accumulate", train.accumulate)?;
    at_least_one("train.eval_every", train.eval_every)?;
    at_least_one("train.log_every", train.log_every)?;
    if let Some(steps) = train.min_steps {
        at_least_one("train.min_steps", steps)?;
    }
    if let Some(steps) = train.max_steps {
        at_least_one("train.max_steps", steps)?;
    }
    optional_positive("train.max_hours", train.max_hours)?;
    fraction("ema.decay", recipe.ema.decay)?;
    positive_length("checkpoint.every", recipe.checkpoint.every)?;
    at_least_one("checkpoint.keep", recipe.checkpoint.keep as u64)
}

/// Each stage is a recipe, and must be one that could be trained alone.
fn check_progressive(recipe: &Recipe) -> Result<()> {
    let Some(growth) = &recipe.progressive else { return Ok(()) };
    let stages = growth.stages;
    require("progressive.stages", stages, (1..=64).contains(&stages), "1 to 64")?;
    for size in growth.size {
        require("progressive.size", size, size >= 1, "1 or more pixels")?;
    }
    for probability in growth.dropout.into_iter().flatten() {
        fraction("progressive.dropout", probability)?;
    }
    for (field, range) in [
        ("progressive.magnitude", growth.magnitude),
        ("progressive.mixup", growth.mixup),
        ("progressive.cutmix", growth.cutmix),
    ] {
        range.into_iter().flatten().try_for_each(|value| not_negative(field, value))?;
    }
    for stage in recipe.stages() {
        check_data(&stage)?;
    }
    Ok(())
}

fn require(field: &str, found: impl Display, holds: bool, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    let found = match found.to_string() {
        text if text.is_empty() => "empty".to_owned(),
        text => text,
    };
    Err(Error::Field { field: field.to_owned(), found, expected: expected.to_owned() })
}

/// How many images or passes a step may have; more is a mistake, and would overflow.
fn portion(field: &str, value: usize) -> Result<()> {
    require(field, value, (1..=1 << 20).contains(&value), "1 to 1048576")
}

fn at_least_one(field: &str, value: u64) -> Result<()> {
    require(field, value, value >= 1, "1 or more")
}

fn positive(field: &str, value: f64) -> Result<()> {
    require(field, value, value.is_finite() && value > 0.0, "a number above 0")
}

fn optional_positive(field: &str, value: Option<f64>) -> Result<()> {
    value.map_or(Ok(()), |value| positive(field, value))
}

fn not_negative(field: &str, value: f64) -> Result<()> {
    require(field, value, value.is_finite() && value >= 0.0, "0 or more")
}

fn fraction(field: &str, value: f64) -> Result<()> {
    require(field, value, (0.0..1.0).contains(&value), "0 to below 1")
}

fn optional_fraction(field: &str, value: Option<f64>) -> Result<()> {
    value.map_or(Ok(()), |value| fraction(field, value))
}

fn length(field: &str, span: TrainingLength) -> Result<()> {
    require(field, span, span.is_valid(), "0 or more epochs or steps")
}

fn positive_length(field: &str, span: TrainingLength) -> Result<()> {
    let holds = span.is_valid() && span.steps(1.0) > 0.0;
    require(field, span, holds, "more than 0 epochs or steps")
}
