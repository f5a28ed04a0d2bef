//! Beside faiss, on what it computed: codes with its centroids, k-means from its starting centroids.

use ocelli_codebooks::{
    Codes, EmptyRule, End, KMeans, KMeansConfig, ProductConfig, ProductQuantizer, Rows,
};
use ocelli_random::Seed;
use ocelli_testkit::{SafeTensors, figure, reference_data};

fn faiss() -> Option<SafeTensors> {
    reference_data("parity/faiss.safetensors").map(|path| SafeTensors::read(&path))
}

#[test]
fn codes_are_faiss_codes_with_its_centroids() {
    let Some(faiss) = faiss() else { return };
    let shape = faiss.shape("pq.centroids");
    let [codebooks, k, part] = shape[..] else { panic!("{shape:?}") };
    let width = codebooks * part;
    let centroids = faiss.values("pq.centroids");
    let quantizer =
        ProductQuantizer::from_centroids(width, codebooks, k.ilog2(), centroids).unwrap();
    let vectors = faiss.values("pq.vectors");
    let rows = Rows::dense(&vectors, width);
    let codes = quantizer.encode(rows).unwrap();
    let expected = faiss.bytes("pq.codes");
    let differing = codes.bytes().iter().zip(&expected).filter(|(a, b)| a != b).count();
    figure("codes that differ from faiss's", differing as f64);
    assert_eq!((codes.bytes().len(), differing), (4000, 0));
    // Decoded, they are the same bits.
    let codes = Codes::new(expected, codebooks, quantizer.checksum().to_owned()).unwrap();
    assert_eq!(quantizer.decode(&codes).unwrap(), faiss.values("pq.decoded"));
}

#[test]
fn trained_codebooks_are_as_good_as_faiss() {
    let Some(faiss) = faiss() else { return };
    let train = faiss.values("pq.train");
    let rows = Rows::dense(&train, 64);
    let config = ProductConfig { codebooks: 8, ..ProductConfig::default() };
    let trained = ProductQuantizer::train(rows, &config, Seed(1234)).unwrap();
    let ratio = trained.squared_error / f64::from(faiss.values("pq.train_mse")[0]);
    figure("squared error over faiss's", ratio);
    assert!((0.98..1.02).contains(&ratio), "{ratio}");
    // 6,000 rows are 23 for each centroid.
    assert_eq!(trained.warning.map(|few| few.wanted), Some(39 * 256));
}

#[test]
fn kmeans_follows_faiss_from_the_same_centroids() {
    let Some(faiss) = faiss() else { return };
    let points = faiss.values("kmeans.points");
    let rows = Rows::dense(&points, 32);
    let config = KMeansConfig {
        k: 40,
        restarts: 1,
        steps: 25,
        tolerance: 0.0,
        empty: EmptyRule::Split,
        ..KMeansConfig::default()
    };
    let kmeans = KMeans::new(config).unwrap();
    let fit = kmeans.fit_from(rows, &faiss.values("kmeans.initial"), Seed(1234)).unwrap();
    let theirs = faiss.values("kmeans.inertia");
    let furthest = fit
        .inertias
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| (ours / f64::from(*theirs) - 1.0).abs());
    let furthest = furthest.fold(0.0, f64::max);
    figure("inertia beside faiss's, the furthest of all steps", furthest);
    assert!(furthest < 0.01, "{furthest}");
    assert!(fit.end == End::Settled || fit.inertias.len() == theirs.len());
    let of_their_assignment = {
        let theirs = faiss.values("kmeans.assignment");
        let same = fit.assignment.iter().zip(&theirs).filter(|(a, b)| **a as f32 == **b);
        same.count() as f64 / 4000.0
    };
    figure("rows in the same cluster as with faiss", of_their_assignment);
}
