//! Weights as training scripts leave them: behind prefixes, in sections, beside other things.

use crate::pth::{Checkpoint, tensors};
use crate::support::{CommandOutcome, run_in};
use crate::tiny;
use ocelli::nn::weights::{DType, StateDict, TensorEntry};
use ocelli_testkit::reference_data;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ARCH: &str = "resnet20_cifar";

fn folder(checkpoint: Checkpoint) -> (TempDir, PathBuf) {
    let folder = tiny::folder();
    let root = folder.path().to_owned();
    fs::write(root.join("w.pth"), checkpoint.bytes()).unwrap();
    (folder, root)
}

fn section_and_prefix(json: &Value) -> (&Value, &Value) {
    (&json["section"], &json["prefix"])
}

/// A checkpoint of torchvision's reference scripts: two sections, of which one is averaged.
fn with_average() -> Checkpoint {
    let (last, average) = (tensors(ARCH, 3, 1), tensors(ARCH, 3, 2));
    Checkpoint::new().section("model", "", &last).section("model_ema", "module.", &average)
}

#[test]
fn of_two_sections_that_fit_the_average_is_taken_and_said() {
    let (_folder, root) = folder(with_average());
    let eval = |more: &str| run_in(&root, &format!("eval w.pth --data idx:tiny {more}")).success();
    let average = eval("--json");
    let said = "w.pth: took the weights of `module.*` in `model_ema`; `model` would fit too";
    assert!(average.stderr.contains(said), "{}", average.stderr);
    let average = average.json();
    assert_eq!(section_and_prefix(&average), (&json!("model_ema"), &json!("module.")));
    assert!(eval("").stdout.contains("w.pth, `module.*` in `model_ema`"));
    let last = eval("--section model --json").json();
    assert_eq!(section_and_prefix(&last), (&json!("model"), &json!("")));
    assert_ne!(average["loss"], last["loss"]);
}

#[test]
fn every_command_that_takes_weights_takes_a_section_and_a_prefix() {
    let (_folder, root) = folder(with_average());
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");
    let attack = "--data idx:tiny --images 1 --population 5 --generations 1 --untargeted";
    for (command, more) in [
        ("eval w.pth", "--data idx:tiny"),
        ("predict w.pth", image),
        ("convert w.pth", "out.safetensors --force"),
        ("study ghost-redundancy w.pth", "--data idx:tiny --images 2"),
        ("attack one-pixel w.pth", attack),
    ] {
        for (options, expected) in [
            ("", (json!("model_ema"), json!("module."))),
            ("--section model", (json!("model"), json!(""))),
            ("--section model_ema --prefix module.", (json!("model_ema"), json!("module."))),
        ] {
            let words = format!("{command} {more} {options} --json");
            let json = run_in(&root, &words).success().json();
            assert_eq!(section_and_prefix(&json), (&expected.0, &expected.1), "{words}");
        }
        let refused = run_in(&root, &format!("{command} {more} --section last"));
        let error = refused.bad_input();
        let expected = "no dictionary of tensors at `last`; the file has some at `model`, at \
                        `model_ema`";
        let expected = expected.replace("`model`, at `model_ema`", "`model");
        assert!(error.contains(&expected), "{error}");
        let refused = run_in(&root, &format!("{command} {more} --model {ARCH} --prefix net."));
        assert!(refused.bad_input().contains("tried `net.*` in `model"), "{}", refused.stderr);
    }
}

#[test]
fn a_training_remembers_where_its_weights_stood() {
    let (_folder, root) = folder(with_average());
    let train = "train --pretrained w.pth --data idx:tiny --max-steps 1 --set train.batch_size=8 \
                 --set input.size=8";
    let outcome = run_in(&root, &format!("{train} --out average")).success();
    assert!(outcome.stderr.contains("of the section `model_ema`, without the prefix `module.`"));
    run_in(&root, &format!("{train} --section model --prefix= --out last")).success();
    let recipe = fs::read_to_string(root.join("last/recipe.toml")).unwrap();
    assert!(recipe.contains("weights_section = \"model\""), "{recipe}");
    assert!(recipe.contains("weights_prefix = \"\""), "{recipe}");
    run_in(&root, "train --resume last --max-steps 2").success();
}

#[test]
fn an_attack_goes_on_with_the_same_weights() {
    let (_folder, root) = folder(with_average());
    let line = "attack one-pixel w.pth --section model --data idx:tiny --population 5 \
                --generations 1 --untargeted --out attack --json --images";
    run_in(&root, &format!("{line} 1")).success();
    let settings = fs::read_to_string(root.join("attack/attack.toml")).unwrap();
    assert!(settings.contains("section = \"model\""), "{settings}");
    let json = run_in(&root, "attack one-pixel --resume attack --images 2 --json").success();
    assert_eq!(json.json()["section"], "model");
}

/// What is beside the network's tensors never hides them, and prefixes may come in any order.
#[test]
fn whatever_training_scripts_wrap_around_a_network_is_seen_through() {
    let net = tensors(ARCH, 3, 1);
    let mut loss = StateDict::new();
    loss.push(TensorEntry::new("weight", DType::F32, &[3], vec![1.0; 3]).unwrap()).unwrap();
    let path = b"cpathlib._local\nPosixPath\nX\x01\0\0\0a\x85R";
    let cases: [(&str, Checkpoint, Value, &str); 8] = [
        (
            "PyTorch's ImageNet example",
            Checkpoint::new().scalar("best_acc1", 0.5).section("state_dict", "module.", &net),
            json!("state_dict"),
            "module.",
        ),
        (
            "Lightning with a loss",
            Checkpoint::new().raw("path", path).section("state_dict", "model.", &net).section(
                "optimizer_states",
                "criterion.",
                &loss,
            ),
            json!("state_dict"),
            "model.",
        ),
        ("flat", Checkpoint::new().tensors("", &net), Value::Null, ""),
        (
            "compiled, then parallel",
            flat("module._orig_mod.", &net),
            Value::Null,
            "module._orig_mod.",
        ),
        (
            "parallel, then compiled",
            flat("_orig_mod.module.", &net),
            Value::Null,
            "_orig_mod.module.",
        ),
        ("fabric", flat("_forward_module.net.", &net), Value::Null, "_forward_module.net."),
        ("sharded", flat("_fsdp_wrapped_module.0.", &net), Value::Null, "_fsdp_wrapped_module.0."),
        (
            "averages with a count and a loss",
            flat("encoder.backbone.", &net).scalar("n_averaged", 3.0).tensors("criterion.", &loss),
            Value::Null,
            "encoder.backbone.",
        ),
    ];
    for (what, checkpoint, section, prefix) in cases {
        let (_folder, root) = folder(checkpoint);
        let json = run_in(&root, "convert w.pth out.safetensors --json").success().json();
        assert_eq!(section_and_prefix(&json), (&section, &json!(prefix)), "{what}");
        assert_eq!(json["model"], ARCH, "{what}");
        assert_eq!(json["missing"], json!([]), "{what}");
    }
}

fn flat(prefix: &str, net: &StateDict) -> Checkpoint {
    Checkpoint::new().tensors(prefix, net)
}

#[test]
fn what_was_left_out_is_said() {
    let net = tensors(ARCH, 3, 1);
    let (_folder, root) = folder(flat("net.", &net).scalar("n_averaged", 3.0));
    let outcome = run_in(&root, "eval w.pth --data idx:tiny --json").success();
    let said = "took the weights of `net.*`; left out beside them: `n_averaged`";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let json = run_in(&root, "convert w.pth out.safetensors --json").success().json();
    assert_eq!(json["beside"], json!(["n_averaged"]));
}

#[test]
fn colour_weights_learn_grey_pictures() {
    let (_folder, root) = folder(flat("", &tensors(ARCH, 3, 1)));
    let line = "train tiny.toml --pretrained w.pth --max-steps 1 --out run";
    let outcome = run_in(&root, line).success();
    let said = "`conv1.weight` is summed over its channels, for grey images";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    // The other way round there is nothing to go by.
    fs::write(root.join("w.pth"), flat("", &tensors(ARCH, 1, 1)).bytes()).unwrap();
    let line =
        format!("{line}2 --set input.channels=3 --set input.mean=[0,0,0] --set input.std=[1,1,1]");
    let refused = run_in(&root, &line);
    let error = refused.bad_input();
    assert!(
        error.contains("is [16, 1, 3, 3] in the file and [16, 3, 3, 3] in the model"),
        "{error}"
    );
}

#[test]
fn conversion_warns_of_numbers_that_are_none() {
    let mut net = StateDict::new();
    for entry in tensors(ARCH, 3, 1).iter() {
        let mut values = entry.values().unwrap();
        match entry.name() {
            "conv1.weight" => values[3..5].fill(f32::NAN),
            "linear.bias" => values[0] = 70_000.0,
            _ => {}
        }
        let entry = TensorEntry::new(entry.name(), entry.dtype(), entry.shape(), values);
        net.push(entry.unwrap()).unwrap();
    }
    let (_folder, root) = folder(flat("", &net));
    let outcome = run_in(&root, "convert w.pth out.safetensors --json").success();
    let said = "out.safetensors: NaN or infinite values in `conv1.weight` (2 of 432); ";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let expected = json!([{ "name": "conv1.weight", "count": 2, "of": 432 }]);
    assert_eq!(outcome.json()["non_finite"], expected);
    // Half precision ends at 65,504.
    let outcome = run_in(&root, "convert w.pth out.safetensors --force --dtype f16").success();
    assert!(outcome.stderr.contains("`linear.bias` (1 of 3)"), "{}", outcome.stderr);
    let refused = run_in(&root, "eval out.safetensors --data idx:tiny");
    assert!(refused.bad_input().contains("expected finite numbers"), "{}", refused.stderr);
}

#[test]
fn weights_that_are_not_found_say_where_they_were_looked_for() {
    let net = tensors(ARCH, 3, 1);
    let other = tensors("lenet_keras_cifar", 3, 1);
    let checkpoint = Checkpoint::new().section("ema", "net.", &other).section("net", "", &net);
    let (_folder, root) = folder(checkpoint);
    let refused = run_in(&root, "eval w.pth --model resnet32_cifar --data idx:tiny");
    let error = refused.bad_input();
    assert!(error.contains("; tried `net`, `ema`"), "{error}");
    assert!(error.contains("they are those of `resnet20_cifar`"), "{error}");
}

/// Weights may be finite and what comes of them not.
#[test]
fn an_output_that_is_not_finite_is_an_error_that_names_the_picture() {
    let mut net = StateDict::new();
    for entry in tensors(ARCH, 3, 1).iter() {
        let large = entry.name().ends_with("weight") && entry.shape().len() == 4;
        let values = entry.values().unwrap();
        let values = values.into_iter().map(|value| if large { value * 1e30 } else { value });
        let (name, dtype, shape) = (entry.name(), entry.dtype(), entry.shape());
        net.push(TensorEntry::new(name, dtype, shape, values.collect()).unwrap()).unwrap();
    }
    let (_folder, root) = folder(flat("", &net));
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png"),
        root.join("pixel.png"),
    )
    .unwrap();
    let predicted = run_in(&root, "predict w.pth pixel.png");
    let expected = "pixel.png: the network's answer is not finite (NaN or infinite)";
    assert_eq!(predicted.bad_input(), expected);
    assert_eq!(predicted.stdout, "");
    let evaluated = run_in(&root, "eval w.pth --data idx:tiny");
    assert!(evaluated.bad_input().contains("the network's answer is not finite"));
}

/// Files that all hold the same network, as users of other projects have them.
#[test]
fn checkpoints_of_other_projects_have_their_accuracy() {
    let Some(data) = reference_data("cifar10/test.tar") else { return };
    let folder = tiny::folder();
    let root = folder.path();
    crate::convert::every(20, &data, &root.join("part.tar"));
    let eval = |file: &Path| -> CommandOutcome {
        let file = file.display();
        run_in(root, &format!("eval --model {ARCH} --weights {file} --data part.tar --json"))
            .success()
    };
    for (file, section, prefix) in [
        ("checkpoint_epoch_0010.pth", Value::Null, ""),
        ("lightning_with_criterion.ckpt", json!("state_dict"), "model."),
        ("python313_path.pth", json!("state_dict"), ""),
        ("tensor_beside_state_dict.pth", json!("state_dict"), ""),
        ("torchvision_ema.pth", json!("model_ema"), "module."),
    ] {
        let Some(path) = reference_data(&format!("../cases/weights/{file}")) else { return };
        let outcome = eval(&path);
        let json = outcome.json();
        assert_eq!(section_and_prefix(&json), (&section, &json!(prefix)), "{file}");
        // Of all 10,000 they know 9,174, one more than before they were rounded to half precision.
        assert_eq!((&json["samples"], &json["correct"]), (&json!(500), &json!(464)), "{file}");
        if file == "torchvision_ema.pth" {
            let said = "took the weights of `module.*` in `model_ema`; `model` would fit too";
            assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
        }
    }
}
