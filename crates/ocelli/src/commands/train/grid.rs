//! A grid: one training after another, and a table of what came out.

mod dry_run;
mod row;
mod sheet;

use ocelli::data::{OpenOptions, Split, open_labelled};
use ocelli::methods::METHODS;
use ocelli::nn::registry;
use ocelli::train::grid::{Cell, Grid};
use ocelli::train::{Machine, Recipe, RunFolder, TrainOutcome, WorkFolder};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::Args;
use super::begin::{self, TrainPlan};
use super::session::{Session, Trained};
use crate::failure::{BadInput, Done, one_line};
use crate::own_files::check_folder;
use crate::settings::Settings;
use crate::signals;
use row::{Row, Status};
use sheet::Sheet;

/// Trains every cell that is not finished, or only shows what each would cost.
pub(super) fn run(args: &Args, grid: &Grid, mut settings: Settings) -> anyhow::Result<Done> {
    let mut cells = grid.cells()?;
    refuse_if_none_can_be(&mut cells)?;
    hold_out(&mut cells);
    if let (true, Some(folder)) = (grid.is_single(), &args.out) {
        begin::check_no_run(folder)?;
    }
    let mut classes = Classes::default();
    let rows = cells.iter().map(|cell| planned(cell, &mut classes)).collect();
    let keys = grid.keys().into_iter().map(str::to_owned).collect();
    let mut sheet = Sheet { folder: begin::out(args), keys, rows };
    if args.dry_run {
        return show_dry_run(&cells, sheet, settings);
    }

    let stop = signals::stop_flag()?;
    let session = Session {
        device: settings.open_device()?,
        threads: settings.threads,
        eval_attack: args.eval_attack(),
        stop,
        memory: settings.memory,
        records: RefCell::default(),
    };
    sheet.check_folder(args.force)?;
    sheet.folder = begin::claimed_out(args)?;
    let plans = plans(args, cells, &sheet.folder)?;
    let count = plans.len();
    for (at, plan) in plans.into_iter().enumerate() {
        let name = sheet.rows[at].name.clone();
        let Some(plan) = plan else { continue };
        let folder = sheet.folder.join(&name);
        let is_finished = |row: &Row| row.is_finished(sheet.rows[at].patience);
        if let Some(row) = Row::load(&folder).filter(is_finished) {
            session.records.borrow_mut().check(&folder, &plan.recipe)?;
            tracing::info!("{name}: finished before");
            sheet.rows[at] = row;
            continue;
        }
        tracing::info!("{name}: training {} of {count}", at + 1);
        sheet.rows[at] = trained(&session, plan, sheet.rows[at].clone(), &folder);
        sheet.rows[at].save(&folder)?;
        sheet.write_csv()?;
        if session.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    sheet.write_csv()?;
    settings.output.text(&sheet)?;
    settings.output.finish(&sheet)?;
    end(&sheet, session.stop.load(Ordering::Relaxed))
}

/// A recipe that is wrong in every cell is wrong as a whole.
fn refuse_if_none_can_be(cells: &mut Vec<Cell>) -> anyhow::Result<()> {
    if cells.iter().all(|cell| cell.recipe.is_err())
        && let Some(Cell { recipe: Err(error), .. }) = cells.pop()
    {
        return Err(error.into());
    }
    Ok(())
}

/// Holds images out where datasets have no part for evaluation, and says so once for each.
fn hold_out(cells: &mut [Cell]) {
    let mut told = HashSet::new();
    for recipe in cells.iter_mut().filter_map(|cell| cell.recipe.as_mut().ok()) {
        if told.insert(recipe.data.source.clone()) {
            begin::hold_out(recipe);
        } else {
            recipe.hold_out_where_needed();
        }
    }
}

/// Shows what each cell would cost, and ends as the trainings would if they cannot begin.
fn show_dry_run(cells: &[Cell], mut sheet: Sheet, mut settings: Settings) -> anyhow::Result<Done> {
    let device = settings.open_device()?;
    let machine = Machine { device, threads: settings.threads, rank: 0, world_size: 1 };
    let failure = dry_run::check(cells, &mut sheet.rows, &machine);
    settings.output.text(sheet.costs())?;
    settings.output.finish(&sheet)?;
    let failed = sheet.rows.iter().filter(|row| row.status == Status::Failed).count();
    match failure {
        Some(error) if failed == sheet.rows.len() => Err(error),
        _ if failed > 0 => {
            let all = sheet.rows.len();
            Err(BadInput::new(format!("{failed} of {all} trainings cannot begin")).into())
        }
        _ => Ok(Done::Complete),
    }
}

/// What each cell would train, `None` where it cannot.
fn plans(args: &Args, cells: Vec<Cell>, folder: &Path) -> anyhow::Result<Vec<Option<TrainPlan>>> {
    let plan = |cell: Cell| {
        let Ok(recipe) = cell.recipe else { return Ok(None) };
        let folder = folder.join(&cell.name);
        let mut plan = if RunFolder::holds_run(&folder) {
            begin::check_same(&folder, &recipe)?;
            TrainPlan::new(recipe, WorkFolder::Begun(folder))
        } else {
            check_folder(&folder, &[row::FILE], args.force)?;
            TrainPlan::new(recipe, WorkFolder::New(folder))
        };
        begin::limit(&mut plan.recipe, args);
        Ok(Some(plan))
    };
    cells.into_iter().map(plan).collect()
}

/// A cell before its training, with what its network costs.
fn planned(cell: &Cell, classes: &mut Classes) -> Row {
    let row = Row::new(cell);
    let cost = match &cell.recipe {
        Ok(recipe) => {
            METHODS.cost(recipe, classes.count(recipe)).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match cost {
        Ok(cost) => row.with_cost(&cost),
        Err(error) => row.failed(error),
    }
}

/// Trains a cell. What goes wrong in one is noted and keeps no other from its turn.
fn trained(session: &Session, plan: TrainPlan, row: Row, folder: &Path) -> Row {
    match session.train(plan) {
        Ok(Trained { summary, .. }) => {
            let speed = Row::load(folder).and_then(|before| before.images_per_second);
            row.with_summary(&summary, folder, speed)
        }
        Err(error) => {
            let line = one_line(&error);
            tracing::warn!("{}: {line}", row.name);
            row.failed(line)
        }
    }
}

fn end(sheet: &Sheet, stopped: bool) -> anyhow::Result<Done> {
    let count = |status| sheet.rows.iter().filter(|row| row.status == status).count();
    if stopped || count(Status::Interrupted) > 0 {
        tracing::info!("interrupted and saved; the same command goes on");
        return Ok(Done::Interrupted);
    }
    let (failed, all) = (count(Status::Failed), sheet.rows.len());
    if failed > 0 {
        let message = format!("{failed} of {all} trainings failed");
        let csv = sheet.csv_path();
        let hint = format!("{} says why; the same command tries them again", csv.display());
        return Err(BadInput::new(message).hint(hint).into());
    }
    Ok(Done::Complete)
}

/// How many classes datasets have, each opened once.
#[derive(Default)]
struct Classes(HashMap<String, Option<usize>>);

impl Classes {
    /// The classes of a recipe's dataset; where it is not there, those of the published network.
    fn count(&mut self, recipe: &Recipe) -> usize {
        let count = |uri: &String| {
            let class_order = recipe.data.class_order;
            let options = OpenOptions { class_order, ..OpenOptions::new(Split::Train) };
            let source = open_labelled(uri, &options);
            source
                .inspect_err(|error| {
                    tracing::warn!("{error}; costs are for as many classes as published");
                })
                .map(|source| source.classes().len())
                .ok()
        };
        let uri = recipe.data.source.clone();
        let known = *self.0.entry(uri).or_insert_with_key(count);
        let published = || Some(registry::find(&recipe.model.name).ok()?.config.num_classes);
        known.or_else(published).unwrap_or(1)
    }
}

impl From<TrainOutcome> for Status {
    fn from(outcome: TrainOutcome) -> Self {
        match outcome {
            TrainOutcome::Finished => Self::Finished,
            TrainOutcome::LimitReached => Self::LimitReached,
            TrainOutcome::StoppedEarly => Self::StoppedEarly,
            TrainOutcome::Interrupted => Self::Interrupted,
        }
    }
}
