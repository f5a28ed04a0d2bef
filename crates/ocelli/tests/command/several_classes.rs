//! Images of several classes, from training to evaluation.

use crate::support::run_in;
use crate::tiny;
use std::fs;

#[test]
fn images_of_several_classes_are_trained_on_and_evaluated() {
    let folder = tiny::folder();
    let root = folder.path();
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/pixel.png");
    for (part, count) in [("train", 8), ("test", 4)] {
        for class in ["ant", "bee", "insect"] {
            let class = root.join("photos").join(part).join(class);
            fs::create_dir_all(&class).unwrap();
            for number in 0..count {
                fs::copy(image, class.join(format!("{part}{number}.png"))).unwrap();
            }
        }
    }
    let labels: String = ["train", "test"]
        .iter()
        .flat_map(|part| (0..4).map(move |number| format!("bee/{part}{number}.png\tinsect\tant\n")))
        .collect();
    fs::write(root.join("labels.tsv"), labels).unwrap();
    let line = "train tiny.toml --data photos --set train.batch_size=4 --out run --json";
    let json = run_in(root, &format!("{line} --set data.labels=labels.tsv")).success().json();
    assert_eq!(json["samples"], 12);
    // All pictures are the same, so one class is answered: all bees are right, and a third of 12.
    assert_eq!(json["correct"].as_u64().unwrap() % 4, 0);
    let evaluated = run_in(root, "eval run --checkpoint last --json").success().json();
    assert_eq!(evaluated["correct"], json["correct"], "with the labels of the run");
    let evaluated =
        run_in(root, "eval run --checkpoint last --data photos --json").success().json();
    assert_eq!(evaluated["correct"], 4, "without them");
    let labelled = "eval run --checkpoint last --data photos --labels labels.tsv --json";
    let evaluated = run_in(root, labelled).success().json();
    assert_eq!(evaluated["correct"], json["correct"]);

    // Attacked are images with one right class.
    let attack = "attack one-pixel run --checkpoint last --images 12 --population 8 --generations 1 \
                  --untargeted --set misclassified=attack --json";
    for (option, images) in
        [("", 8), ("--data photos", 12), ("--data photos --labels labels.tsv", 8)]
    {
        let json = run_in(root, &format!("{attack} {option}")).success().json();
        assert_eq!(json["images"], images, "{option}");
    }
}
