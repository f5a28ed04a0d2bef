//! Random pictures as quantised coefficients.

use super::plan::JpegPlan;
use ocelli_random::ChaCha8Rng;
use rand::RngExt;
use std::f64::consts::PI;

/// The quantised coefficients of one component, block by block in rows, in the order of the file.
pub(super) struct Grid {
    pub(super) blocks: Vec<[i32; 64]>,
    /// Blocks of whole MCUs across.
    pub(super) stride: usize,
    /// Blocks that belong to the picture, across and down.
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Grid {
    /// Waves with an edge and some noise.
    pub(super) fn random(plan: &JpegPlan, index: usize, random: &mut ChaCha8Rng) -> Self {
        let component = &plan.components[index];
        let (largest_across, largest_down) = plan.largest_sampling();
        let size = |pixels: u16, factor: u8, largest: u8| {
            let samples = (usize::from(pixels) * usize::from(factor)).div_ceil(largest.into());
            let mcus = usize::from(pixels).div_ceil(8 * usize::from(largest));
            // A single component is not interleaved, whatever its factors are.
            let factor = if plan.components.len() == 1 { 1 } else { usize::from(factor) };
            (samples.div_ceil(8), (mcus * factor).max(samples.div_ceil(8)))
        };
        let (columns, stride) = size(plan.width, component.across, largest_across);
        let (rows, padded_rows) = size(plan.height, component.down, largest_down);
        let steps = plan.steps(component.table);
        let wave = Wave::random(random);
        let mut blocks = Vec::new();
        for row in 0..padded_rows {
            for column in 0..stride {
                let samples = std::array::from_fn(|y| {
                    std::array::from_fn(|x| wave.at(8 * column + x, 8 * row + y, random))
                });
                blocks.push(quantised(&samples, &steps));
            }
        }
        Self { blocks, stride, columns, rows }
    }
}

struct Wave {
    across: f64,
    down: f64,
    height: f64,
    level: f64,
    edge: usize,
    noise: f64,
}

impl Wave {
    fn random(random: &mut ChaCha8Rng) -> Self {
        Self {
            across: random.random_range(0.0..0.5),
            down: random.random_range(0.0..0.5),
            height: random.random_range(0.0..120.0),
            level: random.random_range(40.0..215.0),
            edge: random.random_range(3..60),
            noise: if random.random_bool(0.5) { random.random_range(0.1..30.0) } else { 0.0 },
        }
    }

    fn at(&self, x: usize, y: usize, random: &mut ChaCha8Rng) -> f64 {
        let wave = (self.across * x as f64 + self.down * y as f64).sin();
        let edge = if ((x + 2 * y) / self.edge).is_multiple_of(2) { 25.0 } else { -25.0 };
        let noise = self.noise * random.random_range(-1.0..1.0);
        (self.level + self.height * wave + edge + noise).clamp(0.0, 255.0).round()
    }
}

/// The DCT of a block (T.81, A.3.3), divided by the steps.
fn quantised(samples: &[[f64; 8]; 8], steps: &[u16; 64]) -> [i32; 64] {
    let norm = |frequency| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
    let wave =
        |at: usize, frequency: usize| ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos();
    let waves: [[f64; 8]; 8] =
        std::array::from_fn(|at| std::array::from_fn(|frequency| wave(at, frequency)));
    let across: [[f64; 8]; 8] = std::array::from_fn(|y| {
        std::array::from_fn(|u| (0..8).map(|x| (samples[y][x] - 128.0) * waves[x][u]).sum())
    });
    std::array::from_fn(|at| {
        let (v, u) = frequencies(at);
        let sum: f64 = (0..8).map(|y| across[y][u] * waves[y][v]).sum();
        (norm(u) * norm(v) * sum / 4.0 / f64::from(steps[at])).round() as i32
    })
}

/// Row and column of each coefficient in the order of the file: along the diagonals, up and down in
/// turns (T.81, figure A.6).
fn frequencies(at: usize) -> (usize, usize) {
    let mut before = 0;
    for diagonal in 0..15_usize {
        let first = diagonal.saturating_sub(7);
        let length = diagonal.min(7) + 1 - first;
        if at < before + length {
            let (near, far) = (first + at - before, diagonal - first - (at - before));
            return if diagonal % 2 == 0 { (far, near) } else { (near, far) };
        }
        before += length;
    }
    (7, 7)
}
