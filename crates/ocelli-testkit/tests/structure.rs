//! No file imports, by way of others, from itself, but for a few that are listed.

use ocelli_testkit::imports::Imports;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The circles that there are: in which library or command, of which files, and why they stand. A shorter list is
/// better; what two files share goes into a third.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    (
        "ocelli/src/main.rs",
        &[
            "commands/attack/one_pixel.rs",
            "commands/attack/one_pixel/begin.rs",
            "commands/attack/one_pixel/subject.rs",
        ],
        "what is typed, and how an attack is begun from it",
    ),
    (
        "ocelli/src/main.rs",
        &[
            "commands/bench.rs",
            "commands/bench/attack.rs",
            "commands/bench/attack/victim.rs",
            "commands/bench/backbones.rs",
            "commands/bench/backbones/measure.rs",
            "commands/bench/backbones/row.rs",
            "commands/bench/contest.rs",
            "commands/bench/data.rs",
            "commands/bench/integers.rs",
            "commands/bench/integers/layers.rs",
            "commands/bench/kernels.rs",
            "commands/bench/models.rs",
            "commands/bench/report.rs",
            "commands/bench/simclr.rs",
        ],
        "one table and one contest serve all benches, which the command lists",
    ),
    (
        "ocelli/src/main.rs",
        &[
            "commands/train.rs",
            "commands/train/begin.rs",
            "commands/train/grid.rs",
            "commands/train/session.rs",
        ],
        "what is typed, and how a training or a grid is begun from it",
    ),
    (
        "ocelli-data/src/lib.rs",
        &["decode/jpeg/huffman.rs", "decode/jpeg/huffman/skips.rs"],
        "the lookup table of skips is built of the sizes of that of symbols",
    ),
    (
        "ocelli-methods/src/lib.rs",
        &[
            "one_pixel/attempt.rs",
            "one_pixel/config/compare.rs",
            "one_pixel/oracle.rs",
            "one_pixel/plan.rs",
            "one_pixel/random.rs",
            "one_pixel/record.rs",
            "one_pixel/rivals.rs",
            "one_pixel/rivals/fgsm.rs",
            "one_pixel/rivals/local_search.rs",
        ],
        "an outcome of any attack is a part of the record that all of them read",
    ),
    (
        "ocelli-nn/src/lib.rs",
        &["infer_plan/delta.rs", "infer_plan/delta/cost.rs", "infer_plan/delta/schedule.rs"],
        "the plan keeps the schedules that its costs decide on",
    ),
    (
        "ocelli-train/src/lib.rs",
        &[
            "optimizer.rs",
            "optimizer/groups.rs",
            "recipe.rs",
            "recipe/limits.rs",
            "recipe/model_defaults.rs",
            "recipe/resume.rs",
            "recipe/sections.rs",
            "run_folder.rs",
            "run_folder/own_recipe.rs",
            "trained/pretrained.rs",
            "trained/weights_file.rs",
            "trainer/event.rs",
            "trainer/snapshot.rs",
            "trainer/state.rs",
        ],
        "defaults of a recipe come from the weights that it names, which may be those of a run with a recipe",
    ),
];

/// The roots of all crates: of the libraries and of the command.
fn roots() -> std::io::Result<Vec<(String, PathBuf)>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut roots = Vec::new();
    for folder in std::fs::read_dir(crates)? {
        let folder = folder?;
        for root in ["src/lib.rs", "src/main.rs"] {
            let path = folder.path().join(root);
            if path.exists() {
                let name = folder.file_name().to_string_lossy().into_owned();
                roots.push((format!("{name}/{root}"), path));
            }
        }
    }
    roots.sort();
    Ok(roots)
}

fn named(root: &str, file: &str) -> String {
    format!("{root}: {file}")
}

#[test]
fn files_import_in_one_direction() -> std::io::Result<()> {
    let (mut files, mut in_circles, mut wrong) = (0, 0, String::new());
    let allowed = ALLOWED.iter();
    let allowed =
        allowed.flat_map(|(root, files, _)| files.iter().map(move |file| named(root, file)));
    let mut unused: BTreeSet<String> = allowed.collect();
    for (name, root) in roots()? {
        let imports = Imports::read(&root);
        files += imports.len();
        for circle in imports.circles() {
            in_circles += circle.len();
            let is_allowed = circle.iter().filter(|file| unused.remove(&named(&name, file)));
            if is_allowed.count() < circle.len() {
                let lines = imports.within(&circle);
                wrong.extend([
                    name.as_str(),
                    ": a circle with files that are not allowed\n",
                    &lines,
                ]);
            }
        }
    }
    ocelli_testkit::figure(
        "share of files in circles",
        f64::from(in_circles as u32) / files as f64,
    );
    for file in unused {
        wrong.extend([file.as_str(), " stands in no circle now and need not be allowed\n"]);
    }
    assert!(wrong.is_empty(), "{in_circles} of {files} files stand in circles\n{wrong}");
    Ok(())
}
