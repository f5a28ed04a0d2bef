//! A dry run: what trainings would find before their first step.

use anyhow::Error;
use ocelli::data::Source;
use ocelli::methods::METHODS;
use ocelli::train::grid::Cell;
use ocelli::train::{
    Machine, Recipe, Setup, sources, tell_of_smaller_batches, warn_of_lost_colours,
};
use std::collections::HashMap;
use std::sync::Arc;

use super::row::{Row, Status};
use crate::failure::one_line;

/// The images of a recipe: those that it trains on, and those that it evaluates.
type SourcePair = (Arc<dyn Source>, Arc<dyn Source>);

/// Opens the data, builds the network and loads the weights of every cell, and notes in its row what
/// goes wrong. Gives the first failure.
pub(super) fn check(cells: &[Cell], rows: &mut [Row], machine: &Machine) -> Option<Error> {
    let mut opened: HashMap<String, SourcePair> = HashMap::new();
    let mut first = None;
    for (cell, row) in cells.iter().zip(rows) {
        let Ok(recipe) = &cell.recipe else { continue };
        if let Err(error) = begin(recipe, machine, &mut opened) {
            // The cost is told where it is known.
            if row.status != Status::Failed {
                *row = row.clone().failed(one_line(&error));
            }
            first.get_or_insert(error);
        }
    }
    first
}

fn begin(
    recipe: &Recipe,
    machine: &Machine,
    opened: &mut HashMap<String, SourcePair>,
) -> anyhow::Result<()> {
    // What decides the images, the channels of the network because colours may be lost in them.
    let key = format!("{:?} {} {}", recipe.data, recipe.seed, recipe.input.channels);
    if !opened.contains_key(&key) {
        let parts = sources(recipe)?;
        warn_of_lost_colours(recipe, &parts.0);
        opened.insert(key.clone(), parts);
    }
    let Some((train, eval)) = opened.get(&key) else { return Ok(()) };
    tell_of_smaller_batches(recipe, train.len());
    let setup = Setup::on(recipe, METHODS, machine, train, eval)?;
    if let Some(report) = &setup.weights {
        // A line by itself: in an event, the end of a line is shown as what it is.
        for line in report.to_string().lines() {
            tracing::info!("{line}");
        }
    }
    setup.check_steps(recipe)?;
    setup.tell_of_small_set(recipe);
    Ok(())
}
