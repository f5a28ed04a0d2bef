//! The tables of a file, kept from file to file, because most files have the same ones.

use super::super::reader::Definitions;
use super::super::refusal::bad;
use super::super::scan::{Scan, ScanComponent};
use super::Table;
use super::skips::Skips;
use crate::Result;

/// Four tables for DC, four for AC.
#[derive(Debug, Default)]
pub(crate) struct Tables([Option<Table>; 8]);

/// What happens to the blocks of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All are drawn.
    All,
    /// Many are passed over.
    Some,
}

impl Tables {
    /// Builds the tables that a sequential scan needs, as far as they are not here already.
    ///
    /// # Errors
    /// When one is missing or impossible.
    pub(crate) fn prepare(
        &mut self,
        scan: &Scan,
        definitions: &Definitions<'_>,
        wanted: Wanted,
    ) -> Result<()> {
        for component in &scan.components {
            for index in [component.dc_table, component.ac_table] {
                let definition =
                    definitions.huffman(index, false).ok_or_else(|| fault(index, "is missing"))?;
                let table = &mut self.0[index];
                if !table.as_ref().is_some_and(|table| table.is(definition)) {
                    let is_dc = index < 4;
                    let new = Table::new(definition, is_dc);
                    *table = Some(new.ok_or_else(|| fault(index, "is impossible"))?);
                }
                if let Some(table) = table
                    && wanted == Wanted::Some
                    && index >= 4
                    && table.skips.is_none()
                {
                    table.skips = Skips::new(definition);
                }
            }
        }
        Ok(())
    }

    /// The DC and the AC table of a component.
    pub(crate) fn pair(&self, component: &ScanComponent) -> Option<(&Table, &Table)> {
        Some((self.0[component.dc_table].as_ref()?, self.0[component.ac_table].as_ref()?))
    }
}

fn fault(index: usize, what: &str) -> crate::Error {
    let class = if index < 4 { "DC" } else { "AC" };
    bad(&format!("Huffman table {} for {class} {what}", index % 4))
}
