//! A value over a plane, as shades and contour lines.

mod contour;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, INK, failed, line::compact};
use crate::ReportError;
use contour::segments;

/// How many contour lines there are.
const LINES: usize = 9;

/// From the lowest value to the highest: a ramp whose lightness grows evenly (viridis).
const RAMP: [RGBColor; 7] = [
    RGBColor(0x44, 0x01, 0x54),
    RGBColor(0x44, 0x39, 0x83),
    RGBColor(0x31, 0x68, 0x8e),
    RGBColor(0x21, 0x91, 0x8c),
    RGBColor(0x35, 0xb7, 0x79),
    RGBColor(0x90, 0xd7, 0x43),
    RGBColor(0xfd, 0xe7, 0x25),
];

/// A value over a square plane.
///
/// ```
/// # fn main() -> Result<(), ocelli_report::ReportError> {
/// let values = [4.0, 1.0, 4.0, 1.0, 0.0, 1.0, 4.0, 1.0, 4.0].map(Some).to_vec();
/// let plot = ocelli_report::SurfacePlot {
///     title: "Loss".into(),
///     coordinates: vec![-1.0, 0.0, 1.0],
///     values,
///     ..Default::default()
/// };
/// assert!(plot.to_svg()?.starts_with("<svg"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SurfacePlot {
    /// What stands above the figure.
    pub title: String,
    /// What the axes measure.
    pub label: String,
    /// What the value is, with its unit.
    pub value_label: String,
    /// The coordinates of columns and of rows, ascending and evenly spaced.
    pub coordinates: Vec<f64>,
    /// Row after row, the first at the lowest coordinate. Values that are absent or not finite are left white.
    pub values: Vec<Option<f64>>,
    /// Whether shades and lines are even in the logarithm of positive values.
    pub logarithmic: bool,
}

impl SurfacePlot {
    /// Draws the figure, 640 × 600 units.
    ///
    /// # Errors
    /// When there is not one value for each row and column, or the drawing library fails.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let side = self.coordinates.len();
        if self.values.len() != side * side {
            let (title, found) = (self.title.clone(), self.values.len());
            return Err(ReportError::Ragged { title, row: 0, found, expected: side * side });
        }
        let mut svg = String::new();
        self.draw(SVGBackend::with_string(&mut svg, (640, 600)))?;
        Ok(svg)
    }

    fn draw(&self, backend: SVGBackend) -> Result<(), ReportError> {
        let failed = failed(&self.title);
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let text = |size: i32| TextStyle::from((FONT, size).into_font()).color(&INK);
        let centred = Pos::new(HPos::Center, VPos::Center);
        let (left, top, width) = (70, 45, 480);
        let title = Text::new(self.title.clone(), (left + width / 2, 20), text(18).pos(centred));
        area.draw(&title).map_err(&failed)?;

        let side = self.coordinates.len();
        let shown: Vec<Option<f64>> = self.values.iter().map(|value| self.shown(*value)).collect();
        let known = || shown.iter().flatten().copied();
        let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let range = (high - low).max(f64::MIN_POSITIVE);
        let count = side.max(1) as i32;
        // Rows grow upwards, as the axis does.
        let edge = |index: i32| width * index / count;
        for (index, value) in shown.iter().enumerate() {
            let Some(value) = value else { continue };
            let (column, row) = ((index % side) as i32, (index / side) as i32);
            let corners = [
                (left + edge(column), top + width - edge(row + 1)),
                (left + edge(column + 1), top + width - edge(row)),
            ];
            let cell = Rectangle::new(corners, shade((value - low) / range).filled());
            area.draw(&cell).map_err(&failed)?;
        }
        // Values stand in the middle of their cells.
        let at = |position: f64| f64::from(width) * (position + 0.5) / f64::from(count);
        for line in 1..=LINES {
            let level = low + range * line as f64 / (LINES + 1) as f64;
            for [from, to] in segments(&shown, side, level) {
                let point = |[x, y]: [f64; 2]| {
                    (left + at(x).round() as i32, top + width - at(y).round() as i32)
                };
                let path = PathElement::new([point(from), point(to)], WHITE.mix(0.7));
                area.draw(&path).map_err(&failed)?;
            }
        }
        let frame = Rectangle::new([(left, top), (left + width, top + width)], INK);
        area.draw(&frame).map_err(&failed)?;
        self.draw_axes(&area, (left, top, width)).map_err(&failed)?;
        if low <= high {
            self.draw_scale(&area, (left + width + 20, top, width), [low, high])
                .map_err(&failed)?;
        }
        area.present().map_err(&failed)
    }

    fn draw_axes<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, plotters::coord::Shift>,
        (left, top, width): (i32, i32, i32),
    ) -> Result<(), DrawingAreaErrorKind<D::ErrorType>> {
        let text = |size: i32| TextStyle::from((FONT, size).into_font()).color(&INK);
        let side = self.coordinates.len().max(1);
        let ticks = [0, side / 4, side / 2, side - 1 - side / 4, side - 1];
        for tick in ticks {
            let Some(value) = self.coordinates.get(tick) else { continue };
            let at = width * (2 * tick as i32 + 1) / (2 * side as i32);
            let below = text(12).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(compact(*value), (left + at, top + width + 6), below))?;
            let beside = text(12).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(compact(*value), (left - 6, top + width - at), beside))?;
        }
        let centred = text(13).pos(Pos::new(HPos::Center, VPos::Center));
        area.draw(&Text::new(self.label.clone(), (left + width / 2, top + width + 40), centred))
    }

    fn draw_scale<D: DrawingBackend>(
        &self,
        area: &DrawingArea<D, plotters::coord::Shift>,
        (left, top, height): (i32, i32, i32),
        [low, high]: [f64; 2],
    ) -> Result<(), DrawingAreaErrorKind<D::ErrorType>> {
        const STEPS: i32 = 60;
        let style = TextStyle::from((FONT, 12).into_font()).color(&INK);
        for step in 0..STEPS {
            let y = |step: i32| top + height - height * step / STEPS;
            let share = f64::from(step) / f64::from(STEPS - 1);
            let corners = [(left, y(step + 1)), (left + 14, y(step))];
            area.draw(&Rectangle::new(corners, shade(share).filled()))?;
        }
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let value = low + (high - low) * share;
            let value = if self.logarithmic { value.exp() } else { value };
            let y = top + height - (f64::from(height) * share).round() as i32;
            let style = style.clone().pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(compact(value), (left + 18, y), style))?;
        }
        let style = style.pos(Pos::new(HPos::Center, VPos::Center));
        area.draw(&Text::new(self.value_label.clone(), (left + 14, top - 14), style))
    }

    /// What shades are even in.
    fn shown(&self, value: Option<f64>) -> Option<f64> {
        let value = value.map(|value| if self.logarithmic { value.ln() } else { value });
        value.filter(|value| value.is_finite())
    }
}

/// The colour of a share between the lowest and the highest value.
fn shade(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (share.floor() as usize).min(RAMP.len() - 2);
    let (low, high, part) = (RAMP[below], RAMP[below + 1], share - below as f64);
    let mix = |low: u8, high: u8| {
        (f64::from(low) + part * (f64::from(high) - f64::from(low))).round() as u8
    };
    RGBColor(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}
