//! Which maps are similar.

use super::Maps;
use super::maps::mean;

/// The correlation of every two maps, row by row; zero with a map that is constant.
///
/// # Shapes
/// - result: `[count, count]`
pub fn correlations(maps: &Maps) -> Vec<f64> {
    let variances = maps.variances();
    let standardised = |index: usize| -> Vec<f64> {
        let (map, variance) = (maps.map(index), variances[index]);
        let scale = if variance > 0.0 { (variance * map.len() as f64).sqrt().recip() } else { 0.0 };
        let mean = mean(map);
        map.iter().map(|value| (f64::from(*value) - mean) * scale).collect()
    };
    let all: Vec<Vec<f64>> = (0..maps.count).map(standardised).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    all.iter().flat_map(|a| all.iter().map(|b| product(a, b))).collect()
}

/// The `pairs` most correlated pairs of `count` maps, the most similar first; each map is in one of
/// them at most, as in figure 1.
///
/// # Shapes
/// - `correlations`: `[count, count]`
pub fn most_similar(correlations: &[f64], count: usize, pairs: usize) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> =
        (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    let likeness = |(a, b): (usize, usize)| correlations[a * count + b];
    all.sort_by(|a, b| likeness(*b).total_cmp(&likeness(*a)).then(a.cmp(b)));
    let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(pairs);
    for (a, b) in all {
        if chosen.len() == pairs {
            break;
        }
        let is_taken = |map| chosen.iter().any(|(c, d)| map == *c || map == *d);
        if !is_taken(a) && !is_taken(b) {
            chosen.push((a, b));
        }
    }
    chosen
}
