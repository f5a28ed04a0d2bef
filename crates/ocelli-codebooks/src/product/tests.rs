use super::*;
use crate::Pruning;
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

fn values(rows: usize, width: usize, seed: u64) -> Vec<f32> {
    let mut stream = Seed(seed).stream(Purpose("test"), 0, 0);
    (0..rows)
        .flat_map(|_| {
            let common: f32 = stream.random_range(-1.0..1.0);
            (0..width).map(|_| common + stream.random_range(-1.0..1.0_f32)).collect::<Vec<_>>()
        })
        .collect()
}

fn config(codebooks: usize, bits: u32) -> ProductConfig {
    ProductConfig { codebooks, bits, ..ProductConfig::default() }
}

#[test]
fn decoded_rows_are_centroids_and_encode_to_the_same_codes() {
    for (width, codebooks, bits) in
        [(12, 3, 4), (16, 1, 2), (10, 5, 3), (24, 3, 5), (6, 2, 9), (32, 2, 8)]
    {
        let values = values(600, width, 1);
        let rows = Rows::dense(&values, width);
        let trained = ProductQuantizer::train(rows, &config(codebooks, bits), Seed(3)).unwrap();
        let quantizer = &trained.quantizer;
        let codes = quantizer.encode(rows).unwrap();
        assert_eq!(codes.count(), 600);
        assert_eq!(codes.bytes_per_row(), (codebooks * bits as usize).div_ceil(8));
        let decoded = quantizer.decode(&codes).unwrap();
        let again = quantizer.encode(Rows::dense(&decoded, width)).unwrap();
        assert_eq!(quantizer.decode(&again).unwrap(), decoded, "{width} {codebooks} {bits}");
        // The error of the training is that of coding the same rows.
        let error = quantizer.squared_error(rows).unwrap();
        assert!((error - trained.squared_error).abs() < 1e-9 * error, "{error}");
    }
}

#[test]
fn more_codebooks_and_more_bits_lower_the_error() {
    let drawn = values(128, 2, 9);
    let values = values(4000, 16, 2);
    let rows = Rows::dense(&values, 16);
    let error = |codebooks, bits| {
        ProductQuantizer::train(rows, &config(codebooks, bits), Seed(0)).unwrap().squared_error
    };
    let by_codebooks = [1, 2, 4, 8].map(|codebooks| error(codebooks, 4));
    assert!(by_codebooks.is_sorted_by(|a, b| a > b), "{by_codebooks:?}");
    let by_bits = [2, 4, 6].map(|bits| error(4, bits));
    assert!(by_bits.is_sorted_by(|a, b| a > b), "{by_bits:?}");
    // Random codebooks are an order of magnitude worse than eight trained ones of 16.
    let random = ProductQuantizer::from_centroids(16, 8, 4, drawn);
    assert!(random.unwrap().squared_error(rows).unwrap() > 2.0 * by_codebooks[3]);
}

#[test]
fn pruning_changes_no_centroid() {
    let values = values(3000, 8, 5);
    let rows = Rows::dense(&values, 8);
    let train = |pruning| {
        let config = ProductConfig { pruning, ..config(2, 7) };
        ProductQuantizer::train(rows, &config, Seed(1)).unwrap()
    };
    assert_eq!(train(Pruning::Off), train(Pruning::Groups(4)));
}

#[test]
fn few_rows_are_told_and_too_few_refused() {
    let values = values(700, 4, 3);
    let train = |rows: usize| {
        ProductQuantizer::train(Rows::dense(&values[..4 * rows], 4), &config(2, 4), Seed(0))
    };
    assert_eq!(train(624).unwrap().warning, None);
    assert_eq!(train(623).unwrap().warning, Some(FewRows { rows: 623, wanted: 624 }));
    assert_eq!(train(15).unwrap_err(), Error::TooFewRows { rows: 15, k: 16 });
}

#[test]
fn many_rows_are_sampled_without_replacement() {
    let values: Vec<f32> = (0..3000).map(|row| row as f32).collect();
    let config = ProductConfig { rows_per_centroid: Some(100), ..config(1, 2) };
    let trained = ProductQuantizer::train(Rows::dense(&values, 1), &config, Seed(0)).unwrap();
    assert_eq!((trained.rows, trained.warning), (400, None));
    let all = ProductConfig { rows_per_centroid: None, ..config };
    let trained = ProductQuantizer::train(Rows::dense(&values, 1), &all, Seed(0)).unwrap();
    assert_eq!(trained.rows, 3000);
}

#[test]
fn codes_of_other_codebooks_are_refused_by_name() {
    let values = values(100, 4, 1);
    let rows = Rows::dense(&values, 4);
    let [one, other] = [1, 2]
        .map(|seed| ProductQuantizer::train(rows, &config(2, 3), Seed(seed)).unwrap().quantizer);
    assert_ne!(one.checksum(), other.checksum());
    let error = other.decode(&one.encode(rows).unwrap()).unwrap_err();
    let (codes, codebooks) = (one.checksum().to_owned(), other.checksum().to_owned());
    assert_eq!(error, Error::OtherCodebooks { codes, codebooks });
}

#[test]
fn layouts_that_do_not_fit_are_named() {
    let values = values(100, 6, 1);
    let rows = Rows::dense(&values, 6);
    let refuse = |codebooks, bits| {
        ProductQuantizer::train(rows, &config(codebooks, bits), Seed(0)).unwrap_err().to_string()
    };
    assert_eq!(refuse(4, 4), "`codebooks` is 4, expected a divisor of the width, 6");
    assert_eq!(refuse(0, 4), "`codebooks` is 0, expected a divisor of the width, 6");
    assert_eq!(refuse(2, 1), "`bits` is 1, expected 2 to 16");
    assert_eq!(refuse(2, 17), "`bits` is 17, expected 2 to 16");
    let quantizer = ProductQuantizer::train(rows, &config(2, 3), Seed(0)).unwrap().quantizer;
    let error = quantizer.encode(rows.columns(0, 5)).unwrap_err();
    assert_eq!(error, Error::Shape { what: "width of rows", found: 5, expected: 6 });
    assert!(ProductQuantizer::from_centroids(6, 2, 3, vec![0.0; 47]).is_err());
    assert!(ProductQuantizer::from_centroids(6, 2, 3, vec![f32::NAN; 48]).is_err());
    assert_eq!((quantizer.bytes(), quantizer.bytes_per_row()), (4 * 6 * 8, 1));
}
