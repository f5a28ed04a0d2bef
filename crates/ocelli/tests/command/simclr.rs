//! `[simclr]`: pre-training without labels, from a recipe to a report.

use crate::support::{metric as values, run_in};
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use std::fs;

const LINE: &str = "train tiny.toml --set simclr.widths=[16,8] --set simclr.temperature=0.5 --set train.eval_every=1";

#[test]
fn a_run_resumes_to_the_bit_and_is_examined_by_its_neighbours() {
    let folder = tiny::folder();
    let root = folder.path();
    let json = run_in(root, &format!("{LINE} --out whole --json")).success().json();
    assert_eq!(json["score"], "kNN top-1");
    run_in(root, &format!("{LINE} --out parts --max-steps 7")).success();
    run_in(root, "train --resume parts --max-steps 20").success();
    run_in(root, "train --resume parts").success();
    let last = format!("checkpoints/step-{}/model.safetensors", EPOCHS * STEPS_PER_EPOCH);
    let [whole, parts] =
        ["whole", "parts"].map(|run| fs::read(root.join(run).join(&last)).unwrap());
    assert!(whole == parts, "the weights of a resumed run differ");

    let losses = values(&root.join("whole"), "train/loss");
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (&losses[..12], &losses[losses.len() - 12..]);
    assert!(mean(last) < mean(first), "{losses:?}");
    assert!(losses.iter().all(|loss| *loss > 0.0), "{losses:?}");
    assert_eq!(values(&root.join("whole"), "knn/top1").len(), EPOCHS as usize);
    assert!(run_in(root, "eval whole").success().stdout.contains("knn/top1"));
    run_in(root, "report whole").success();
}

/// The loss of all pairs, whatever the parts: without batch normalisations, which see a part at a time, two
/// parts of eight pictures learn what one of sixteen learns.
#[test]
fn parts_of_a_batch_learn_what_the_whole_learns() {
    let folder = tiny::folder();
    let root = folder.path();
    let line = format!(
        "{LINE} --set model.name=lenet_keras_cifar --set input.size=32 --set simclr.batch_norm=false --set optimizer.lr=0.01 --max-steps 4"
    );
    let whole = format!("{line} --set train.batch_size=16 --out whole");
    let parts = format!("{line} --set train.batch_size=8 --set train.accumulate=2 --out parts");
    run_in(root, &whole).success();
    run_in(root, &parts).success();
    let [whole, parts] = ["whole", "parts"].map(|run| values(&root.join(run), "train/loss"));
    assert_eq!(whole.len(), 4);
    // Rounding grows from step to step.
    for ((whole, parts), tolerance) in whole.iter().zip(&parts).zip([1e-5, 1e-3, 1e-3, 1e-3]) {
        assert!((whole - parts).abs() < tolerance, "{parts} in parts for {whole}");
    }
}

#[test]
fn pictures_need_no_classes_but_the_probe_does() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(
        root,
        &format!(
            "{LINE} --out grid --grid seed=0,1 --grid simclr.batch_norm=true,false --max-steps 2"
        ),
    )
    .success();
    assert!(root.join("grid/grid.csv").exists());
    let wrong = run_in(root, &format!("{LINE} --out x --set simclr.temperature=0"));
    assert!(wrong.bad_input().contains("simclr.temperature"), "{}", wrong.stderr);
    let wrong = run_in(root, "train tiny.toml --set simclr.temprature=1 --out x");
    assert!(wrong.stderr.contains("temperature"), "{}", wrong.stderr);

    fs::create_dir_all(root.join("inbox/deep")).unwrap();
    for index in 0..16 {
        let side = 8;
        let mut image = format!("P5 {side} {side} 255\n").into_bytes();
        image.extend((0..side * side).map(|at| ((at * (index + 3)) % 251) as u8));
        fs::write(root.join(format!("inbox/deep/{index}.pgm")), image).unwrap();
    }
    let unlabelled = format!("{LINE} --data pictures:inbox --set data.hold_out=0.2 --out blind");
    run_in(root, &format!("{unlabelled} --set data.probe=idx:tiny --max-steps 1")).success();
    assert_eq!(values(&root.join("blind"), "knn/top1").len(), 1);
    let blind = run_in(root, &format!("{unlabelled}-2 --max-steps 1")).success();
    assert!(blind.stderr.contains("data.probe"), "{}", blind.stderr);
}

/// Features are for what comes after: a classifier is trained on them, and whoever asks for classes before is
/// told so.
#[test]
fn features_become_a_classifier_and_are_none_before() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, &format!("{LINE} --out features --max-steps 3")).success();
    fs::write(root.join("a.pgm"), [b"P5 8 8 255\n".as_slice(), &[9; 64]].concat()).unwrap();
    for line in ["predict features a.pgm", "attack one-pixel features --images 2 --out attack"] {
        let refused = run_in(root, line);
        assert!(refused.bad_input().contains("gives features, not classes"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: train a classifier"), "{}", refused.stderr);
    }
    let refused = run_in(root, "eval features --data idx:tiny");
    assert!(refused.bad_input().contains("gives features, not classes"), "{}", refused.stderr);

    run_in(root, "convert features features.safetensors").success();
    let line = "--data idx:tiny --reset-head --set train.min_steps=1 --max-steps 4 --json";
    for (source, out) in [("features", "one"), ("features.safetensors", "other")] {
        let line = format!("train --pretrained {source} --out {out} {line}");
        let json = run_in(root, &line).success().json();
        assert_eq!(json["samples"], 30, "{json}");
    }
}

/// Rows of the features of an autoencoder, clusters of them, and batches of different clusters.
#[test]
fn clusters_guide_batches_and_are_of_their_dataset() {
    let folder = tiny::folder();
    let root = folder.path();
    let autoencoder = "train tiny.toml --set model.name=dae_shallow --set autoencoder.noise=0.1";
    run_in(root, &format!("{autoencoder} --max-steps 5 --out dae")).success();
    let rows = run_in(root, "embed dae --out x.npy --json").success().json();
    assert_eq!((rows["rows"].as_u64(), rows["width"].as_u64()), (Some(96), Some(128)));
    let names = fs::read_to_string(root.join("x.csv")).unwrap();
    assert_eq!(names.lines().count(), 97);
    assert_eq!(names.lines().next(), Some("row,name,class"));
    run_in(root, "codebook kmeans x.npy --k 16 --out k.safetensors").success();

    let guided = format!("{LINE} --max-steps 6 --set simclr.clusters=k.safetensors");
    for more in
        ["sampler=deal", "sampler=strict", "sampler=capped:2", "sampler=paper", "negatives=masked"]
    {
        let out = more.replace(['=', ':'], "-");
        run_in(root, &format!("{guided} --set simclr.{more} --out {out}")).success();
        assert_eq!(values(&root.join(out), "train/loss").len(), 6, "{more}");
    }
    let rate = |run: &str| values(&root.join(run), "train/collisions/clusters");
    assert!(rate("sampler-strict").iter().all(|rate| *rate == 0.0));
    assert!(rate("negatives-masked").iter().any(|rate| *rate > 0.0));
    assert_eq!(values(&root.join("sampler-deal"), "train/collisions/labels").len(), 6);
    let oracle = "--set simclr.clusters=labels --set simclr.negatives=masked";
    run_in(root, &format!("{LINE} --max-steps 2 {oracle} --out oracle")).success();

    for (more, words) in [
        ("--set simclr.sampler=deal", "simclr.clusters"),
        ("--set simclr.sampler=fair --set simclr.clusters=labels", "capped:N"),
        ("--set simclr.sampler=strict --set simclr.clusters=labels", "expected 1 to 3: 3 clusters"),
        ("--set simclr.sampler=deal --set simclr.clusters=x.npy", "x.npy"),
        ("--set simclr.sampler=deal --set simclr.clusters=none.safetensors", "none.safetensors"),
        ("--set simclr.clusters=labels", "need none"),
    ] {
        let refused = run_in(root, &format!("{LINE} {more} --out refused"));
        assert!(refused.bad_input().contains(words), "{more}: {}", refused.stderr);
    }
    // The same number of other pictures.
    fs::copy(root.join("tiny/train-labels-idx1-ubyte"), root.join("labels")).unwrap();
    let images = root.join("tiny/train-images-idx3-ubyte");
    let mut bytes = fs::read(&images).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&images, bytes).unwrap();
    let refused = run_in(root, &format!("{guided} --set simclr.sampler=deal --out refused"));
    assert!(refused.bad_input().contains("fingerprint"), "{}", refused.stderr);
}

/// Another layer is averaged over its pixels; a layer that is not there is named.
#[test]
fn rows_are_of_any_layer() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, &format!("{LINE} --out features --max-steps 2")).success();
    let json =
        run_in(root, "embed features --layer layer2.0.conv1 --split test --out y.npy --json");
    assert_eq!(json.success().json()["width"], 32);
    let again = run_in(root, "embed features --split test --out y.npy");
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    run_in(root, "embed features --split test --out y.npy --force --threads 1").success();
    let one = fs::read(root.join("y.npy")).unwrap();
    run_in(root, "embed features --split test --out y.npy --force --batch-size 7").success();
    assert_eq!(
        one,
        fs::read(root.join("y.npy")).unwrap(),
        "rows depend on neither batch nor threads"
    );
    let refused = run_in(root, "embed features --layer layer9 --out z.npy");
    assert!(refused.bad_input().contains("layer9"), "{}", refused.stderr);
}
