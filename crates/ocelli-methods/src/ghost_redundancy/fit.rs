//! The filter that makes one map of another with the least squared error, in closed form.
//!
//! With x₁ … x_m the copies of the source under the m = d² taps of the kernel (zeros outside the
//! map), and 1 for the bias, the filter w minimises ‖y − Xw‖², so XᵀXw = Xᵀy. XᵀX is made and
//! factored once for a source; every target then costs the product Xᵀy and a substitution. The
//! copies of a smaller kernel are among those of a larger one, so all kernels share one XᵀX.

/// A share of a column's length below which what it adds to the columns before it is rounding.
const DEPENDENT: f64 = 1e-11;

/// The equations of one source map for kernels of several sizes.
pub struct NormalEquations {
    /// The columns of X, those of small kernels first.
    columns: Vec<Vec<f64>>,
    systems: Vec<System>,
}

/// The filter of one size that fits best.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// d.
    pub kernel: usize,
    /// The taps row by row, as a convolution without flipping applies them.
    pub taps: Vec<f64>,
    /// The bias, zero if there is none.
    pub bias: f64,
    /// The mean squared error.
    pub mse: f64,
}

/// The factored equations of one kernel.
struct System {
    kernel: usize,
    /// How many of the columns it has.
    size: usize,
    /// L of XᵀX = LLᵀ, row by row; a zero on the diagonal marks a column that adds nothing to those
    /// before it.
    factor: Vec<f64>,
}

/// A tap's offset, in rows and columns from the centre.
type Offset = (isize, isize);

impl NormalEquations {
    /// The equations of a `source` map of `height` rows, for `kernels` in ascending order.
    pub fn new(source: &[f32], height: usize, kernels: &[usize], bias: bool) -> Self {
        let largest = kernels.last().copied().unwrap_or(1);
        let ones = bias.then(|| vec![1.0; source.len()]);
        let shifted = rings(largest).into_iter().map(|offset| shift(source, height, offset));
        let columns: Vec<Vec<f64>> = ones.into_iter().chain(shifted).collect();
        let gram: Vec<Vec<f64>> = (0..columns.len())
            .map(|row| (0..=row).map(|column| dot(&columns[row], &columns[column])).collect())
            .collect();
        let factor = cholesky(&gram);
        let system = |&kernel: &usize| {
            let size = kernel * kernel + usize::from(bias);
            let rows = factor[..size].iter();
            System { kernel, size, factor: rows.flatten().copied().collect() }
        };
        Self { systems: kernels.iter().map(system).collect(), columns }
    }

    /// The best filter of each kernel for a `target` map of the same size.
    pub fn fit(&self, target: &[f32]) -> Vec<Fit> {
        let products = self.products(target);
        let fit = |system: &System| {
            let solution = system.solve(&products);
            let (bias, ringed) = solution.split_at(system.size - system.kernel * system.kernel);
            Fit {
                kernel: system.kernel,
                taps: in_rows(system.kernel, ringed),
                bias: bias.first().copied().unwrap_or(0.0),
                mse: self.residual(&solution, target),
            }
        };
        self.systems.iter().map(fit).collect()
    }

    /// The least mean squared error of each kernel for a `target` whose mean square is `power`:
    /// what [`fit`](Self::fit) finds, without the filters, and but for rounding.
    pub(super) fn errors(&self, target: &[f32], power: f64) -> impl Iterator<Item = f64> {
        let products = self.products(target);
        let scale = target.len() as f64;
        self.systems.iter().map(move |system| {
            // ‖y‖² − ‖L⁻¹Xᵀy‖² is the squared length of what no filter reaches.
            let reached: f64 = system.forward(&products).iter().map(|value| value * value).sum();
            (power - reached / scale).max(0.0)
        })
    }

    fn products(&self, target: &[f32]) -> Vec<f64> {
        let product = |column: &Vec<f64>| {
            column.iter().zip(target).map(|(x, y)| x * f64::from(*y)).sum::<f64>()
        };
        self.columns.iter().map(product).collect()
    }

    fn residual(&self, solution: &[f64], target: &[f32]) -> f64 {
        let mut left: Vec<f64> = target.iter().map(|value| f64::from(*value)).collect();
        for (weight, column) in solution.iter().zip(&self.columns) {
            left.iter_mut().zip(column).for_each(|(left, x)| *left -= weight * x);
        }
        dot(&left, &left) / target.len() as f64
    }
}

impl System {
    fn row(&self, row: usize) -> &[f64] {
        // Rows of a triangle are one longer each.
        &self.factor[row * (row + 1) / 2..][..=row]
    }

    /// z of Lz = `right`.
    fn forward(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = Vec::with_capacity(self.size);
        for (index, right) in right[..self.size].iter().enumerate() {
            let row = self.row(index);
            let known = dot(&row[..index], &solution);
            let pivot = row[index];
            solution.push(if pivot == 0.0 { 0.0 } else { (right - known) / pivot });
        }
        solution
    }

    /// w of LLᵀw = `right`; columns that add nothing have no weight.
    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = self.forward(right);
        for index in (0..self.size).rev() {
            let pivot = self.row(index)[index];
            if pivot == 0.0 {
                solution[index] = 0.0;
                continue;
            }
            let value = solution[index] / pivot;
            solution[index] = value;
            let before = solution.iter_mut().zip(&self.row(index)[..index]);
            before.for_each(|(known, factor)| *known -= factor * value);
        }
        solution
    }
}

/// L of a symmetric matrix that is given by its lower triangle.
fn cholesky(gram: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(gram.len());
    for (index, row) in gram.iter().enumerate() {
        let mut new: Vec<f64> = Vec::with_capacity(index + 1);
        for (column, value) in row[..index].iter().enumerate() {
            let above = &factor[column];
            let pivot = above[column];
            let rest = value - dot(&new, &above[..column]);
            new.push(if pivot == 0.0 { 0.0 } else { rest / pivot });
        }
        let rest = row[index] - dot(&new, &new);
        new.push(if rest > DEPENDENT * row[index] { rest.sqrt() } else { 0.0 });
        factor.push(new);
    }
    factor
}

/// The taps of a kernel from the centre outwards, so that a smaller kernel's come first.
fn rings(kernel: usize) -> Vec<Offset> {
    let reach = (kernel / 2) as isize;
    let rows = -reach..=reach;
    let mut offsets: Vec<Offset> =
        rows.clone().flat_map(|row| rows.clone().map(move |column| (row, column))).collect();
    offsets.sort_by_key(|(row, column)| row.abs().max(column.abs()));
    offsets
}

/// Taps from the centre outwards in the order of rows.
fn in_rows(kernel: usize, ringed: &[f64]) -> Vec<f64> {
    let reach = (kernel / 2) as isize;
    let mut taps = vec![0.0; kernel * kernel];
    for ((row, column), value) in rings(kernel).into_iter().zip(ringed) {
        taps[((row + reach) * kernel as isize + column + reach) as usize] = *value;
    }
    taps
}

/// The map under a tap: `map[row + offset]` at every row, zeros outside.
fn shift(map: &[f32], height: usize, (down, right): Offset) -> Vec<f64> {
    let width = map.len() / height;
    let mut shifted = vec![0.0; map.len()];
    for (row, line) in shifted.chunks_exact_mut(width).enumerate() {
        let Some(from) = row.checked_add_signed(down).filter(|row| *row < height) else { continue };
        let source = &map[from * width..][..width];
        for (column, value) in line.iter_mut().enumerate() {
            let from = column.checked_add_signed(right);
            *value = from.and_then(|from| source.get(from)).map_or(0.0, |value| f64::from(*value));
        }
    }
    shifted
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
