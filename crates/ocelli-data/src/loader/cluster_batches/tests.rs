use super::*;
use crate::loader::collisions::Collisions;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Clusters of the given sizes, mixed.
fn clusters_of(sizes: &[usize]) -> Vec<u32> {
    let all = sizes.iter().enumerate();
    let mut clusters: Vec<u32> =
        all.flat_map(|(cluster, size)| std::iter::repeat_n(cluster as u32, *size)).collect();
    clusters.shuffle(&mut Seed(1).stream(EPOCH, 0, 0));
    clusters
}

fn epoch(sampler: &ClusterBatches, seed: u64, epoch: u64) -> Vec<u64> {
    let len = sampler.epoch_len(0);
    let positions = sampler.epoch(0, Seed(seed), epoch);
    assert_eq!(positions.index(len), None);
    (0..len).map(|position| positions.index(position).unwrap()).collect()
}

fn counts(batch: &[u64], clusters: &[u32]) -> Vec<usize> {
    let mut counts = vec![0; clusters.iter().max().map_or(0, |most| *most as usize + 1)];
    for index in batch {
        counts[clusters[*index as usize] as usize] += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(1000))]

    /// The greedy rule takes of each batch one sample of each of the B clusters with most left, which is
    /// optimal.
    #[test]
    fn at_most_one_fills_as_many_batches_as_can_be(
        sizes in proptest::collection::vec(1_usize..40, 1..30), batch_size in 1_usize..20, seed: u64,
    ) {
        let clusters = clusters_of(&sizes);
        let (mut left, mut greedy) = (sizes.clone(), 0);
        loop {
            left.sort_unstable_by(|a, b| b.cmp(a));
            if left.len() < batch_size || left[batch_size - 1] == 0 {
                break;
            }
            left[..batch_size].iter_mut().for_each(|left| *left -= 1);
            greedy += 1;
        }
        let Ok(sampler) = ClusterBatches::new(&clusters, ClusterRule::AtMost(1), batch_size) else {
            prop_assert_eq!(greedy, 0);
            return Ok(());
        };
        prop_assert_eq!(sampler.batches(), greedy);
        let visited = epoch(&sampler, seed, 2);
        prop_assert_eq!(visited.iter().collect::<BTreeSet<_>>().len(), visited.len());
        for batch in visited.chunks(batch_size) {
            prop_assert!(counts(batch, &clusters).iter().all(|count| *count <= 1));
        }
        prop_assert_eq!(Collisions::new(&visited, &clusters, batch_size).rate(), 0.0);
        prop_assert_eq!(&visited, &epoch(&sampler, seed, 2));
    }

    #[test]
    fn dealt_batches_have_equal_shares_of_each_cluster(
        sizes in proptest::collection::vec(1_usize..60, 1..20), batch_size in 1_usize..20, seed: u64,
    ) {
        let clusters = clusters_of(&sizes);
        let Ok(sampler) = ClusterBatches::new(&clusters, ClusterRule::Deal, batch_size) else {
            prop_assert!(clusters.len() < batch_size);
            return Ok(());
        };
        prop_assert_eq!(sampler.batches(), clusters.len() / batch_size);
        let visited = epoch(&sampler, seed, 0);
        prop_assert_eq!(visited.iter().collect::<BTreeSet<_>>().len(), visited.len());
        let totals = counts(&visited, &clusters);
        for batch in visited.chunks(batch_size) {
            for (count, total) in counts(batch, &clusters).into_iter().zip(&totals) {
                let share = total / sampler.batches();
                prop_assert!(count == share || (count == share + 1 && share * sampler.batches() < *total));
            }
        }
    }

    #[test]
    fn a_cap_is_kept_and_is_between_the_others(
        sizes in proptest::collection::vec(1_usize..40, 4..20), most in 1_usize..5, seed: u64,
    ) {
        let (clusters, batch_size) = (clusters_of(&sizes), 4);
        let sampler = |rule| ClusterBatches::new(&clusters, rule, batch_size).unwrap();
        let capped = sampler(ClusterRule::AtMost(most));
        prop_assert!(sampler(ClusterRule::AtMost(1)).batches() <= capped.batches());
        prop_assert!(capped.batches() <= sampler(ClusterRule::Deal).batches());
        for batch in epoch(&capped, seed, 0).chunks(batch_size) {
            prop_assert!(counts(batch, &clusters).iter().all(|count| *count <= most));
        }
    }
}

#[test]
fn published_batches_are_unique_as_long_as_the_smallest_cluster_lasts_and_never_change() {
    let sizes: Vec<usize> = (0..64).map(|cluster| 5 + cluster % 7 * 3).collect();
    let clusters = clusters_of(&sizes);
    let sampler = ClusterBatches::new(&clusters, ClusterRule::Published, 64).unwrap();
    let visited = epoch(&sampler, 3, 0);
    let batches: Vec<Vec<usize>> =
        visited.chunks(64).map(|batch| counts(batch, &clusters)).collect();
    assert!(batches[..5].iter().flatten().all(|count| *count == 1), "the first n_min of them");
    assert!(batches[5].iter().any(|count| *count > 1), "the next has a repeat");
    assert!(Collisions::new(&visited, &clusters, 64).rate() > 0.0);
    assert_eq!(visited, epoch(&sampler, 4, 9), "neither seed nor epoch matters");
    // The first samples of all clusters in the source's order.
    for (cluster, index) in visited[..64].iter().enumerate() {
        assert_eq!(clusters.iter().position(|own| *own == cluster as u32), Some(*index as usize));
    }
}

#[test]
fn what_is_left_out_changes_and_epochs_and_seeds_differ() {
    let clusters = clusters_of(&[30, 20, 17]);
    let sampler = ClusterBatches::new(&clusters, ClusterRule::Deal, 8).unwrap();
    let visited: Vec<BTreeSet<u64>> =
        (0..20).map(|number| epoch(&sampler, 0, number).into_iter().collect()).collect();
    assert!(visited.iter().all(|epoch| epoch.len() == 64), "67 samples, 3 left out");
    let every: BTreeSet<u64> = visited.iter().flatten().copied().collect();
    assert_eq!(every.len(), 67, "none is left out for ever");
    assert_ne!(epoch(&sampler, 0, 0), epoch(&sampler, 0, 1));
    assert_ne!(epoch(&sampler, 0, 0), epoch(&sampler, 1, 0));
}

#[test]
fn a_batch_that_cannot_be_filled_is_an_error_with_the_fix() {
    let clusters = clusters_of(&[100, 100, 3]);
    let message = |rule, batch_size| {
        ClusterBatches::new(&clusters, rule, batch_size).unwrap_err().to_string()
    };
    let strict = message(ClusterRule::AtMost(1), 4);
    assert!(strict.contains("is 4, expected 1 to 3: 3 clusters"), "{strict}");
    let capped = message(ClusterRule::AtMost(2), 7);
    assert!(capped.contains("is 7, expected 1 to 6"), "{capped}");
    let deal = message(ClusterRule::Deal, 204);
    assert!(deal.contains("expected 1 to 203, the number of samples"), "{deal}");
    assert!(message(ClusterRule::AtMost(1), 500).contains("203, the number of samples"));
    assert!(ClusterBatches::new(&[], ClusterRule::Deal, 1).is_err());
}

/// Empty clusters do not matter: their numbers are those of a clustering whose others were taken away.
#[test]
fn clusters_without_samples_are_left_out() {
    let clusters: Vec<u32> = clusters_of(&[9, 9, 9, 9]).iter().map(|own| own * 5 + 2).collect();
    let sampler = ClusterBatches::new(&clusters, ClusterRule::AtMost(1), 4).unwrap();
    assert_eq!(sampler.batches(), 9);
    assert_eq!(epoch(&sampler, 0, 0).len(), 36);
}
