//! The points of a loss surface that are measured, on disk, so that a study that was killed goes on.

use super::{LossSurfaceGrid, SurfacePoint};
use crate::error::WorkKind;
use crate::ledger::{Header, Lines, Opened};
use crate::{Error, Result};
use ocelli_data::{EvalConfig, InputConfig};
use serde::Serialize;
use std::path::Path;

/// All that decides what is measured at a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SurfaceIdentity {
    /// The architecture.
    pub model: String,
    /// The hash of the weights that are moved, and of what is made of them in the middle.
    pub weights: String,
    /// The networks that are made of them at each point.
    pub networks: Vec<String>,
    /// The step of the training for which they are made; `None` where there is no training.
    pub step: Option<u64>,
    /// What tells the images from others.
    pub data: String,
    /// How many of them are looked at.
    pub images: u64,
    /// What the network sees of them.
    pub input: InputConfig,
    /// What they go through before.
    pub eval: EvalConfig,
    /// What directions are drawn by.
    pub seed: u64,
    /// Points along each side.
    pub grid: usize,
    /// How far the outermost points are.
    pub span: f64,
}

/// A file of points to which this process alone writes, a line for each.
#[derive(Debug)]
pub struct SurfaceJournal {
    file: Lines,
    points: Vec<SurfacePoint>,
}

impl SurfaceJournal {
    /// Opens the file of a surface to go on with it, or begins one.
    ///
    /// # Errors
    /// [`Error::OtherWork`] when it is that of another surface, [`Error::Ledger`] when a line is not what it should
    /// be, or when the file cannot be read or written.
    pub fn open(path: &Path, identity: &SurfaceIdentity, grid: &LossSurfaceGrid) -> Result<Self> {
        let header = Header::new(identity)?;
        if !path.exists() {
            let file = Lines::create(path, WorkKind::LossSurface, &header)?;
            return Ok(Self { file, points: Vec::new() });
        }
        let Opened { file, lines, .. } = Lines::open(path, &header)?;
        let mut points = Vec::with_capacity(lines.len());
        for (at, line) in lines.iter().enumerate() {
            points.push(read(&file, at, line, identity, grid)?);
        }
        Ok(Self { file, points })
    }

    /// The points that are measured, row by row.
    pub fn points(&self) -> &[SurfacePoint] {
        &self.points
    }

    /// Adds the next point.
    pub(super) fn add(&mut self, point: SurfacePoint) -> Result<()> {
        self.file.add(&point)?;
        self.points.push(point);
        Ok(())
    }
}

fn read(
    file: &Lines,
    at: usize,
    line: &[u8],
    identity: &SurfaceIdentity,
    grid: &LossSurfaceGrid,
) -> Result<SurfacePoint, Error> {
    let point: SurfacePoint = serde_json::from_slice(line)
        .map_err(|error| file.refuse(at, format!("not a point: {error}")))?;
    let (found, expected) = (point.scores.len(), identity.networks.len());
    if at >= grid.len() || point.point != at || found != expected {
        let number = point.point;
        let reason =
            format!("point {number} with {found} scores, expected point {at} with {expected}");
        return Err(file.refuse(at, reason));
    }
    Ok(point)
}
