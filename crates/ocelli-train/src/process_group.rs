//! The processes that train one network together.

use crate::Result;
use std::fmt::Debug;

/// What data-parallel training needs of the network between its processes. Every process calls
/// the same operations in the same order.
pub trait ProcessGroup: Debug + Send + Sync {
    /// Which of the processes this is, counted from zero.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn world_size(&self) -> usize;

    /// Replaces each value by its sum over all processes.
    ///
    /// # Errors
    /// When a process cannot be reached.
    fn all_reduce(&self, values: &mut [f32]) -> Result<()>;

    /// Replaces each count or sum by its total over all processes.
    ///
    /// # Errors
    /// When a process cannot be reached.
    fn all_reduce_f64(&self, values: &mut [f64]) -> Result<()>;

    /// The values of all processes, in the order of their ranks.
    ///
    /// # Errors
    /// When a process cannot be reached.
    fn all_gather(&self, values: &[f32]) -> Result<Vec<f32>>;

    /// Replaces the values by those of process `root`.
    ///
    /// # Errors
    /// When a process cannot be reached.
    fn broadcast(&self, values: &mut [f32], root: usize) -> Result<()>;

    /// Waits until every process has come here.
    ///
    /// # Errors
    /// When a process cannot be reached.
    fn barrier(&self) -> Result<()>;
}

/// A single process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl ProcessGroup for Local {
    fn rank(&self) -> usize {
        0
    }

    fn world_size(&self) -> usize {
        1
    }

    fn all_reduce(&self, _values: &mut [f32]) -> Result<()> {
        Ok(())
    }

    fn all_reduce_f64(&self, _values: &mut [f64]) -> Result<()> {
        Ok(())
    }

    fn all_gather(&self, values: &[f32]) -> Result<Vec<f32>> {
        Ok(values.to_vec())
    }

    fn broadcast(&self, _values: &mut [f32], _root: usize) -> Result<()> {
        Ok(())
    }

    fn barrier(&self) -> Result<()> {
        Ok(())
    }
}
