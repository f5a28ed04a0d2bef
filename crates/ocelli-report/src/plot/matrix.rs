//! Counts of pairs of classes.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, INK, PALETTE, failed};
use crate::ReportError;

/// Counts as shades: how often the class of a row was taken for the class of a column.
#[derive(Clone, Debug, Default)]
pub struct MatrixPlot {
    /// What stands above the figure.
    pub title: String,
    /// The name of every row and column.
    pub labels: Vec<String>,
    /// Row by row.
    pub counts: Vec<Vec<u64>>,
    /// What shades are fractions of.
    pub scale: Scale,
    /// What rows and columns are.
    pub axes: Axes,
}

/// What shades are fractions of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The sum of the row.
    #[default]
    Row,
    /// The largest count of all.
    Largest,
}

/// What rows and columns are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axes {
    /// True and predicted classes.
    #[default]
    Confusion,
    /// Original and target classes.
    Targets,
}

impl MatrixPlot {
    /// Draws the figure, square, with counts in the cells when they are few enough to read.
    ///
    /// # Errors
    /// When a row does not have one column a label, or the drawing library fails.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let expected = self.labels.len();
        if let Some((row, columns)) =
            self.counts.iter().enumerate().find(|(_, columns)| columns.len() != expected)
        {
            let (title, found) = (self.title.clone(), columns.len());
            return Err(ReportError::Ragged { title, row, found, expected });
        }
        let mut svg = String::new();
        self.draw(SVGBackend::with_string(&mut svg, (720, 720)))?;
        Ok(svg)
    }

    fn draw(&self, backend: SVGBackend) -> Result<(), ReportError> {
        let failed = failed(&self.title);
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let text = |size: i32| TextStyle::from((FONT, size).into_font()).color(&INK);
        let centred = Pos::new(HPos::Center, VPos::Center);
        area.draw(&Text::new(self.title.clone(), (360, 20), text(18).pos(centred)))
            .map_err(&failed)?;

        let (left, top, side) = (110, 50, 600);
        let classes = self.labels.len().max(1) as i32;
        let edge = |index: usize| side * index as i32 / classes;
        let middle = |index: usize| i32::midpoint(edge(index), edge(index + 1));
        let readable = classes <= 20;
        let font = (side / classes / 3).clamp(6, 14);

        let largest = self.counts.iter().flatten().copied().max().unwrap_or(0).max(1);
        for (row, counts) in self.counts.iter().enumerate() {
            let total = match self.scale {
                Scale::Row => counts.iter().sum::<u64>().max(1),
                Scale::Largest => largest,
            };
            for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = count as f64 / total as f64;
                let colour = PALETTE[usize::from(row != column)];
                let corners = [
                    (left + edge(column), top + edge(row)),
                    (left + edge(column + 1), top + edge(row + 1)),
                ];
                // The square root lets rare confusions be seen beside a strong diagonal.
                let shade = colour.mix(0.08 + 0.92 * share.sqrt());
                area.draw(&Rectangle::new(corners, shade.filled())).map_err(&failed)?;
                if readable {
                    let centre = (left + middle(column), top + middle(row));
                    let ink = if share > 0.4 { WHITE } else { INK };
                    let style = text(font).color(&ink).pos(centred);
                    area.draw(&Text::new(count.to_string(), centre, style)).map_err(&failed)?;
                }
            }
        }
        let frame = Rectangle::new([(left, top), (left + side, top + side)], INK.stroke_width(1));
        area.draw(&frame).map_err(&failed)?;
        if readable {
            for (index, label) in self.labels.iter().enumerate() {
                let label = shorten(label, 14);
                let row = text(12).pos(Pos::new(HPos::Right, VPos::Center));
                let at = (left - 6, top + middle(index));
                area.draw(&Text::new(label.clone(), at, row)).map_err(&failed)?;
                let column = text(12).pos(Pos::new(HPos::Center, VPos::Top));
                let at = (left + middle(index), top + side + 6 + 14 * (index as i32 % 2));
                area.draw(&Text::new(label, at, column)).map_err(&failed)?;
            }
        }
        let axes = match self.axes {
            Axes::Confusion => "rows: true class, columns: predicted class",
            Axes::Targets => "rows: original class, columns: target class",
        };
        area.draw(&Text::new(axes, (left + side / 2, 704), text(13).pos(centred)))
            .map_err(&failed)?;
        area.present().map_err(&failed)
    }
}

fn shorten(label: &str, length: usize) -> String {
    if label.chars().count() <= length {
        return label.to_owned();
    }
    label.chars().take(length - 1).chain(['…']).collect()
}
