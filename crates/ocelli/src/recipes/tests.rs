use super::*;
use ocelli_methods::METHODS;
use ocelli_methods::search::SearchConfig;
use ocelli_nn::registry;
use ocelli_train::grid::{Cell, Grid};
use ocelli_train::{Ema, Recipe, Schedule};
use std::collections::BTreeMap;
use std::fs;
use toml::{Table, Value};

const NONE: &[&str] = &[];

fn cells(name: &str) -> Vec<Cell> {
    let recipe = find(name).unwrap();
    let grid = Grid::new(name, recipe.text, NONE, &[], None).unwrap();
    grid.with_methods(METHODS).cells().unwrap()
}

/// A recipe in which nothing varies, under overrides.
fn resolved(name: &str, overrides: &[&str]) -> Recipe {
    Recipe::resolve(name, find(name).unwrap().text, overrides).unwrap()
}

#[track_caller]
fn assert_close(actual: f64, expected: f64) {
    eprintln!("figure: {actual:.6} where {expected} is published");
    assert!((actual - expected).abs() <= 1e-4 * expected.abs(), "{actual} is not {expected}");
}

#[test]
fn every_recipe_resolves_and_its_network_can_be_built() {
    for recipe in RECIPES {
        for cell in cells(recipe.name) {
            let resolved = cell.recipe.unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
            for stage in resolved.stages() {
                assert!(stage.cost(10).is_ok(), "{} {}", recipe.name, cell.name);
            }
        }
    }
}

#[test]
fn every_recipe_of_a_search_resolves_and_has_a_backbone() {
    for BuiltinRecipe { name, text } in SEARCHES {
        let (recipe, search): (Recipe, SearchConfig) =
            Recipe::resolve_with("search", name, text, NONE).unwrap();
        search.check().unwrap();
        let model = registry::find(&recipe.model.name).unwrap();
        assert!(model.layout(&recipe.model_options(10)).unwrap().is_some(), "{name}");
    }
}

#[test]
fn every_recipe_of_the_folder_is_part_of_the_library() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let files = files.map(|file| file.into_string().unwrap());
    for name in files.filter_map(|file| file.strip_suffix(".toml").map(str::to_owned)) {
        assert!(find(&name).or(find_in(SEARCHES, &name)).is_some(), "{name}");
    }
}

#[test]
fn every_field_is_in_the_documentation() {
    let documentation = include_str!("../../../../docs/recipes.md");
    let recipe = Recipe::default().to_toml_with("search", &SearchConfig::default()).unwrap();
    for line in recipe.lines().filter(|line| line.contains(" = ")) {
        let field = line.split(" = ").next().unwrap();
        let is_there = ["`", "."].map(|start| documentation.contains(&format!("{start}{field}`")));
        assert!(is_there.contains(&true), "{field}");
    }
}

/// Every field of a recipe with what must not differ in its twin: text and switches, but for the
/// network and the data. Of values, only that they are there.
fn skeleton(text: &str) -> BTreeMap<String, String> {
    fn walk(prefix: &str, table: &Table, found: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let key = format!("{prefix}.{key}");
            let kept = match value {
                Value::Table(below) => {
                    walk(&key, below, found);
                    continue;
                }
                Value::String(_) if key == ".model.name" || key.starts_with(".data.") => "text",
                Value::Integer(_) | Value::Float(_) => "a number",
                Value::Array(_) => "a list",
                other => &other.to_string(),
            };
            found.insert(key, kept.to_owned());
        }
    }
    let mut found = BTreeMap::new();
    walk("", &toml::from_str(text).unwrap(), &mut found);
    found
}

#[test]
fn small_twins_differ_in_values_network_and_data_alone() {
    let small = RECIPES.iter().filter_map(|twin| Some((twin.name.strip_suffix("-small")?, twin)));
    let small: Vec<_> = small.collect();
    assert_eq!(small.len(), 5);
    for (name, twin) in small {
        let (large, mut small) = (skeleton(find(name).unwrap().text), skeleton(twin.text));
        // Few epochs bear less dropout than a network has by itself.
        if !large.contains_key(".model.dropout") {
            small.remove(".model.dropout");
        }
        assert_eq!(large, small, "{name}");
    }
}

/// GhostNet's tables 2 and 3, and what the counts of its networks really are.
#[test]
fn the_ablation_of_ghost_vgg_has_the_published_costs() {
    let costs: Vec<_> = cells("ghost_vgg_ablation")
        .into_iter()
        .map(|cell| {
            let cost = cell.recipe.unwrap().cost(10).unwrap();
            (cell.name, cost.params, cost.macs)
        })
        .collect();
    let expected = [
        ("cheap_kernel=1,ratio=2", 7_633_578, 157_003_776),
        ("cheap_kernel=3,ratio=2", 7_650_474, 158_109_696),
        ("cheap_kernel=5,ratio=2", 7_684_266, 160_321_536),
        ("cheap_kernel=7,ratio=2", 7_734_954, 163_639_296),
        ("cheap_kernel=3,ratio=3", 5_218_476, 107_240_040),
        ("cheap_kernel=3,ratio=4", 3_982_362, 80_432_640),
        ("cheap_kernel=3,ratio=5", 3_269_697, 65_665_296),
    ];
    assert_eq!(costs, expected.map(|(name, params, macs)| (name.to_owned(), params, macs)));
}

#[test]
fn the_comparison_has_three_seeds_of_three_networks_and_their_ghosts() {
    let cells = cells("cifar10-ghost_comparison");
    assert_eq!(cells.len(), 18);
    assert_eq!(cells[4].name, "name=ghost_vgg16_small_cifar,seed=1");
}

/// Their later code: `scheduler` and the constructors of their networks.
#[test]
fn the_attacked_networks_have_the_rates_of_their_authors() {
    const STEPS_PER_EPOCH: u64 = 390;
    let rates = |name: &str, epochs: &[u64]| -> Vec<f64> {
        let recipe = resolved(name, &[]);
        assert_eq!((recipe.train.epochs, recipe.train.batch_size), (200, 128));
        let total = 200 * STEPS_PER_EPOCH;
        let schedule = Schedule::new(&recipe.schedule, recipe.optimizer.lr, 390.0, total);
        epochs.iter().map(|epoch| schedule.rate(epoch * STEPS_PER_EPOCH)).collect()
    };
    for (name, epochs, expected) in [
        ("cifar10-allconv", &[0, 100, 199][..], &[1e-4, 1e-4, 1e-4][..]),
        ("cifar10-nin", &[0, 59, 61, 121, 199], &[0.05, 0.05, 0.01, 0.002, 0.0004]),
        ("cifar10-vgg16", &[0, 79, 81, 161], &[0.1, 0.1, 0.01, 0.001]),
    ] {
        let pairs = rates(name, epochs).into_iter().zip(expected);
        pairs.for_each(|(rate, expected)| assert_close(rate, *expected));
        assert_eq!(resolved(name, &[]).input.mean[0], 125.307 / 255.0, "{name}");
    }
}

/// The rates of the released code, 1,256,144 images in batches of 4096 for 350 epochs.
#[test]
fn the_recipe_of_efficientnetv2_has_the_published_rates() {
    let recipe = resolved("imagenet-efficientnetv2_s", &[]);
    assert_eq!(recipe.train.batch_size * recipe.train.accumulate, 4096);
    assert_eq!(recipe.train.epochs, 350);
    let steps_per_epoch = 1_256_144.0 / 4096.0;
    let schedule = Schedule::new(&recipe.schedule, recipe.optimizer.lr, steps_per_epoch, 107_336);
    assert_eq!(schedule.rate(0), 0.0);
    for (step, rate) in
        [(1_532, 0.25583), (1_533, 0.24087), (50_000, 0.033_262), (107_335, 0.003_091)]
    {
        assert_close(schedule.rate(step), rate);
    }
    assert!(!recipe.optimizer.decay_bias_and_norm);
    assert!(recipe.ema.enabled);

    let options = recipe.model_options(3);
    let model = registry::find("ghostnet_small").unwrap();
    let network = model.network(&options, ocelli_random::Seed(0), &burn::tensor::Device::flex());
    assert_close(Ema::new(&network.unwrap(), recipe.ema.decay).next_decay(), 0.1);
}

#[test]
fn both_presets_of_efficientnetv2_are_one_override_apart() {
    let values = |overrides: &[&str]| -> Vec<(u32, f64, f64)> {
        let stages = resolved("imagenet-efficientnetv2_s", overrides).stages();
        let values = stages.iter().map(|stage| {
            let magnitude = stage.augment.rand_augment.unwrap().magnitude;
            (stage.input.size, magnitude, stage.model.dropout.unwrap())
        });
        values.collect()
    };
    let paper = values(&[]);
    assert_eq!(paper.iter().map(|stage| stage.0).collect::<Vec<_>>(), [128, 185, 243, 300]);
    assert_eq!((paper[0].1, paper[3].1, paper[0].2, paper[3].2), (5.0, 15.0, 0.1, 0.3));
    let released = values(&[
        "progressive.preset=released",
        "progressive.magnitude=[5,10]",
        "progressive.dropout=[0.2,0.2]",
    ]);
    assert_eq!(released.iter().map(|stage| stage.0).collect::<Vec<_>>(), [171, 214, 257, 300]);
    assert_eq!((released[0].1, released[3].1, released[0].2), (5.0, 10.0, 0.2));
}

#[test]
fn pre_training_and_fine_tuning_follow_the_released_code() {
    let first = resolved("imagenet21k-efficientnetv2_s", &[]);
    assert_eq!(first.train.batch_size * first.train.accumulate, 4096);
    let steps_per_epoch = 12_720_275.0 / 4096.0;
    let total = (60.0_f64 * steps_per_epoch) as u64;
    let schedule = Schedule::new(&first.schedule, first.optimizer.lr, steps_per_epoch, total);
    assert_close(schedule.rate(3_105), 0.128);
    assert_close(schedule.rate(3_105 + (total - 3_105) / 2), 0.064);
    assert!(schedule.rate(total - 1) < 1e-6);

    let then = resolved("imagenet-efficientnetv2_s-finetune", &[]);
    assert_eq!(then.train.batch_size * then.train.accumulate, 512);
    assert!(then.model.reset_head);
    assert_eq!(then.input.size, 384, "as large as in evaluation");
    assert_eq!((then.optimizer.lr, then.ema.decay, then.train.epochs), (0.001, 0.9996, 15));
    assert!(then.augment.rand_augment.is_none() && then.augment.erasing.is_some());
}

#[test]
fn the_recipe_of_ghostnet_takes_as_many_steps_as_its_authors_say() {
    let recipe = resolved("imagenet-ghostnet_100", &[]);
    let batch = (recipe.train.batch_size * recipe.train.accumulate) as u64;
    assert_eq!(batch, 1024);
    let steps = recipe.train.epochs * (1_281_167 / batch);
    assert!((445_000..455_000).contains(&steps), "{steps}");
    let schedule = Schedule::new(&recipe.schedule, recipe.optimizer.lr, 1251.0, steps);
    assert_close(schedule.rate(0), 0.1);
    assert_close(schedule.rate(5 * 1251), 0.4);
}
