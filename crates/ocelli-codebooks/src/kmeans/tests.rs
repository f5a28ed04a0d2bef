use super::*;
use ocelli_kernels::nearest::squared_distance;
use proptest::prelude::*;
use rand::RngExt;

/// `count` rows around `centres` points, `spread` wide.
fn blobs(count: usize, width: usize, centres: usize, spread: f32, seed: u64) -> Vec<f32> {
    let draw = |what: u64, at: usize| -> Vec<f32> {
        let mut stream = Seed(seed).stream(ocelli_random::Purpose("test"), what, at as u64);
        (0..width).map(|_| stream.random_range(-1.0..1.0)).collect()
    };
    let centres: Vec<Vec<f32>> = (0..centres).map(|centre| draw(0, centre)).collect();
    let row = |row: usize| {
        let noise = draw(1, row);
        let centre = centres[row % centres.len()].clone();
        centre.into_iter().zip(noise).map(move |(centre, noise)| centre + spread * noise)
    };
    (0..count).flat_map(row).collect()
}

/// Lloyd's algorithm as it is written, with the crate's definition of a distance.
fn textbook(rows: Rows<'_>, centroids: &[f32], steps: usize) -> (Vec<f32>, Vec<u32>, Vec<f64>) {
    let width = rows.channels();
    let (mut centroids, mut inertias) = (centroids.to_vec(), Vec::new());
    let assign = |centroids: &[f32]| -> Vec<(f64, u32)> {
        let of = Rows::dense(centroids, width);
        let nearest = |row: usize| {
            let all =
                (0..of.count()).map(|at| (squared_distance(rows.row(row), of.row(at)), at as u32));
            all.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
        };
        (0..rows.count()).map(nearest).collect()
    };
    for _ in 0..steps {
        let assigned = assign(&centroids);
        inertias.push(assigned.iter().map(|(distance, _)| distance).sum());
        for (cluster, centroid) in centroids.chunks_exact_mut(width).enumerate() {
            let mut sums = vec![0.0_f64; width];
            let mut count = 0.0;
            for (row, _) in assigned.iter().enumerate().filter(|(_, (_, at))| *at == cluster as u32)
            {
                count += 1.0;
                sums.iter_mut()
                    .zip(rows.row(row))
                    .for_each(|(sum, value)| *sum += f64::from(*value));
            }
            if count > 0.0 {
                centroid.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (sum / count) as f32);
            }
        }
    }
    (centroids.clone(), assign(&centroids).into_iter().map(|(_, at)| at).collect(), inertias)
}

fn config(k: usize, pruning: Pruning) -> KMeansConfig {
    KMeansConfig { k, restarts: 1, steps: 12, tolerance: 0.0, pruning, ..KMeansConfig::default() }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(24))]

    #[test]
    fn pruned_steps_are_the_textbooks(
        count in 300_usize..700,
        width in 1_usize..12,
        k in 2_usize..40,
        centres in 1_usize..50,
        spread in 0.01_f32..2.0,
        offset in prop::sample::select(vec![0.0_f32, 100.0]),
        groups in 1_usize..6,
        seed in 0_u64..1000,
    ) {
        let values: Vec<f32> =
            blobs(count, width, centres, spread, seed).into_iter().map(|value| value + offset).collect();
        let rows = Rows::dense(&values, width);
        let centroids = start(rows, k, Seeding::Random, Seed(seed), 0);
        let fits: Vec<KMeansFit> = [Pruning::Off, Pruning::Auto, Pruning::Groups(groups.min(k))]
            .into_iter()
            .map(|pruning| {
                KMeans::new(config(k, pruning)).unwrap().fit_from(rows, &centroids, Seed(0)).unwrap()
            })
            .collect();
        for pruned in &fits[1..] {
            prop_assert_eq!(&pruned.assignment, &fits[0].assignment);
            prop_assert_eq!(&pruned.centroids, &fits[0].centroids);
            prop_assert_eq!(&pruned.inertias, &fits[0].inertias);
            prop_assert!(pruned.evaluations <= fits[0].evaluations);
        }
        if fits[0].repaired == 0 {
            let (means, assignment, inertias) = textbook(rows, &centroids, fits[0].iterations);
            prop_assert_eq!(&fits[0].centroids, &means);
            prop_assert_eq!(&fits[0].assignment, &assignment);
            for (ours, theirs) in fits[0].inertias.iter().zip(&inertias) {
                prop_assert!((ours - theirs).abs() <= 1e-10 * theirs);
            }
        }
        prop_assert!(fits[0].inertias.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-6)));
    }
}

#[test]
fn bounds_leave_most_distances_out_once_clusters_stand() {
    let values = blobs(6000, 16, 200, 0.1, 3);
    let rows = Rows::dense(&values, 16);
    let centroids = start(rows, 200, Seeding::PlusPlus, Seed(1), 0);
    let fit = |pruning| {
        KMeans::new(config(200, pruning)).unwrap().fit_from(rows, &centroids, Seed(0)).unwrap()
    };
    let (plain, pruned) = (fit(Pruning::Off), fit(Pruning::Auto));
    assert_eq!(plain.assignment, pruned.assignment);
    assert_eq!((plain.end, plain.iterations), (pruned.end, pruned.iterations));
    assert!(3 * pruned.evaluations < 2 * plain.evaluations, "{}", pruned.evaluations);
}

#[test]
fn sixty_four_separate_blobs_are_found() {
    let values = blobs(3200, 24, 64, 0.2, 5);
    let rows = Rows::dense(&values, 24);
    let kmeans = KMeans::new(KMeansConfig { k: 64, ..KMeansConfig::default() }).unwrap();
    let fit = kmeans.fit(rows, Seed(7)).unwrap();
    // Row i belongs to blob i mod 64: every cluster is a blob, whole.
    for row in 64..3200 {
        assert_eq!(fit.assignment[row], fit.assignment[row - 64], "row {row}");
    }
    let mut first: Vec<u32> = fit.assignment[..64].to_vec();
    first.sort_unstable();
    assert_eq!(first, (0..64).collect::<Vec<_>>());
    assert_eq!(fit, kmeans.fit(rows, Seed(7)).unwrap());
}

#[test]
fn threads_change_nothing() {
    let values = blobs(9000, 8, 90, 1.0, 1);
    let rows = Rows::dense(&values, 8);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let config = KMeansConfig { restarts: 2, ..config(120, Pruning::Auto) };
        pool.install(|| KMeans::new(config).unwrap().fit(rows, Seed(3)).unwrap())
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn empty_clusters_are_filled_by_either_rule() {
    let values = blobs(500, 3, 10, 0.3, 2);
    let rows = Rows::dense(&values, 3);
    // All centroids but one far away: nobody goes there.
    let mut centroids = vec![1e3; 3 * 12];
    centroids[..3].fill(0.0);
    for empty in [EmptyRule::Farthest, EmptyRule::Split] {
        let config = KMeansConfig { empty, steps: 60, ..config(12, Pruning::Auto) };
        let fit = KMeans::new(config).unwrap().fit_from(rows, &centroids, Seed(1)).unwrap();
        let mut clusters = fit.assignment.clone();
        clusters.sort_unstable();
        clusters.dedup();
        assert_eq!(clusters.len(), 12, "{empty:?}");
        assert!(fit.repaired >= 11 && fit.inertia < 0.5 * fit.inertias[0]);
    }
}

#[test]
fn as_many_centroids_as_rows_leave_no_inertia_and_more_are_refused() {
    let values = blobs(30, 2, 30, 1.0, 4);
    let rows = Rows::dense(&values, 2);
    let fit = KMeans::new(config(30, Pruning::Auto)).unwrap().fit(rows, Seed(0)).unwrap();
    assert_eq!((fit.inertia, fit.end), (0.0, End::Settled));
    let error = KMeans::new(config(31, Pruning::Auto)).unwrap().fit(rows, Seed(0)).unwrap_err();
    assert_eq!(error, Error::TooFewRows { rows: 30, k: 31 });
    let error = KMeans::new(config(3, Pruning::Auto)).unwrap().fit_from(rows, &[0.0; 5], Seed(0));
    assert!(matches!(error, Err(Error::Shape { found: 5, expected: 6, .. })));
}

#[test]
fn settings_out_of_range_are_named() {
    type Spoil = fn(&mut KMeansConfig);
    let cases: [(Spoil, &str); 5] = [
        (|config| config.k = 0, "`k` is 0"),
        (|config| config.restarts = 0, "`restarts` is 0"),
        (|config| config.steps = 0, "`steps` is 0"),
        (|config| config.tolerance = f64::NAN, "`tolerance` is NaN"),
        (|config| config.pruning = Pruning::Groups(9), "`pruning` is 9"),
    ];
    for (spoil, expected) in cases {
        let mut config = KMeansConfig::default();
        spoil(&mut config);
        let message = KMeans::new(config).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn the_tolerance_ends_it_early() {
    let values = blobs(2000, 4, 1, 1.0, 6);
    let rows = Rows::dense(&values, 4);
    let fit = |tolerance| {
        let config = KMeansConfig { tolerance, steps: 500, ..config(20, Pruning::Auto) };
        KMeans::new(config).unwrap().fit(rows, Seed(0)).unwrap()
    };
    let (loose, exact) = (fit(1e-2), fit(0.0));
    assert_eq!((loose.end, exact.end), (End::Tolerance, End::Settled));
    assert!(loose.iterations < exact.iterations && loose.inertia >= exact.inertia);
}

/// The bits of a fit. `OCELLI_SIMD` narrows the instruction set: they are the same on each.
#[test]
fn a_fit_has_known_bits_on_every_instruction_set() {
    let values = blobs(3000, 20, 70, 1.0, 8);
    let kmeans = KMeans::new(KMeansConfig { k: 100, restarts: 1, ..KMeansConfig::default() });
    let fit = kmeans.unwrap().fit(Rows::dense(&values, 20), Seed(1)).unwrap();
    let mut hasher = blake3::Hasher::new();
    fit.centroids.iter().for_each(|value| {
        hasher.update(&value.to_le_bytes());
    });
    fit.assignment.iter().for_each(|cluster| {
        hasher.update(&cluster.to_le_bytes());
    });
    hasher.update(&fit.inertia.to_le_bytes());
    assert_eq!(hasher.finalize().to_hex()[..16], *"7330ab6d4513765f");
}
