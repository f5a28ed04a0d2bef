use super::*;
use crate::TrainingLength;
use ocelli_nn::ghostify::Ghost;
use proptest::prelude::*;

const NONE: &[&str] = &[];

fn message(text: &str, overrides: &[&str]) -> String {
    Recipe::resolve("test.toml", text, overrides).unwrap_err().to_string()
}

#[test]
fn an_empty_file_leaves_everything_to_the_defaults_and_the_model() {
    let recipe = Recipe::resolve("empty", "", NONE).unwrap();
    let (input, eval) = (recipe.input.clone(), recipe.eval);
    assert_eq!((input.size, input.channels, eval.crop_pct), (32, 3, 1.0));
    assert_eq!(recipe, Recipe { input, eval, ..Recipe::default() });
}

#[test]
fn what_a_model_wants_to_see_can_be_overridden_field_by_field() {
    let overrides = ["model.name=tf_efficientnetv2_s", "input.size=128", "eval.crop_pct=0.9"];
    let recipe = Recipe::resolve("test", "", &overrides).unwrap();
    assert_eq!((recipe.input.size, recipe.eval.crop_pct), (128, 0.9));
    assert_eq!(recipe.input.mean, [0.5; 3]);
    let recipe = Recipe::resolve("test", "", &["input.channels=1"]).unwrap();
    assert_eq!((recipe.input.mean.len(), recipe.input.channels), (1, 1));
    assert_eq!(
        message("", &["model.name=ghostnet_smal"]),
        "unknown model `ghostnet_smal`; did you mean `ghostnet_small`?"
    );
    assert_eq!(
        message("", &["model.ghost.ratios=3"]),
        "unknown key `model.ghost.ratios`; did you mean `model.ghost.ratio`?"
    );
    assert!(message("", &["input=3"]).contains("`input` is 3, expected a table"));
}

#[test]
fn the_recipe_of_plain_train_is_complete_and_small() {
    let recipe = Recipe::resolve("default", DEFAULT, NONE).unwrap();
    assert_eq!(recipe.data.source, "builtin:fashion-mnist");
    assert_eq!((recipe.input.size, recipe.input.channels), (28, 1));
    assert_eq!(recipe.model.name, "ghostnet_small");
}

#[test]
fn a_resolved_recipe_reads_back_as_itself() {
    let text = "
        seed = 7
        [model]
        freeze = ['blocks.0.*']
        dropout = 0.2
        [model.ghost]
        ratio = 4
        [optimizer]
        kind = 'rmsprop'
        epsilon = 1e-3
        [schedule]
        kind = 'multi_step'
        warmup = '1533 steps'
        milestones = [30, 60.5, '90000 steps']";
    let recipe = Recipe::resolve("test", text, NONE).unwrap();
    assert_eq!(recipe.schedule.warmup, TrainingLength::Steps(1533));
    assert_eq!(recipe.model.ghost, Some(Ghost { ratio: 4, ..Ghost::default() }));
    assert_eq!(recipe.schedule.milestones[1], TrainingLength::Epochs(60.5));
    let again = Recipe::resolve("again", &recipe.to_toml().unwrap(), NONE).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn overrides_win_and_are_typed_by_their_syntax() {
    let overrides = [
        "train.epochs=3",
        "optimizer.kind=adamw",
        "schedule.warmup=100 steps",
        "optimizer.betas=[0.9, 0.98]",
        "model.name=\"resnet18\"",
        "ema.enabled = true",
        "seed=9",
    ];
    let recipe = Recipe::resolve("test", "[train]\nepochs = 50", &overrides).unwrap();
    assert_eq!(recipe.train.epochs, 3);
    assert_eq!(recipe.optimizer.kind, OptimizerKind::AdamW);
    assert_eq!(recipe.schedule.warmup, TrainingLength::Steps(100));
    assert_eq!(recipe.optimizer.betas, [0.9, 0.98]);
    assert_eq!(recipe.model.name, "resnet18");
    assert!(recipe.ema.enabled);
    assert_eq!(recipe.seed, 9);
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let cases = [
        ("", "optimzer.lr=1", "unknown key `optimzer.lr`; did you mean `optimizer.lr`?"),
        (
            "[optimizer]\nmomentun = 0.9",
            "seed=1",
            "unknown key `optimizer.momentun`; did you mean `optimizer.momentum`?",
        ),
        (
            "",
            "label_smoothing=0.1",
            "unknown key `label_smoothing`; did you mean `mix.label_smoothing`?",
        ),
        (
            "",
            "augment.crop.pad.pixel=2",
            "unknown key `augment.crop.pad.pixel`; did you mean `augment.crop.pad.pixels`?",
        ),
        ("", "train.warmup=5", "unknown key `train.warmup`; did you mean `schedule.warmup`?"),
        ("zzz = 1", "seed=1", "unknown key `zzz`"),
    ];
    for (text, set, expected) in cases {
        assert_eq!(message(text, &[set]), expected);
    }
}

#[test]
fn wrong_types_and_ranges_name_the_field() {
    let cases = [
        ("optimizer.lr=fast", "`optimizer.lr` is the text \"fast\", expected a number"),
        ("optimizer.lr=-0.1", "`optimizer.lr` is -0.1, expected a number above 0"),
        ("optimizer.lr=nan", "`optimizer.lr` is NaN, expected a number above 0"),
        ("train.epochs=-1", "`train.epochs` is -1, expected a whole number, 0 or more"),
        ("train.epochs=0", "`train.epochs` is 0, expected 1 or more"),
        ("train.epochs=1.5", "`train.epochs` is 1.5, expected a whole number, 0 or more"),
        ("model=5", "`model` is 5, expected a table"),
        ("model.freeze=[1]", "`model.freeze.0` is 1, expected text"),
        ("ema.enabled=yes", "`ema.enabled` is the text \"yes\", expected true or false"),
        (
            "optimizer.kind=sdg",
            "`optimizer.kind` is \"sdg\", expected one of sgd, adamw, rmsprop, lars \
             (did you mean \"sgd\"?)",
        ),
        (
            "schedule.warmup=soon",
            "`schedule.warmup` is the text \"soon\", expected a number of epochs, or text as in \
             \"1500 steps\"",
        ),
        (
            "schedule.every='0 steps'",
            "`schedule.every` is 0 steps, expected more than 0 epochs or steps",
        ),
        (
            "optimizer.group=[{lr=2}]",
            "`optimizer.group.0.match` is empty, expected one glob or more",
        ),
        (
            "optimizer.group=[{match=['a'],lr=-1}]",
            "`optimizer.group.0.lr` is -1, expected 0 or more",
        ),
        ("seed.x=1", "`seed` is a table, expected a whole number, 0 or more"),
        (
            "optimizer.betas=[0.9]",
            "`optimizer.betas` is a list of length 1, expected an array of length 2",
        ),
        (
            "augment.crop.pat.pixels=2",
            "`augment.crop` is \"pat\", expected one of random_resized, pad, squash \
             (did you mean \"pad\"?)",
        ),
        (
            "augment.crop.pad.pixels=x",
            "`augment.crop.pad.pixels` is the text \"x\", expected a whole number, 0 to 4294967295",
        ),
        (
            "augment.crop.pad.pixels=4294967296",
            "`augment.crop.pad.pixels` is 4294967296, expected a whole number, 0 to 4294967295",
        ),
        ("augment.flip=2", "`augment.flip` is 2, expected 0 to 1"),
        ("input.size=0", "`input.size` is 0 pixels, expected 1 to 8192"),
        ("model.name=", "`model.name` is empty, expected a name of the registry"),
        ("epochs", "`epochs` is not an override, expected `section.key=value`"),
        (".epochs=1", "`.epochs=1` is not an override, expected `section.key=value`"),
    ];
    for (set, expected) in cases {
        assert_eq!(message("", &[set]), expected, "{set}");
    }
    let both =
        message("", &["augment.crop.pad.pixels=2", "augment.crop.random_resized.scale=[0.5, 1.0]"]);
    assert_eq!(
        both,
        "`augment.crop` is pad and random_resized, expected only one of random_resized, pad, squash"
    );
    assert_eq!(
        message("seed = 1979-05-27", &[]),
        "`seed` is a date, expected a whole number, 0 or more"
    );
    let below_a_number = message("", &["seed=1", "seed.deeper=2"]);
    assert!(below_a_number.contains("below `seed`, which is integer"), "{below_a_number}");
}

#[test]
fn a_network_is_described_field_by_field() {
    let text = "
        [model]
        name = 'efficientnetv2'
        [model.layout]
        stem = 16
        [[model.layout.stages]]
        op = 'fused_mbconv'
        expand = 1
        channels = 16
        layers = 1
        [[model.layout.stages]]
        op = 'mbconv'
        kernel = 5
        expand = 4
        channels = 24
        layers = 2";
    let recipe = Recipe::resolve("test", text, NONE).unwrap();
    let layout = recipe.model.layout.clone().unwrap();
    assert_eq!((layout.stem, layout.head, layout.stages.len()), (16, 1280, 2));
    let again = Recipe::resolve("again", &recipe.to_toml().unwrap(), NONE).unwrap();
    assert_eq!(again, recipe);
    assert_eq!(recipe.resume::<&str>(&[]).unwrap(), recipe);

    let refuse = |from: &str, to: &str| message(&text.replace(from, to), &[]);
    for (from, to, expected) in [
        ("kernel = 5", "kernel = 4", "`layout.stages.1.kernel`: 4 is not possible"),
        ("kernel = 5", "kernels = 5", "did you mean `model.layout.stages.1.kernel`?"),
        ("layers = 2", "", "`model.layout.stages.1.layers` is missing"),
        ("layers = 1", "layers = 0", "`layout.stages.0.layers`: 0"),
        ("op = 'mbconv'", "op = 'mbconf'", "expected one of mbconv, fused_mbconv"),
        ("stem = 16", "stem = 16\nstems = 1", "did you mean `model.layout.stem`?"),
        ("name = 'efficientnetv2'", "name = 'resnet18'", "expected the model `efficientnetv2`"),
    ] {
        let message = refuse(from, to);
        assert!(message.contains(expected), "{expected} in: {message}");
    }
    assert!(message("", &["model.name=efficientnetv2"]).contains("a table of stages"));
    let stem = Recipe::resolve("test", text, &["model.layout.stem=8"]).unwrap();
    assert_eq!(stem.model.layout.unwrap().stem, 8);
}

#[test]
fn broken_toml_names_the_file_and_the_line() {
    let text = message("[train]\nepochs = = 3", &[]);
    assert!(text.starts_with("test.toml: ") && text.contains("line 2"), "{text}");
}

#[test]
fn every_default_is_in_range() {
    limits::check(&Recipe::default()).unwrap();
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    /// Whatever is in a file or typed after `--set`: a recipe or an error, never a panic.
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", set in "[a-z.]{0,20}=?.{0,40}") {
        let _ = Recipe::resolve("random", &text, &[&set]);
    }

    #[test]
    fn no_value_of_a_known_key_makes_it_panic(
        at in 0_usize..200,
        value in prop_oneof![
            any::<f64>().prop_map(|value| format!("{value:?}")),
            any::<i64>().prop_map(|value| value.to_string()),
            Just("[]".to_owned()),
            Just("{}".to_owned()),
            Just("[1, [2]]".to_owned()),
            Just("{ a = { b = 1 } }".to_owned()),
            Just("1979-05-27".to_owned()),
            ".{0,30}",
        ],
    ) {
        let keys = all_keys();
        let key = &keys[at % keys.len()];
        if let Ok(recipe) = Recipe::resolve("random", "", &[format!("{key}={value}")]) {
            let again = recipe.to_toml().map(|text| Recipe::resolve("again", &text, NONE).unwrap());
            prop_assert!(again.is_ok_and(|again| again == recipe));
        }
    }
}

#[test]
fn every_section_of_a_recipe_is_its_own_and_another_is_a_methods() {
    let text = "[progressive]\nstages = 2\nsize = [8, 16]\n[method]\nrate = 1.5";
    let recipe = Recipe::of_run("test", text).unwrap();
    assert!(recipe.progressive.is_some());
    let section = recipe.method.clone().unwrap();
    assert_eq!(
        (section.name(), section.to_table()["method"]["rate"].as_float()),
        ("method", Some(1.5))
    );
    assert_eq!(Recipe::of_run("again", &recipe.to_toml().unwrap()).unwrap(), recipe);
    assert!(Recipe::of_run("test", "sed = 3").unwrap_err().to_string().contains("`seed`"));
    assert!(Recipe::of_run("test", "[one]\n[two]").is_err());
}
