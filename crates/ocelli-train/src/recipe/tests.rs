use super::*;
use crate::Span;

const NONE: &[&str] = &[];

fn message(text: &str, overrides: &[&str]) -> String {
    Recipe::resolve("test.toml", text, overrides).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_default_recipe() {
    assert_eq!(Recipe::resolve("empty", "", NONE).unwrap(), Recipe::default());
}

#[test]
fn a_resolved_recipe_reads_back_as_itself() {
    let text = "
        seed = 7
        [model]
        freeze = ['blocks.0.*']
        drop_rate = 0.2
        [optimizer]
        kind = 'rmsprop'
        epsilon = 1e-3
        [schedule]
        kind = 'multi_step'
        warmup = '1533 steps'
        milestones = [30, 60.5, '90000 steps']";
    let recipe = Recipe::resolve("test", text, NONE).unwrap();
    assert_eq!(recipe.schedule.warmup, Span::Steps(1533));
    assert_eq!(recipe.schedule.milestones[1], Span::Epochs(60.5));
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
    assert_eq!(recipe.schedule.warmup, Span::Steps(100));
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
            "unknown key `label_smoothing`; did you mean `loss.label_smoothing`?",
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
        ("seed.x=1", "`seed` is a table, expected a whole number, 0 or more"),
        (
            "optimizer.betas=[0.9]",
            "`optimizer.betas` is a list of length 1, expected an array of length 2",
        ),
        ("model.name=", "`model.name` is empty, expected a name of the registry"),
        ("epochs", "`epochs` is not an override, expected `section.key=value`"),
        (".epochs=1", "`.epochs=1` is not an override, expected `section.key=value`"),
    ];
    for (set, expected) in cases {
        assert_eq!(message("", &[set]), expected, "{set}");
    }
    let below_a_number = message("", &["seed=1", "seed.deeper=2"]);
    assert!(below_a_number.contains("below `seed`, which is integer"), "{below_a_number}");
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
