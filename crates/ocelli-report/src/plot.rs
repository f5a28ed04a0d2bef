//! Figures as SVG text, drawn by `plotters`.

mod bars;
mod line;
mod matrix;
mod multiples;
mod pareto;
mod surface;
#[cfg(test)]
mod tests;

pub use bars::BarPlot;
pub use line::{LinePlot, Mark, Series};
pub use matrix::{Axes, MatrixPlot, Scale};
pub use multiples::{MultiplesPlot, Panel};
pub use pareto::{ParetoPlot, ParetoPoint, pareto_front};
pub use surface::SurfacePlot;

use std::fmt::Display;

use plotters::chart::MeshStyle;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::{DrawingBackend, IntoFont, TRANSPARENT};
use plotters::style::RGBColor;

use crate::ReportError;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(0x33, 0x38, 0x40);
const GRID: RGBColor = RGBColor(0xe4, 0xe6, 0xea);

/// The colour-blind safe palette of Okabe and Ito, without its yellow and black.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// The mesh with the lines and letters of all figures with axes.
fn with_style<'m, 'a, 'b, X: Ranged, Y: Ranged, D: DrawingBackend>(
    mesh: &'m mut MeshStyle<'a, 'b, X, Y, D>,
) -> &'m mut MeshStyle<'a, 'b, X, Y, D> {
    mesh.light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style((FONT, 12).into_font().color(&INK))
        .axis_desc_style((FONT, 13).into_font().color(&INK))
}

/// Turns an error of the drawing library into ours.
fn failed<E: Display>(title: &str) -> impl Fn(E) -> ReportError {
    move |error| ReportError::Plot { title: title.to_owned(), reason: error.to_string() }
}
