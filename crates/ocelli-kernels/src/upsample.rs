//! Images enlarged by whole factors, each pixel repeated.

use crate::elementwise::Write;
use crate::rows::{Rows, RowsMut};
use rayon::prelude::*;

/// How images of `width` pixels a line are enlarged, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// Pixels in a line before.
    pub width: usize,
    /// How often each is repeated in its line, and each line.
    pub factor: usize,
}

impl Upsample {
    /// Nearest-neighbour enlargement.
    ///
    /// # Shapes
    /// - `x`: `[images · height · width, channels]`, `y`: `[images · height · width · factor², channels]`
    ///
    /// # Panics
    /// When the shapes differ from these.
    pub fn forward(self, x: Rows<'_>, y: RowsMut<'_>) {
        let line = self.check([x.count(), x.channels()], [y.count(), y.channels()]);
        y.blocks(line).enumerate().for_each(|(index, mut y)| {
            for pixel in 0..y.count() {
                let source = index * self.width + self.column(pixel);
                y.row_mut(pixel).copy_from_slice(x.row(source));
            }
        });
    }

    /// The gradient of its input, or added to `dx`: the sum over each pixel's copies.
    ///
    /// # Shapes
    /// As for [`forward`](Self::forward), with `dx` for `x` and `dy` for `y`.
    ///
    /// # Panics
    /// When the shapes differ from these.
    pub fn backward(self, dy: Rows<'_>, dx: RowsMut<'_>, write: Write) {
        let line = self.check([dx.count(), dx.channels()], [dy.count(), dy.channels()]);
        dx.blocks(self.width.max(1)).enumerate().for_each(|(index, mut dx)| {
            if write == Write::Replace {
                (0..dx.count()).for_each(|pixel| dx.row_mut(pixel).fill(0.0));
            }
            for pixel in 0..line {
                let to = dx.row_mut(self.column(pixel));
                let from = dy.row(index * line + pixel);
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
            }
        });
    }

    /// Which pixel of its line stands at `pixel` of the lines that are made of it.
    fn column(self, pixel: usize) -> usize {
        pixel % (self.width * self.factor) / self.factor
    }

    /// How many pixels are made of a line.
    fn check(self, [inputs, channels]: [usize; 2], outputs: [usize; 2]) -> usize {
        let copies = self.factor * self.factor;
        assert_eq!(outputs, [inputs * copies, channels], "shape of an enlarged image");
        assert!(
            inputs == 0 || inputs.is_multiple_of(self.width.max(1)),
            "{inputs} pixels in lines"
        );
        (self.width * copies).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, values};

    #[test]
    fn each_pixel_is_repeated_and_gathers_the_gradients_of_its_copies() {
        let (images, height, width, channels) = (2, 3, 5, 7);
        for factor in [1, 2, 3] {
            let up = Upsample { width, factor };
            let pixels = images * height * width;
            let x = values(pixels * channels, 1);
            let dy = values(pixels * factor * factor * channels, 2);
            let mut y = vec![9.0; dy.len()];
            up.forward(Rows::dense(&x, channels), RowsMut::dense(&mut y, channels));
            let old = values(x.len(), 3);
            let mut expected: Vec<f64> = old.iter().map(|value| f64::from(*value)).collect();
            for (index, value) in y.iter().enumerate() {
                let (pixel, channel) = (index / channels, index % channels);
                let (line, column) = (pixel / (width * factor), pixel % (width * factor) / factor);
                let source = (line / factor * width + column) * channels + channel;
                assert_eq!(*value, x[source], "{factor}: {index}");
                expected[source] += f64::from(dy[index]);
            }
            let mut dx = old.clone();
            let to = RowsMut::dense(&mut dx, channels);
            up.backward(Rows::dense(&dy, channels), to, Write::Add);
            assert_close(&dx, &expected);
        }
    }
}
