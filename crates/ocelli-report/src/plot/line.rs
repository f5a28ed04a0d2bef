//! Curves.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, GRID, INK, PALETTE, failed, with_style};
use crate::ReportError;

/// Curves with more points are thinned to this many, each the mean of its neighbours.
const MAX_POINTS: usize = 600;

/// Curves with at most this many points show each of them as a dot.
const DOTTED: usize = 40;

/// One curve of a [`LinePlot`].
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points, by growing x. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// A point that stands out, with a ring around it and its name beside.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    /// What is special about the point.
    pub name: String,
    /// Where it is.
    pub point: (f64, f64),
}

/// Curves over a shared horizontal axis.
///
/// ```
/// # fn main() -> Result<(), ocelli_report::ReportError> {
/// use ocelli_report::{LinePlot, Mark, Series};
///
/// let loss = Series { name: "train".into(), points: vec![(0.0, 2.3), (100.0, 0.4)] };
/// let svg = LinePlot {
///     title: "Loss".into(),
///     x_label: "step".into(),
///     y_label: "cross-entropy".into(),
///     series: vec![loss],
///     marks: vec![Mark { name: "last".into(), point: (100.0, 0.4) }],
/// }
/// .to_svg()?;
/// assert!(svg.starts_with("<svg"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct LinePlot {
    /// What stands above the figure.
    pub title: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// What the vertical axis measures, with its unit.
    pub y_label: String,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
    /// Points that stand out. Those that are not finite are left out.
    pub marks: Vec<Mark>,
}

impl LinePlot {
    /// Draws the figure, 640 × 360 units.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let mut svg = String::new();
        self.draw(SVGBackend::with_string(&mut svg, (640, 360)))?;
        Ok(svg)
    }

    fn draw(&self, backend: SVGBackend) -> Result<(), ReportError> {
        let failed = failed(&self.title);
        let curves: Vec<_> = self.series.iter().map(|series| thin(&series.points)).collect();
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, (FONT, 18).into_font().color(&INK))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(
                extent(curves.iter().flatten().map(|point| point.0), 0.0),
                extent(curves.iter().flatten().map(|point| point.1), 0.05),
            )
            .map_err(&failed)?;
        with_style(&mut chart.configure_mesh())
            .x_labels(8)
            .x_label_formatter(&|value| compact(*value))
            .y_label_formatter(&|value| compact(*value))
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .draw()
            .map_err(&failed)?;
        for ((series, points), colour) in self.series.iter().zip(curves).zip(PALETTE.iter().cycle())
        {
            let style = colour.stroke_width(2);
            if points.len() <= DOTTED {
                let dots = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
                chart.draw_series(dots).map_err(&failed)?;
            }
            chart
                .draw_series(LineSeries::new(points, style))
                .map_err(&failed)?
                .label(&series.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        let (low, high) = (chart.x_range().start, chart.x_range().end);
        for Mark { name, point } in self.marks.iter().filter(|mark| is_finite(&mark.point)) {
            let ring = Circle::new((0, 0), 6, INK.stroke_width(2));
            // Beside the point, on the side where there is more room.
            let is_right = point.0 - low > high - point.0;
            let (x, side) = if is_right { (-10, HPos::Right) } else { (10, HPos::Left) };
            let style = (FONT, 12).into_font().color(&INK).pos(Pos::new(side, VPos::Top));
            let label = Text::new(name.clone(), (x, 8), style);
            let element = EmptyElement::at(*point) + ring + label;
            chart.draw_series([element]).map_err(&failed)?;
        }
        if self.series.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.85))
                .border_style(GRID)
                .label_font((FONT, 12).into_font().color(&INK))
                .draw()
                .map_err(&failed)?;
        }
        area.present().map_err(&failed)
    }
}

fn is_finite((x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// The finite points, thinned to [`MAX_POINTS`].
pub(super) fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let points: Vec<_> = points.iter().copied().filter(is_finite).collect();
    let bucket = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let n = points.len() as f64;
        let (x, y) =
            points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (x / n, y / n)
    };
    points.chunks(bucket).map(mean).collect()
}

/// The range that holds all `values`, widened on both sides by a fraction `margin` of itself.
fn extent(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return 0.0..1.0;
    }
    let widened = if low < high { (high - low) * margin } else { low.abs().max(1.0) * 0.1 };
    low - widened..high + widened
}

/// A number in as few characters as an axis wants.
pub(super) fn compact(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 {
        format!("{}M", trimmed(value / 1e6))
    } else if size >= 1e4 {
        format!("{}k", trimmed(value / 1e3))
    } else if size > 0.0 && size < 1e-3 {
        format!("{value:.0e}")
    } else {
        trimmed(value)
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
