//! What is good at a price: points, and those of them that no other is better than.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::line::compact;
use super::{FONT, INK, PALETTE, failed, with_style};
use crate::ReportError;

/// One thing, with what it costs and how good it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParetoPoint {
    /// Its name, beside the point.
    pub name: String,
    /// What it costs, above zero: less is better.
    pub cost: f64,
    /// How good it is: more is better.
    pub value: f64,
}

/// Points on a logarithmic axis of costs, with the front of those that no other is better than.
#[derive(Clone, Debug, Default)]
pub struct ParetoPlot {
    /// What stands above the figure.
    pub title: String,
    /// What is paid, with its unit.
    pub x_label: String,
    /// What is good, with its unit.
    pub y_label: String,
    /// The points. Those that are not finite, or cost nothing, are left out.
    pub points: Vec<ParetoPoint>,
}

/// Which of `points` are on the front, by growing cost: no other costs at most as much and is at least as good,
/// unless it is equal in both; of equal ones the first is taken.
pub fn pareto_front(points: &[ParetoPoint]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).filter(|at| points[*at].is_shown()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&points[*a], &points[*b]);
        a.cost.total_cmp(&b.cost).then(b.value.total_cmp(&a.value))
    });
    let mut best = f64::NEG_INFINITY;
    order.retain(|at| {
        let is_better = points[*at].value > best;
        best = best.max(points[*at].value);
        is_better
    });
    order
}

impl ParetoPoint {
    fn is_shown(&self) -> bool {
        self.cost.is_finite() && self.cost > 0.0 && self.value.is_finite()
    }
}

impl ParetoPlot {
    /// Draws the figure, 800 × 480 units.
    ///
    /// # Errors
    /// When the drawing library fails.
    pub fn to_svg(&self) -> Result<String, ReportError> {
        let mut svg = String::new();
        self.draw(SVGBackend::with_string(&mut svg, (800, 480)))?;
        Ok(svg)
    }

    fn draw(&self, backend: SVGBackend) -> Result<(), ReportError> {
        let failed = failed(&self.title);
        let area = backend.into_drawing_area();
        area.fill(&WHITE).map_err(&failed)?;
        let shown = || self.points.iter().filter(|point| point.is_shown());
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (least, most) = range(&mut shown().map(|point| point.cost));
        let (worst, best) = range(&mut shown().map(|point| point.value));
        let (least, most, worst, best) =
            if least <= most { (least, most, worst, best) } else { (1.0, 10.0, 0.0, 1.0) };
        let margin = ((best - worst) * 0.1).max(1e-3);
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, (FONT, 18).into_font().color(&INK))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(
                (least / 1.5..most * 2.5).log_scale(),
                worst - margin..best + margin,
            )
            .map_err(&failed)?;
        with_style(&mut chart.configure_mesh())
            .x_label_formatter(&|value| compact(*value))
            .y_label_formatter(&|value| compact(*value))
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .draw()
            .map_err(&failed)?;
        let front = pareto_front(&self.points);
        // Between two points of the front the cheaper one is the best that there is.
        let mut steps = Vec::new();
        for (at, index) in front.iter().enumerate() {
            let ParetoPoint { cost, value, .. } = self.points[*index];
            steps.push((cost, value));
            let next = front.get(at + 1).map_or(most * 2.5, |next| self.points[*next].cost);
            steps.push((next, value));
        }
        let line = LineSeries::new(steps, PALETTE[1].stroke_width(2));
        chart.draw_series(line).map_err(&failed)?;
        for (index, point) in self.points.iter().enumerate().filter(|(_, it)| it.is_shown()) {
            let is_front = front.contains(&index);
            let colour = PALETTE[usize::from(is_front)];
            let style = (FONT, 11).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Bottom));
            let element = EmptyElement::at((point.cost, point.value))
                + Circle::new((0, 0), if is_front { 5 } else { 4 }, colour.filled())
                + Text::new(point.name.clone(), (8, -2), style);
            chart.draw_series([element]).map_err(&failed)?;
        }
        area.present().map_err(&failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(cost: f64, value: f64) -> ParetoPoint {
        ParetoPoint { name: String::new(), cost, value }
    }

    #[test]
    fn what_another_is_better_than_is_not_on_the_front() {
        let points = [
            point(10.0, 0.9),
            point(10.0, 0.8),
            point(40.0, 0.9),
            point(2.0, 0.5),
            point(80.0, 0.95),
            point(80.0, 0.95),
            point(0.0, 1.0),
            point(1.0, f64::NAN),
        ];
        assert_eq!(pareto_front(&points), [3, 0, 4]);
        assert!(pareto_front(&[]).is_empty());
        let plot = ParetoPlot { title: "t".into(), points: points.to_vec(), ..Default::default() };
        assert_eq!(plot.to_svg().unwrap().matches("<circle").count(), 6);
        assert!(ParetoPlot::default().to_svg().unwrap().contains("</svg>"), "of nothing");
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(128))]
        #[test]
        fn the_front_is_what_its_definition_says(
            values in prop::collection::vec((1_u8..12, 0_u8..12), 0..20),
        ) {
            let points: Vec<_> =
                values.iter().map(|(cost, value)| point(f64::from(*cost), f64::from(*value))).collect();
            let front = pareto_front(&points);
            for (at, own) in points.iter().enumerate() {
                let is_beaten = points.iter().enumerate().any(|(other_at, other)| {
                    let is_equal = other == own;
                    other.cost <= own.cost
                        && other.value >= own.value
                        && (!is_equal || other_at < at)
                        && other_at != at
                });
                prop_assert_eq!(front.contains(&at), !is_beaten, "{}", at);
            }
        }
    }
}
