//! Trainings that start from weights: of a run, and of another project.

use crate::support::run_in;
use crate::tiny;
use ocelli_testkit::reference_data;
use std::fs;
use std::path::Path;

/// The dataset `idx:two`: the images of `idx:tiny` in two classes.
fn write_two_classes(root: &Path) {
    fs::create_dir(root.join("two")).unwrap();
    for part in ["train", "t10k"] {
        let labels = fs::read(root.join(format!("tiny/{part}-labels-idx1-ubyte"))).unwrap();
        let merged = |label: &u8| if *label == 2 { 1 } else { *label };
        let labels: Vec<u8> = labels.iter().map(merged).collect();
        fs::write(root.join(format!("two/{part}-labels-idx1-ubyte")), labels).unwrap();
        let images = format!("{part}-images-idx3-ubyte");
        fs::copy(root.join("tiny").join(&images), root.join("two").join(&images)).unwrap();
    }
}

#[test]
fn a_network_that_knows_three_classes_learns_two_in_one_command() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out base").success();
    write_two_classes(root);

    let line = "train --pretrained base --data idx:two --set train.batch_size=8";
    let refused = run_in(root, line);
    assert!(refused.bad_input().contains("classifier"), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: --reset-head"), "{}", refused.stderr);

    let trained = run_in(root, &format!("{line} --reset-head --json")).success();
    // 96 images are a small set: 12 steps an epoch, 400 at least.
    for told in [
        "96 training images: rate 3.00e-4 instead of 3.00e-3 (optimizer.lr_images)",
        "96 training images: batch normalisations keep the statistics of the weights",
        "12 steps an epoch: 34 epochs instead of 5, for 408 steps (train.min_steps)",
    ] {
        assert!(trained.stderr.contains(told), "{told} in {}", trained.stderr);
    }
    let json = trained.json();
    assert_eq!((&json["run"], &json["steps"]), (&"runs/finetune-1".into(), &408.into()));
    assert!(json["top1"].as_f64().unwrap() > 0.8, "{json}");
    let recipe = fs::read_to_string(root.join("runs/finetune-1/recipe.toml")).unwrap();
    for field in [
        "name = \"resnet20_cifar\"",
        "base/checkpoints/step-36/model.safetensors",
        "reset_head = true",
        "keep_statistics_below = 250",
        "lr_images = 3000",
        "min_steps = 400",
        "kind = \"adamw\"",
        "size = 8",
        "channels = 1",
        "crop_pct = 1.0",
        "label_smoothing = 0.1",
    ] {
        assert!(recipe.contains(field), "{field} in {recipe}");
    }
}

#[test]
fn a_recipe_goes_before_what_the_weights_say() {
    let folder = tiny::folder();
    let root = folder.path();
    run_in(root, "train tiny.toml --out base --max-steps 1").success();
    let line = "train tiny.toml --pretrained base --out more --max-steps 1 --set input.size=12";
    run_in(root, line).success();
    let recipe = fs::read_to_string(root.join("more/recipe.toml")).unwrap();
    assert!(recipe.contains("size = 12") && recipe.contains("kind = \"sgd\""), "{recipe}");
    let other = run_in(root, "train tiny.toml --pretrained base --model resnet32_cifar");
    assert!(other.bad_input().contains("resnet20_cifar"), "{}", other.stderr);
}

#[test]
fn weights_that_cannot_be_used_are_named() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::write(root.join("noise.pth"), b"GIF89a and more").unwrap();
    for name in ["noise.pth", "no/such.pth"] {
        let refused = run_in(root, &format!("train --pretrained {name} --data idx:tiny"));
        assert!(refused.bad_input().contains(name), "{}", refused.stderr);
    }
}

#[test]
fn weights_of_another_project_are_recognised_and_fine_tuned() {
    let Some(weights) = reference_data("weights/efficientnet_lite0_imagenet.safetensors") else {
        return;
    };
    let folder = tiny::folder();
    let line = format!(
        "train --pretrained {} --data idx:tiny --reset-head --set input.size=32 \
         --set train.batch_size=8 --max-steps 3 --out run --json",
        weights.display()
    );
    let json = run_in(folder.path(), &line).success().json();
    assert_eq!(json["steps"], 3);
    let recipe = fs::read_to_string(folder.path().join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("name = \"efficientnet_lite0\""), "{recipe}");
    assert!(recipe.contains("mean = [0.498"), "127 of 255: {recipe}");
}
