//! `[autoencoder]`: a denoising autoencoder, from a recipe to features.

use crate::support::{metric as values, run_in};
use crate::tiny::{self, EPOCHS, STEPS_PER_EPOCH};
use std::fs;

const LINE: &str = "train tiny.toml --set model.name=dae_shallow --set autoencoder.form=shallow --set \
                    input.mean=[0.0] --set input.std=[1.0]";

#[test]
fn a_run_resumes_to_the_bit_and_explains_more_and_more() {
    let folder = tiny::folder();
    let root = folder.path();
    let json = run_in(root, &format!("{LINE} --out whole --json")).success().json();
    assert_eq!(json["score"], "explained variance");
    run_in(root, &format!("{LINE} --out parts --max-steps 7")).success();
    run_in(root, "train --resume parts").success();
    let last = format!("checkpoints/step-{}/model.safetensors", EPOCHS * STEPS_PER_EPOCH);
    let [whole, parts] =
        ["whole", "parts"].map(|run| fs::read(root.join(run).join(&last)).unwrap());
    assert!(whole == parts, "the weights of a resumed run differ");

    let losses = values(&root.join("whole"), "train/loss");
    assert!(losses.iter().all(|loss| *loss > 0.0) && losses.last() < losses.first(), "{losses:?}");
    let found = run_in(root, "eval whole").success().stdout;
    assert!(found.contains("eval/explained"), "{found}");
    assert_eq!(run_in(root, "eval whole").success().stdout, found, "noise is of training only");
    run_in(root, "report whole").success();

    // The encoder goes on as a classifier, without its decoder, which no other runtime gets.
    let refused = run_in(root, "export whole whole.onnx");
    assert!(refused.bad_input().contains("decoder.0.up"), "{}", refused.stderr);
    let line = "train --pretrained whole --data idx:tiny --reset-head --set train.min_steps=1";
    let json = run_in(root, &format!("{line} --max-steps 4 --out classifier --json")).success();
    assert_eq!(json.json()["samples"], 30);
}

#[test]
fn noise_is_a_function_of_the_step_and_the_seed() {
    let folder = tiny::folder();
    let root = folder.path();
    let first = |more: &str, out: &str| {
        run_in(root, &format!("{LINE} {more} --max-steps 2 --out {out}")).success();
        values(&root.join(out), "train/loss")
    };
    let noisy = first("--set autoencoder.noise=0.5", "noisy");
    assert_eq!(noisy, first("--set autoencoder.noise=0.5 --threads 1", "again"));
    assert_ne!(noisy, first("--set autoencoder.noise=0", "clean"));
}

#[test]
fn what_cannot_be_decoded_is_refused_by_name() {
    let folder = tiny::folder();
    let root = folder.path();
    for (more, words) in [
        ("--set autoencoder.noise=-1", "autoencoder.noise"),
        ("--set autoencoder.form=deep", "as the encoder halves its images"),
        ("--set autoencoder.widths=[0]", "1 to 65536"),
        ("--set autoencoder.depth=3", "depth"),
    ] {
        let refused = run_in(root, &format!("{LINE} {more} --out x"));
        assert!(refused.bad_input().contains(words), "{more}: {}", refused.stderr);
    }
}
