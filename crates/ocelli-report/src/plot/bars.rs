//! Bars.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{FONT, GRID, INK, PALETTE, failed};
use crate::ReportError;

/// Shares of a whole as bars, one beside the other.
#[derive(Clone, Debug, Default)]
pub struct BarPlot {
    /// What stands above the figure.
    pub title: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// What stands below each bar, and its height, a share from 0 to 1.
    pub bars: Vec<(String, f64)>,
}

impl BarPlot {
    /// Draws the figure, 640 × 360 units, with each share in per cent above its bar.
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
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let text = |size: i32| TextStyle::from((FONT, size).into_font()).color(&INK);
        let centred = Pos::new(HPos::Center, VPos::Center);
        area.draw(&Text::new(self.title.clone(), (320, 20), text(18).pos(centred)))
            .map_err(&failed)?;
        area.draw(&Text::new(self.x_label.clone(), (320, 344), text(13).pos(centred)))
            .map_err(&failed)?;

        let (left, width, top, bottom) = (30, 580, 60, 310);
        let shares = self.bars.iter().map(|bar| bar.1).filter(|share| share.is_finite());
        let largest = shares.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let count = self.bars.len().max(1) as i32;
        let (font, is_readable) = ((width / count / 3).clamp(8, 13), count <= 40);
        for (index, (label, share)) in self.bars.iter().enumerate() {
            let edge = |index: i32| left + width * index / count;
            let (from, to) = (edge(index as i32), edge(index as i32 + 1));
            let share = if share.is_finite() { share.max(0.0) } else { 0.0 };
            let height = (f64::from(bottom - top) * share / largest).round() as i32;
            let gap = ((to - from) / 8).max(1);
            let corners = [(from + gap, bottom - height), (to - gap, bottom)];
            area.draw(&Rectangle::new(corners, PALETTE[0].filled())).map_err(&failed)?;
            if is_readable {
                let middle = i32::midpoint(from, to);
                let below = (middle, bottom + 12);
                area.draw(&Text::new(label.clone(), below, text(font).pos(centred)))
                    .map_err(&failed)?;
                let above = (middle, bottom - height - 10);
                let percent = format!("{:.0} %", 100.0 * share);
                area.draw(&Text::new(percent, above, text(font).pos(centred))).map_err(&failed)?;
            }
        }
        let ground = PathElement::new([(left, bottom), (left + width, bottom)], GRID);
        area.draw(&ground).map_err(&failed)?;
        area.present().map_err(&failed)
    }
}
