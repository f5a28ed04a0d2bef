//! `ocelli codebook`: clusters and codes of rows in NumPy's files.

use crate::support::{run, run_in};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A NumPy file, version 1, with a header as `numpy.save` writes it.
fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((padded as u16).to_le_bytes());
    file.extend(format!("{header:<width$}\n", width = padded - 1).bytes());
    file.extend(data);
    file
}

/// Rows of four columns around three points.
fn rows(count: usize) -> Vec<f32> {
    let value = |at: usize| {
        let centre = ((at / 4) % 3 * 10) as f32;
        centre + ((at * 2_654_435_761) % 1000) as f32 * 1e-3
    };
    (0..4 * count).map(value).collect()
}

fn put_rows(folder: &Path, name: &str, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let shape = format!("({}, 4)", values.len() / 4);
    fs::write(folder.join(name), npy("<f4", "False", &shape, &bytes)).unwrap();
}

#[test]
fn kmeans_finds_clusters_and_writes_them() {
    let folder = TempDir::new().unwrap();
    put_rows(folder.path(), "x.npy", &rows(300));
    let line = "codebook kmeans x.npy --k 3 --out k.safetensors --silhouette 200 --json";
    let answer = run_in(folder.path(), line).success().json();
    assert_eq!(
        (&answer["rows"], &answer["width"], &answer["k"]),
        (&300.into(), &4.into(), &3.into())
    );
    assert_eq!((&answer["smallest"], &answer["largest"]), (&100.into(), &100.into()));
    assert!(answer["silhouette"].as_f64().unwrap() > 0.9, "{answer}");
    assert!(answer["inertia"].as_f64().unwrap() < 300.0 && answer["iterations"].is_u64());
    let bytes = fs::read(folder.path().join("k.safetensors")).unwrap();
    let clusters = ocelli::codebooks::Clusters::from_bytes(&bytes).unwrap();
    assert_eq!((clusters.k(), clusters.assignment.len()), (3, 300));
    // The same again for another number of threads, and not over the file.
    let again = run_in(folder.path(), "codebook kmeans x.npy --k 3 --out k.safetensors");
    assert!(again.bad_input().contains("k.safetensors exists already"));
    let other = "codebook kmeans x.npy --k 3 --out other.safetensors --threads 1";
    let said = run_in(folder.path(), other).success();
    assert!(said.stdout.contains("3 clusters of 100 to 100 rows"), "{}", said.stdout);
    assert_eq!(bytes, fs::read(folder.path().join("other.safetensors")).unwrap());
}

#[test]
fn kmeans_can_be_balanced_batched_or_started_anywhere() {
    let folder = TempDir::new().unwrap();
    put_rows(folder.path(), "x.npy", &rows(301));
    put_rows(folder.path(), "start.npy", &rows(2));
    let run = |options: &str| {
        let line = format!("codebook kmeans x.npy --out k.safetensors --force --json {options}");
        run_in(folder.path(), &line)
    };
    let balanced = run("--k 5 --balanced").success().json();
    assert_eq!((&balanced["smallest"], &balanced["largest"]), (&60.into(), &61.into()));
    let batched = run("--k 3 --mini-batch 50 --steps 20").success().json();
    assert_eq!((&batched["iterations"], &batched["end"]), (&20.into(), &"steps".into()));
    let started = run("--k 2 --start start.npy --tolerance 0").success().json();
    assert_eq!(started["end"], "settled");
    let refused = run("--k 3 --start start.npy");
    assert!(refused.bad_input().contains("start.npy: 2 centroids of 4 columns, expected 3 of 4"));
    assert_eq!(run("--k 3 --balanced --mini-batch 5").code, Some(2));
}

#[test]
fn codes_come_back_as_rows_near_the_first() {
    let folder = TempDir::new().unwrap();
    let values = rows(200);
    put_rows(folder.path(), "x.npy", &values);
    let train = "codebook train x.npy --codebooks 2 --bits 4 --out books.safetensors --json";
    let train = run_in(folder.path(), train).success();
    assert!(train.stderr.contains("200 rows are few for codebooks of this size, which want 624"));
    let trained = train.json();
    assert_eq!((&trained["bytes_per_row"], &trained["bytes"]), (&1.into(), &(4 * 4 * 16).into()));
    let encode = "codebook encode x.npy --with books.safetensors --out codes.safetensors --json";
    let encoded = run_in(folder.path(), encode).success().json();
    assert_eq!((&encoded["rows"], &encoded["checksum"]), (&200.into(), &trained["checksum"]));
    let error = encoded["squared_error"].as_f64().unwrap();
    assert!((error - trained["squared_error"].as_f64().unwrap()).abs() < 1e-9 * error);
    let decode = "codebook decode codes.safetensors --with books.safetensors --out y.npy --json";
    assert_eq!(run_in(folder.path(), decode).success().json()["width"], 4);
    let decoded = fs::read(folder.path().join("y.npy")).unwrap();
    let decoded: Vec<f32> = decoded[decoded.len() - 4 * values.len()..]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let squares = values.iter().zip(&decoded).map(|(a, b)| f64::from(a - b).powi(2));
    assert!((squares.sum::<f64>() / 200.0 / error - 1.0).abs() < 1e-5);
    // What was written can be read again.
    let again = "codebook kmeans y.npy --k 3 --out k.safetensors --json";
    assert_eq!(run_in(folder.path(), again).success().json()["rows"], 200);
}

#[test]
fn codes_of_other_codebooks_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    put_rows(folder.path(), "x.npy", &rows(200));
    for (seed, name) in [(1, "one"), (2, "two")] {
        let train = format!(
            "codebook train x.npy --codebooks 2 --bits 4 --seed {seed} --out {name}.safetensors"
        );
        run_in(folder.path(), &train).success();
    }
    let encode = "codebook encode x.npy --with one.safetensors --out codes.safetensors";
    run_in(folder.path(), encode).success();
    let decode = "codebook decode codes.safetensors --with two.safetensors --out y.npy";
    let refused = run_in(folder.path(), decode);
    let error = refused.bad_input();
    assert!(error.contains("codes.safetensors: the codes belong to codebooks "), "{error}");
    assert!(refused.stderr.contains("hint: codes are decoded with the codebooks that made them"));
    let mixed = "codebook decode one.safetensors --with two.safetensors --out y.npy";
    assert!(run_in(folder.path(), mixed).bad_input().contains("not a file of codes"));
}

#[test]
fn rows_that_cannot_be_used_are_named() {
    let folder = TempDir::new().unwrap();
    let put = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    let values = rows(20);
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let doubles: Vec<u8> =
        values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect();
    let mut bad = values.clone();
    bad[4 * 7 + 2] = f32::NAN;
    put_rows(folder.path(), "nan.npy", &bad);
    put_rows(folder.path(), "good.npy", &values);
    put("doubles.npy", npy("<f8", "False", "(20, 4)", &doubles));
    put("fortran.npy", npy("<f4", "True", "(20, 4)", &data));
    put("flat.npy", npy("<f4", "False", "(80,)", &data));
    put("whole.npy", npy("<i4", "False", "(20, 4)", &data));
    put("cut.npy", npy("<f4", "False", "(21, 4)", &data));
    put("huge.npy", npy("<f4", "False", "(4611686018427387904, 4)", &data));
    put("empty.npy", npy("<f4", "False", "(0, 4)", &[]));
    put("text.npy", b"a,b\n1,2\n".to_vec());
    let refuse = |file: &str, k: usize| {
        let line = format!("codebook kmeans {file} --k {k} --out k.safetensors");
        let refused = run_in(folder.path(), &line);
        assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
        refused.bad_input().to_owned()
    };
    for (file, expected) in [
        ("nan.npy", "nan.npy: row 7, column 2 is NaN, expected a finite value"),
        ("fortran.npy", "fortran.npy: columns come first (Fortran order), expected rows"),
        ("flat.npy", "flat.npy: it has shape [80], expected two axes, [rows, columns]"),
        ("whole.npy", "whole.npy: elements are <i4, expected float32 or float64"),
        ("cut.npy", "cut.npy: cannot be read to its end"),
        ("huge.npy", "huge.npy: it claims 4611686018427387904 × 4 elements, which"),
        ("text.npy", "text.npy: not a NumPy file"),
        ("none.npy", "none.npy: No such file"),
    ] {
        let error = refuse(file, 3);
        assert!(error.contains(expected), "{expected} in: {error}");
    }
    let error = refuse("good.npy", 21);
    assert!(error.contains("good.npy: 21 centroids cannot be made of 20 rows"), "{error}");
    let good = "codebook kmeans doubles.npy --k 3 --out k.safetensors --json";
    assert_eq!(run_in(folder.path(), good).success().json()["rows"], 20);
    let empty = run_in(folder.path(), "codebook kmeans empty.npy --k 1 --out e.safetensors");
    assert!(empty.bad_input().contains("`rows` is 0"));
    let train = "codebook train good.npy --codebooks 3 --out b.safetensors";
    let refused = run_in(folder.path(), train);
    assert!(refused.bad_input().contains("`codebooks` is 3, expected a divisor of the width, 4"));
    let ending = run_in(folder.path(), "codebook kmeans good.npy --k 3 --out k.npy");
    assert!(ending.bad_input().contains("k.npy: this writes .safetensors"));
}

#[test]
fn its_help_has_every_command() {
    let help = run("codebook --help").success().stdout;
    for command in ["kmeans", "train", "encode", "decode"] {
        assert!(help.contains(&format!("ocelli codebook {command} ")), "{help}");
    }
}
