//! The settings of property tests, the same everywhere.

use proptest::test_runner::{Config, RngSeed};

/// So many cases of a property, drawn from a fixed seed: a test that passed yesterday passes today.
///
/// The environment variables of proptest come first: `PROPTEST_RNG_SEED`, a number, draws other cases,
/// and `PROPTEST_CASES` as many as it says, for tests with few cases too.
pub fn cases(cases: u32) -> Config {
    from_environment(cases, |name| std::env::var_os(name).is_some())
}

fn from_environment(cases: u32, is_set: impl Fn(&str) -> bool) -> Config {
    // What is set in the environment is in here.
    let mut config = Config::default();
    if !is_set("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !is_set("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    use std::fs;
    use std::path::Path;

    fn draw(config: Config) -> Vec<u64> {
        let mut runner = TestRunner::new(config);
        let mut next = || (0..u64::MAX).new_tree(&mut runner).unwrap().current();
        (0..4).map(|_| next()).collect()
    }

    #[test]
    fn cases_are_the_same_in_every_run_unless_the_environment_says_otherwise() {
        let unset = || from_environment(7, |_| false);
        assert_eq!(draw(unset()), draw(unset()));
        assert_eq!(unset().cases, 7);
        let seeded = from_environment(7, |name| name == "PROPTEST_RNG_SEED");
        assert_eq!((seeded.cases, seeded.rng_seed), (7, Config::default().rng_seed));
        let many = from_environment(7, |name| name == "PROPTEST_CASES");
        assert_eq!((many.cases, many.rng_seed), (Config::default().cases, RngSeed::Fixed(1)));
    }

    /// The files below `folder` that hold Rust.
    fn sources(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, visit);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                visit(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_property_of_the_workspace_has_these_settings() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let opening = concat!("proptest", "! {");
        let mut count = 0;
        sources(crates, &mut |path, text| {
            let mut lines = text.lines();
            while let Some(line) = lines.next() {
                if line.trim_start().trim_start_matches("proptest::") != opening {
                    continue;
                }
                count += 1;
                let config = lines.next().unwrap_or_default().trim();
                let expected = "#![proptest_config(ocelli_testkit::cases(";
                assert!(config.starts_with(expected), "{}: {config}", path.display());
            }
        });
        assert!(count > 40, "{count} properties were found");
    }
}
