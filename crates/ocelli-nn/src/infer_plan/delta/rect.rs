//! Rectangles of pixels, and how windows carry them from layer to layer.

use ocelli_kernels::{Axis, Geometry, Window};

/// A rectangle of pixels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Rect {
    /// A single pixel.
    pub(super) fn pixel(row: usize, column: usize) -> Self {
        Self { top: row, left: column, height: 1, width: 1 }
    }

    pub(super) fn area(self) -> usize {
        self.height * self.width
    }

    pub(super) fn bottom(self) -> usize {
        self.top + self.height
    }

    pub(super) fn right(self) -> usize {
        self.left + self.width
    }

    /// Row and column of each pixel, line by line.
    pub(super) fn pixels(self) -> impl Iterator<Item = [usize; 2]> {
        (self.top..self.bottom())
            .flat_map(move |row| (self.left..self.right()).map(move |column| [row, column]))
    }

    pub(super) fn contains(self, [row, column]: [usize; 2]) -> bool {
        (self.top..self.bottom()).contains(&row) && (self.left..self.right()).contains(&column)
    }

    /// The smallest rectangle that holds both.
    fn hull(self, other: Self) -> Self {
        let (top, left) = (self.top.min(other.top), self.left.min(other.left));
        let height = self.bottom().max(other.bottom()) - top;
        let width = self.right().max(other.right()) - left;
        Self { top, left, height, width }
    }
}

/// How many rectangles are joined pair by pair; of more the hull is taken.
const MOST: usize = 24;

/// Joins rectangles where their hull has no more pixels than they have together. What remains may
/// overlap.
pub(super) fn join(rects: &mut Vec<Rect>) {
    if rects.len() > MOST {
        let hull = rects.iter().copied().reduce(Rect::hull);
        rects.clear();
        rects.extend(hull);
    }
    let mut index = 0;
    while index < rects.len() {
        let pays =
            |other: &Rect| rects[index].hull(*other).area() <= rects[index].area() + other.area();
        match (index + 1..rects.len()).find(|other| pays(&rects[*other])) {
            Some(other) => {
                rects[index] = rects[index].hull(rects[other]);
                rects.swap_remove(other);
                // The grown rectangle may now be worth joining with those before it.
                rects.swap(0, index);
                index = 0;
            }
            None => index += 1,
        }
    }
}

/// The outputs whose windows meet a rectangle of the input.
pub(super) fn outputs_of(geometry: Geometry, input: Rect) -> Option<Rect> {
    let (top, height) = outputs_on(geometry.rows, input.top, input.height)?;
    let (left, width) = outputs_on(geometry.columns, input.left, input.width)?;
    Some(Rect { top, left, height, width })
}

/// The first output whose window spans any of `count` pixels from `first` on, and how many do.
fn outputs_on(axis: Axis, first: usize, count: usize) -> Option<(usize, usize)> {
    let Window { kernel, stride, dilation, before } = axis.window;
    let reach = (kernel - 1) * dilation;
    let start = (first + before).saturating_sub(reach).div_ceil(stride);
    let end = ((first + count - 1 + before) / stride + 1).min(axis.output);
    (start < end).then(|| (start, end - start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect(top: usize, left: usize, height: usize, width: usize) -> Rect {
        Rect { top, left, height, width }
    }

    #[test]
    fn what_touches_is_joined_and_what_is_far_is_not() {
        let mut rects = vec![rect(0, 0, 1, 1), rect(9, 9, 1, 1), rect(0, 1, 1, 1)];
        join(&mut rects);
        assert_eq!(rects, [rect(0, 0, 1, 2), rect(9, 9, 1, 1)]);
        let mut crossing = vec![rect(0, 2, 5, 1), rect(2, 0, 1, 5)];
        join(&mut crossing);
        assert_eq!(crossing.len(), 2);
        let mut many = (0..100).map(|index| Rect::pixel(3 * index, index)).collect();
        join(&mut many);
        assert_eq!(many, [rect(0, 0, 298, 100)]);
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn joining_loses_no_pixel(given in prop::collection::vec((0_usize..9, 0_usize..9, 1_usize..4, 1_usize..4), 0..8)) {
            let before: Vec<Rect> = given.iter().map(|(t, l, h, w)| rect(*t, *l, *h, *w)).collect();
            let mut after = before.clone();
            join(&mut after);
            let area = |rects: &[Rect]| rects.iter().map(|rect| rect.area()).sum::<usize>();
            prop_assert!(area(&after) <= area(&before));
            for row in 0..12 {
                for column in 0..12 {
                    let inside = |rects: &[Rect]| rects.iter().any(|rect| rect.contains([row, column]));
                    prop_assert!(inside(&after) || !inside(&before));
                }
            }
            let mut again = after.clone();
            join(&mut again);
            prop_assert_eq!(again, after);
        }

        #[test]
        fn outputs_are_those_with_a_tap_inside(
            kernel in 1_usize..5, stride in 1_usize..4, before in 0_usize..4, input in 1_usize..20,
            first in 0_usize..20, count in 1_usize..6,
        ) {
            prop_assume!(first + count <= input && input + before >= kernel);
            let window = Window { kernel, stride, dilation: 1, before };
            let output = (input + before - kernel) / stride + 1;
            let axis = Axis { window, input, output };
            let meets = |output: &usize| (0..kernel).any(|tap| {
                axis.source(*output, tap).is_some_and(|source| (first..first + count).contains(&source))
            });
            let expected: Vec<usize> = (0..output).filter(meets).collect();
            let actual = outputs_on(axis, first, count);
            let actual = actual.map_or(Vec::new(), |(start, count)| (start..start + count).collect());
            prop_assert_eq!(actual, expected);
        }
    }
}
