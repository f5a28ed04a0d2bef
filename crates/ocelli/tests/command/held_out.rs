//! Training images that are held out, to choose settings by.

use crate::support::run_in;
use crate::tiny;
use std::fs;

#[test]
fn settings_are_chosen_by_training_images_that_are_held_out() {
    let folder = tiny::folder();
    let root = folder.path();
    // Not even opened: only the training part is there.
    for file in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(root.join("tiny").join(file)).unwrap();
    }
    let line = "train tiny.toml --set data.hold_out=0.25 --out run --json";
    let json = run_in(root, line).success().json();
    assert_eq!(json["samples"], 24, "a quarter of 96");
    assert_eq!(json["steps"], 9 * tiny::EPOCHS, "the rest in batches of 8");
    let other = run_in(root, "train --resume run --set data.hold_out=0.5");
    assert!(other.bad_input().contains("data.hold_out 0.25, now it is 0.5"), "{}", other.stderr);
    let other = run_in(root, "train tiny.toml --out run --resume auto --set data.hold_out=0.5");
    assert!(other.bad_input().contains("begun with another recipe"), "{}", other.stderr);
}

#[test]
fn a_run_on_one_part_is_evaluated_on_what_it_held_out() {
    let folder = tiny::folder();
    let root = folder.path();
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");
    for class in ["ant", "bee", "insect"] {
        let class = root.join("photos").join(class);
        fs::create_dir_all(&class).unwrap();
        (0..8).for_each(|number| drop(fs::copy(image, class.join(format!("{number}.png")))));
    }
    let line = "train tiny.toml --data photos --set data.hold_out=0.25 --out run --json";
    let trained = run_in(root, line).success().json();
    assert_eq!(trained["samples"], 6);
    let evaluated = run_in(root, "eval run --json").success();
    assert!(evaluated.stderr.contains("6 images that the run held out"), "{}", evaluated.stderr);
    assert_eq!(evaluated.json()["samples"], 6);
    let seen = run_in(root, "eval run --split train --json").success().json();
    assert_eq!(seen["samples"], 18, "those that it trained on");
    let tested = "train tiny.toml --data photos --set data.hold_out=0.25 --set data.test=photos \
                  --set data.extra=photos --out tested";
    run_in(root, tested).success();
    let evaluated = run_in(root, "eval tested --json").success().json();
    assert_eq!(evaluated["samples"], 24, "the dataset that the recipe names for it");
    // All pictures are the same, so that one class is answered.
    let attack =
        "attack one-pixel run --images 24 --population 8 --generations 1 --untargeted --json";
    for (split, attacked, looked_at) in [("test", 2, 6), ("train", 6, 18)] {
        let json = run_in(root, &format!("{attack} --split {split} --out {split}"));
        let json = json.success().json();
        assert_eq!((&json["images"], &json["examined"]), (&attacked.into(), &looked_at.into()));
        let again = run_in(root, &format!("attack one-pixel --resume {split} --json"));
        assert_eq!(again.success().json()["examined"], looked_at, "{split}");
    }

    fs::rename(root.join("photos/bee"), root.join("photos/wasp")).unwrap();
    for line in ["eval run", "eval run --split train", attack] {
        let refused = run_in(root, line);
        let message = refused.bad_input();
        assert!(message.contains("photos has not the classes that"), "{line}: {message}");
    }
}

#[test]
fn the_training_images_of_a_run_are_those_of_its_source() {
    let folder = tiny::folder();
    let root = folder.path();
    fs::create_dir(root.join("train")).unwrap();
    fs::create_dir(root.join("test")).unwrap();
    for (part, from) in [("train", "train"), ("test", "t10k")] {
        for kind in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
            let file = root.join(format!("tiny/{from}-{kind}"));
            fs::copy(&file, root.join(format!("{part}/train-{kind}"))).unwrap();
            fs::copy(&file, root.join(format!("{part}/t10k-{kind}"))).unwrap();
        }
    }
    let line = "train tiny.toml --data idx:train --set data.test=idx:test --out run";
    run_in(root, line).success();
    for (split, samples) in [("train", 96), ("test", 30)] {
        let json = run_in(root, &format!("eval run --split {split} --json")).success().json();
        assert_eq!(json["samples"], samples, "{split}");
        let attack = format!(
            "attack one-pixel run --split {split} --images 999 --population 8 --generations 1 \
             --untargeted --out {split}-found --json"
        );
        let json = run_in(root, &attack).success().json();
        assert_eq!(json["examined"], samples, "{split}");
    }
}

/// How far few labels go: the draw is another thing than the seed, so arms share their images.
#[test]
fn a_share_of_the_labels_is_trained_on() {
    let folder = tiny::folder();
    let root = folder.path();
    let names = |run: &str, more: &str| -> Vec<String> {
        run_in(root, &format!("train tiny.toml --max-steps 1 --out {run} {more}")).success();
        run_in(root, &format!("embed {run} --out {run}.npy")).success();
        let table = fs::read_to_string(root.join(format!("{run}.csv"))).unwrap();
        let rows = table.lines().skip(1).map(|row| row.split_once(',').unwrap().1.to_owned());
        rows.collect()
    };
    let first = names("first", "--set data.share=0.25");
    assert_eq!(first.len(), 24, "a quarter of 96");
    for class in 0..3 {
        let class = format!(",{class}");
        assert_eq!(first.iter().filter(|row| row.ends_with(&class)).count(), 8, "{first:?}");
    }
    assert_eq!(first, names("seed", "--set data.share=0.25 --seed 7"));
    assert_ne!(first, names("draw", "--set data.share=0.25 --set data.share_draw=1"));

    let listed: Vec<&str> = first.iter().filter_map(|row| row.split(',').next()).collect();
    fs::write(root.join("list.txt"), listed[..10].join("\n")).unwrap();
    assert_eq!(names("list", "--set data.list=list.txt"), first[..10]);
    fs::write(root.join("list.txt"), "nobody\n").unwrap();
    let refused = run_in(root, "train tiny.toml --out x --set data.list=list.txt");
    assert!(refused.bad_input().contains("nobody"), "{}", refused.stderr);
    let refused = run_in(root, "train tiny.toml --out x --set data.share=0");
    assert!(refused.bad_input().contains("data.share"), "{}", refused.stderr);
}
