use super::*;
use crate::rows::Rows;
use crate::testing::values;
use proptest::prelude::*;

/// The definition, word for word.
fn brute_force(rows: Rows<'_>, centroids: Rows<'_>) -> Vec<u32> {
    let nearest = |row: usize| {
        let distance = |at: usize| squared_distance(rows.row(row), centroids.row(at));
        let best = (0..centroids.count()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        best.unwrap() as u32
    };
    (0..rows.count()).map(nearest).collect()
}

fn assign(rows: Rows<'_>, centroids: Rows<'_>, origin: &[f32]) -> Vec<u32> {
    let mut assignment = vec![0; rows.count()];
    NearestIndex::new(centroids, origin).assign(rows, &mut assignment);
    assignment
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(96))]

    #[test]
    fn the_nearest_centroid_is_that_of_the_definition(
        count in 1_usize..300,
        k in 1_usize..70,
        width in 1_usize..40,
        grid in 0_usize..3,
        offset in prop::sample::select(vec![0.0_f32, 1.0, 1e4, 1e7]),
        seed in 0_u32..1000,
    ) {
        // Numbers on a coarse grid tie often; those far from the origin have no digits to spare.
        let round = |value: f32| match grid {
            0 => value + offset,
            1 => (value * 2.0).round() + offset,
            _ => (value * 64.0).round() / 64.0 + offset,
        };
        let rows: Vec<f32> = values(count * width, seed).into_iter().map(round).collect();
        let centroids: Vec<f32> = values(k * width, seed + 7).into_iter().map(round).collect();
        let (rows, centroids) = (Rows::dense(&rows, width), Rows::dense(&centroids, width));
        let expected = brute_force(rows, centroids);
        prop_assert_eq!(assign(rows, centroids, &vec![0.0; width]), &expected[..]);
        prop_assert_eq!(assign(rows, centroids, &vec![offset; width]), &expected[..]);
    }

    #[test]
    fn squared_distances_are_sums_of_squares(width in 0_usize..70, seed in 0_u32..1000) {
        let (a, b) = (values(width, seed), values(width, seed + 1));
        let expected: f64 = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        prop_assert!((squared_distance(&a, &b) - expected).abs() <= 1e-12 * expected);
    }
}

#[test]
fn equal_centroids_give_the_lowest_index_wherever_they_stand() {
    let width = 5;
    let mut centroids = values(40 * width, 3);
    let copy = centroids[7 * width..8 * width].to_vec();
    centroids[33 * width..34 * width].copy_from_slice(&copy);
    let centroids = Rows::dense(&centroids, width);
    let rows = Rows::dense(&copy, width);
    assert_eq!(assign(rows, centroids, &[0.0; 5]), [7]);
    // As a group's later member, and in a later group.
    let groups: [Vec<u32>; 2] = [(20..40).collect(), (0..20).collect()];
    let index = NearestIndex::grouped(centroids, &[0.0; 5], &groups);
    let mut assignment = [0];
    index.assign(rows, &mut assignment);
    assert_eq!(assignment, [7]);
}

#[test]
fn numbers_that_overflow_single_precision_are_compared_in_double() {
    let rows = [1e30, 1e30, -3e38, 1.0];
    let centroids = [9e29, 1e30, -3e38, 0.0, 0.0, 0.0, 1e30, 2e30];
    let (rows, centroids) = (Rows::dense(&rows, 2), Rows::dense(&centroids, 2));
    assert_eq!(assign(rows, centroids, &[0.0; 2]), brute_force(rows, centroids));
    assert_eq!(brute_force(rows, centroids), [0, 1]);
}

#[test]
fn groups_are_searched_alone_and_tell_the_two_largest() {
    let width = 9;
    let (rows, centroids) = (values(20 * width, 1), values(30 * width, 2));
    let (rows, centroids) = (Rows::dense(&rows, width), Rows::dense(&centroids, width));
    let groups: [Vec<u32>; 3] =
        [(0..30).step_by(3).collect(), (1..30).step_by(3).collect(), (2..30).step_by(3).collect()];
    let index = NearestIndex::grouped(centroids, &vec![0.0; width], &groups);
    assert_eq!(index.groups(), 3);
    let mut panel = Panel::new(width);
    let indices: Vec<u32> = (0..20).rev().collect();
    panel.fill(rows, index.origin(), &indices);
    assert_eq!(panel.count(), 20);
    for (group, members) in groups.iter().enumerate() {
        let mut found = Found::default();
        index.search(&panel, group, &mut found);
        for (lane, row) in indices.iter().enumerate() {
            let row = rows.row(*row as usize);
            let square: f64 = row.iter().map(|x| f64::from(x * x)).sum();
            assert!(panel.norm_bound(lane) >= square.sqrt());
            let mut t: Vec<(f64, u32)> = members
                .iter()
                .map(|id| {
                    (0.5 * (square - squared_distance(row, centroids.row(*id as usize))), *id)
                })
                .collect();
            t.sort_by(|a, b| b.0.total_cmp(&a.0));
            let error = index.error(panel.norm_bound(lane));
            assert_eq!(index.id(&found, lane), t[0].1);
            assert!((f64::from(found.best[lane]) - t[0].0).abs() <= error, "lane {lane}");
            assert!((f64::from(found.second[lane]) - t[1].0).abs() <= error, "lane {lane}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let (rows, centroids) = (values(2000 * 24, 5), values(100 * 24, 6));
    let (rows, centroids) = (Rows::dense(&rows, 24), Rows::dense(&centroids, 24));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| assign(rows, centroids, &[0.0; 24]))
    };
    assert_eq!(with(1), with(3));
    assert_eq!(with(1), brute_force(rows, centroids));
}

#[test]
fn assigned_distances_are_those_of_the_pairs() {
    let (rows, centroids) = (values(70 * 3, 5), values(4 * 3, 6));
    let (rows, centroids) = (Rows::dense(&rows, 3), Rows::dense(&centroids, 3));
    let assignment: Vec<u32> = (0..70).map(|row| row % 4).collect();
    let mut distances = vec![0.0; 70];
    squared_distances(rows, centroids, &assignment, &mut distances);
    for (row, distance) in distances.into_iter().enumerate() {
        assert_eq!(distance, squared_distance(rows.row(row), centroids.row(row % 4)));
    }
}

#[test]
#[should_panic(expected = "stands in two groups")]
fn a_centroid_in_two_groups_is_refused() {
    let _ = NearestIndex::grouped(Rows::dense(&[0.0; 4], 2), &[0.0; 2], &[vec![0, 1], vec![1]]);
}

#[test]
#[should_panic(expected = "a centroid without a group")]
fn a_centroid_without_a_group_is_refused() {
    let _ = NearestIndex::grouped(Rows::dense(&[0.0; 4], 2), &[0.0; 2], &[vec![0]]);
}

#[test]
fn rows_are_added_in_double_precision() {
    let rows = [1e8_f32, 1.0, 0.25, 2.0, -1e8, 3.0];
    let mut sums = [0.5, 0.0];
    add_rows(Rows::dense(&rows, 2), &[0, 1, 2, 1], &mut sums);
    assert_eq!(sums, [1.0, 8.0]);
}
