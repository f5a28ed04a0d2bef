//! Lines on which a value is the same, by marching squares.

/// A piece of a line, from a point to a point; `[column, row]` in units of cells.
pub(super) type Segment = [[f64; 2]; 2];

/// Where `values`, row after row on a square with `side` columns, are `level`. Squares with an unknown corner have
/// no line.
pub(super) fn segments(values: &[Option<f64>], side: usize, level: f64) -> Vec<Segment> {
    let mut found = Vec::new();
    for row in 0..side.saturating_sub(1) {
        for column in 0..side - 1 {
            let corner = |dx: usize, dy: usize| values[(row + dy) * side + column + dx];
            let corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
            let [Some(a), Some(b), Some(c), Some(d)] = corners else { continue };
            let corner = [column as f64, row as f64];
            found.extend(
                of_square([a, b, c, d], level)
                    .into_iter()
                    .map(|segment| segment.map(|[x, y]| [corner[0] + x, corner[1] + y])),
            );
        }
    }
    found
}

/// In the square of a unit whose corners, going round from zero, have these values.
fn of_square(corners: [f64; 4], level: f64) -> Vec<Segment> {
    const AT: [[f64; 2]; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let crossing = |side: usize| {
        let (from, to) = (side, (side + 1) % 4);
        let (low, high) = (corners[from], corners[to]);
        if (low < level) == (high < level) {
            return None;
        }
        let share = (level - low) / (high - low);
        let between = |axis: usize| AT[from][axis] + share * (AT[to][axis] - AT[from][axis]);
        Some([between(0), between(1)])
    };
    let points: Vec<[f64; 2]> = (0..4).filter_map(crossing).collect();
    match points[..] {
        [from, to] => vec![[from, to]],
        [bottom, right, top, left] => {
            // A saddle: the middle tells which corners belong together.
            let middle = corners.iter().sum::<f64>() / 4.0;
            if (middle < level) == (corners[0] < level) {
                vec![[bottom, right], [top, left]]
            } else {
                vec![[bottom, left], [right, top]]
            }
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_slope_are_straight_and_those_of_a_bowl_are_rings() {
        let side = 21;
        let values = |of: &dyn Fn(f64, f64) -> f64| -> Vec<Option<f64>> {
            (0..side * side)
                .map(|at| Some(of((at % side) as f64 - 10.0, (at / side) as f64 - 10.0)))
                .collect()
        };
        let slope = segments(&values(&|x, _| x), side, 2.5);
        assert_eq!(slope.len(), side - 1);
        assert!(slope.iter().flatten().all(|point| (point[0] - 12.5).abs() < 1e-12));

        let bowl = segments(&values(&|x, y| x * x + y * y), side, 25.5);
        assert!(bowl.len() > 30, "{}", bowl.len());
        for [x, y] in bowl.into_iter().flatten() {
            let radius = ((x - 10.0).powi(2) + (y - 10.0).powi(2)).sqrt();
            assert!((radius - 25.5_f64.sqrt()).abs() < 0.06, "{radius}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let values = [Some(0.0), Some(1.0), Some(1.0), None];
        assert!(segments(&values, 2, 0.5).is_empty());
        // A saddle has two lines.
        let values = [0.0, 1.0, 1.0, 0.0].map(Some);
        assert_eq!(segments(&values, 2, 0.5).len(), 2);
    }
}
