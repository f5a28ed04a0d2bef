#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_train::Recipe;

// A recipe's text, and after a NUL an override as typed after `--set`.
fuzz_target!(|text: &str| {
    let (text, set) = text.split_once('\0').unwrap_or((text, "seed=1"));
    if let Ok(recipe) = Recipe::resolve("fuzz.toml", text, &[set]) {
        let written = recipe.to_toml().expect("what was read can be written");
        let again = Recipe::resolve("again.toml", &written, &[] as &[&str]);
        assert_eq!(again.expect("what was written can be read"), recipe);
    }
});
