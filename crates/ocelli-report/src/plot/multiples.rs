//! The same curves of many subjects, as small figures side by side.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::line::{compact, thin};
use super::{FONT, GRID, INK, PALETTE, failed};
use crate::ReportError;

/// How many small figures are side by side.
const COLUMNS: usize = 4;
const WIDTH: u32 = 200;
const HEIGHT: u32 = 120;
/// The height of title and legend.
const HEAD: u32 = 60;

/// Small figures with the same axes.
#[derive(Clone, Debug, Default)]
pub struct MultiplesPlot {
    /// What stands above all.
    pub title: String,
    /// What the horizontal axes count.
    pub x_label: String,
    /// The name of each curve, the same in all figures.
    pub names: Vec<String>,
    /// The small figures, by rows.
    pub panels: Vec<Panel>,
    /// The least and the greatest height.
    pub y_range: [f64; 2],
}

/// A small figure of a [`MultiplesPlot`].
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// What it is of.
    pub name: String,
    /// Its curves, in the order of the names. Points that are not finite are left out.
    pub curves: Vec<Vec<(f64, f64)>>,
}

impl MultiplesPlot {
    /// Draws the figures, four in a row, each 200 × 120 units.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let rows = self.panels.len().div_ceil(COLUMNS).max(1) as u32;
        let size = (WIDTH * COLUMNS as u32, HEAD + HEIGHT * rows);
        let mut svg = String::new();
        self.draw(SVGBackend::with_string(&mut svg, size), rows as usize)?;
        Ok(svg)
    }

    fn draw(&self, backend: SVGBackend, rows: usize) -> Result<(), ReportError> {
        let failed = failed(&self.title);
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let (head, body) = area.split_vertically(HEAD);
        self.draw_head(&head).map_err(&failed)?;
        let points = || self.panels.iter().flat_map(|panel| panel.curves.iter().flatten());
        let (low, high) = points()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (x, _)| {
                (low.min(*x), high.max(*x))
            });
        let x_range = if low < high { low..high } else { 0.0..1.0 };
        let [bottom, top] =
            if self.y_range[0] < self.y_range[1] { self.y_range } else { [0.0, 1.0] };
        for (area, Panel { name, curves }) in
            body.split_evenly((rows, COLUMNS)).into_iter().zip(&self.panels)
        {
            let mut chart = ChartBuilder::on(&area)
                .caption(name, (FONT, 11).into_font().color(&INK))
                .margin(4)
                .x_label_area_size(14)
                .y_label_area_size(24)
                .build_cartesian_2d(x_range.clone(), bottom..top)
                .map_err(&failed)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID)
                .axis_style(GRID)
                .label_style((FONT, 9).into_font().color(&INK))
                .x_labels(3)
                .y_labels(3)
                .x_label_formatter(&|value| compact(*value))
                .y_label_formatter(&|value| compact(*value))
                .draw()
                .map_err(&failed)?;
            for (curve, colour) in curves.iter().zip(PALETTE.iter().cycle()) {
                let line = LineSeries::new(thin(curve), colour.stroke_width(2));
                chart.draw_series(line).map_err(&failed)?;
            }
        }
        area.present().map_err(&failed)
    }

    /// The title, and one legend for all.
    fn draw_head<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, plotters::coord::Shift>,
    ) -> Result<(), DrawingAreaErrorKind<D::ErrorType>> {
        let middle = (WIDTH * COLUMNS as u32 / 2) as i32;
        let text = |size: i32| TextStyle::from((FONT, size).into_font()).color(&INK);
        let centred = Pos::new(HPos::Center, VPos::Center);
        area.draw(&Text::new(self.title.clone(), (middle, 18), text(18).pos(centred)))?;
        let beside = Pos::new(HPos::Left, VPos::Center);
        for (at, (name, colour)) in self.names.iter().zip(PALETTE.iter().cycle()).enumerate() {
            let x = 20 + 130 * at as i32;
            area.draw(&PathElement::new([(x, 42), (x + 18, 42)], colour.stroke_width(2)))?;
            area.draw(&Text::new(name.clone(), (x + 24, 42), text(12).pos(beside)))?;
        }
        let label = Pos::new(HPos::Right, VPos::Center);
        area.draw(&Text::new(self.x_label.clone(), (2 * middle - 12, 42), text(12).pos(label)))
    }
}
