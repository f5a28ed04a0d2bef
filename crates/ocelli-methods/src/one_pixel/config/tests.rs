use super::*;
use crate::one_pixel::Rival;

#[test]
fn defaults_are_in_range_and_what_is_not_is_named() {
    type Spoil = fn(&mut Config);
    for preset in [Preset::Paper, Preset::ScipyPeer] {
        Config::preset(preset).check().unwrap();
    }
    let cases: [(Spoil, &str); 12] = [
        (|config| config.images = 0, "`images` is 0"),
        (|config| config.pixels = vec![], "`pixels` is empty"),
        (|config| config.pixels = vec![0], "`pixels` is 0, expected 1 to"),
        (|config| config.pixels = vec![3, 1, 3], "`pixels` is 3 twice"),
        (
            |config| (config.fewest, config.pixels) = (true, vec![3, 1]),
            "`pixels` is [3, 1], with `fewest`, expected numbers that rise",
        ),
        (|config| config.targeted = false, "`targeted` is false, as is `untargeted`"),
        (|config| config.target_probability = 90.0, "`target_probability` is 90"),
        (|config| config.colour_deviation = f64::NAN, "`colour_deviation` is NaN"),
        (|config| config.random_tries = 0, "`random_tries` is 0"),
        (|config| config.compare.cyclic = 2.5, "`compare.cyclic` is 2.5, expected 0 to 2"),
        (
            |config| config.compare.attacks = vec![Rival::Fgsm, Rival::Fgsm],
            "`compare.attacks` is FGSM twice",
        ),
        (
            |config| (config.oracle, config.pixels) = (true, vec![1, 3]),
            "`oracle` is true for [1, 3] pixels",
        ),
    ];
    for (spoil, expected) in cases {
        let mut config = Config::default();
        spoil(&mut config);
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains(expected), "{expected} in: {message}");
    }
}

#[test]
fn the_paper_s_evolution_is_that_of_its_section_three() {
    let evolution = Config::default().evolution_of(Aim::Target(3), 5);
    assert_eq!((evolution.population, evolution.stop.generations), (400, 100));
    assert_eq!((evolution.strategy, evolution.crossover), (Strategy::Rand1, 1.0));
    assert_eq!(evolution.weight, Weight::Constant(0.5));
    assert_eq!(evolution.stop.fitness, Some(0.9));
    let direct = Config::default().evolution_of(Aim::Untargeted, 5);
    assert_eq!(direct.stop.fitness, Some(0.05));
}

/// What a list of fields and values became in another.
fn changed(before: &serde_json::Value, after: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    };
    let mut names = keys(before);
    names.extend(keys(after).into_iter().filter(|name| before.get(name).is_none()));
    for name in names {
        let (old, new) = (&before[&name], &after[&name]);
        if old.is_object() && new.is_object() {
            found.extend(changed(old, new).iter().map(|inner| format!("{name}.{inner}")));
        } else if old != new {
            found.push(format!("{name}={new}"));
        }
    }
    found
}

#[test]
fn each_switch_changes_what_it_names_in_the_evolution_and_nothing_else() {
    type Turn = fn(&mut Config);
    let cases: [(Turn, &str); 17] = [
        (|c| c.evolution.population = 123, "population=123"),
        (
            |c| (c.evolution.population_in_multiples, c.evolution.population) = (true, 123),
            "population=120",
        ),
        (|c| c.evolution.generations = 7, "stop.generations=7"),
        (|c| c.evolution.strategy = Strategy::Best1, "strategy=\"best1\""),
        (|c| c.evolution.weight = Weight::Constant(0.9), "weight=0.9"),
        (|c| c.evolution.weight = Weight::Dither([0.5, 1.0]), "weight=[0.5,1.0]"),
        (|c| c.evolution.crossover = 0.7, "crossover=0.7"),
        (|c| c.evolution.bounds = BoundsRule::Reflect, "bounds=\"reflect\""),
        (|c| c.evolution.may_include_parent = true, "may_include_parent=true"),
        (|c| c.evolution.selection = Selection::BestOfBoth, "selection=\"best_of_both\""),
        (|c| c.evolution.budget = Some(900), "stop.evaluations=900"),
        (|c| c.stop = Stop::Never, "stop.fitness=null"),
        (|c| c.stop = Stop::FirstSuccess, "stop.fitness=null"),
        (|c| c.stop_at_start = false, "stop.at_start=false"),
        (|c| c.first_population = FirstPopulation::LatinHypercube, "start=\"latin_hypercube\""),
        (|c| c.target_probability = 0.8, "stop.fitness=0.8"),
        (|c| c.true_probability = 0.1, ""),
    ];
    let evolution =
        |config: &Config, aim| serde_json::to_value(config.evolution_of(aim, 5)).unwrap();
    let target = Aim::Target(2);
    let paper = evolution(&Config::default(), target);
    for (turn, expected) in cases {
        let mut config = Config::default();
        turn(&mut config);
        assert_eq!(changed(&paper, &evolution(&config, target)).join(", "), expected);
    }
    // Only a direct attempt looks at the probability of the true class.
    let direct = evolution(&Config::default(), Aim::Untargeted);
    assert_eq!(changed(&paper, &direct), ["goal=\"minimise\"", "stop.fitness=0.05"]);
    let config = Config { true_probability: 0.1, target_probability: 0.8, ..Config::default() };
    assert_eq!(changed(&direct, &evolution(&config, Aim::Untargeted)), ["stop.fitness=0.1"]);
    // What is drawn by law, uniformly too, begins as the paper's; the laws are those of the genes.
    let uniform = Config { first_population: FirstPopulation::Uniform, ..Config::default() };
    assert_eq!(changed(&paper, &evolution(&uniform, target)), Vec::<String>::new());
}

#[test]
fn peers_have_populations_in_multiples_of_the_genes() {
    let peer = Config::preset(Preset::ScipyPeer);
    let population = |pixels: usize| peer.evolution_of(Aim::Untargeted, 5 * pixels).population;
    assert_eq!([1, 3, 5].map(population), [400, 390, 400]);
    assert_eq!(peer.evolution_of(Aim::Untargeted, 5).stop.fitness, None);
}

#[test]
fn settings_are_written_and_read_again() {
    for preset in [Preset::Paper, Preset::ScipyPeer] {
        let config = Config::preset(preset);
        let text = toml::to_string(&config).unwrap();
        let again: Config = ocelli_train::recipe::settings("a", &text, &[] as &[&str]).unwrap();
        assert_eq!(again, config, "{text}");
    }
    let read = |set: &str| ocelli_train::recipe::settings::<Config, _>("a", "", &[set]);
    assert_eq!(
        read("evolution.weight=[0.5, 1]").unwrap().evolution.weight,
        Weight::Dither([0.5, 1.0])
    );
    assert_eq!(read("evolution.weight=1").unwrap().evolution.weight, Weight::Constant(1.0));
    let message = read("evolution.populaton=3").unwrap_err().to_string();
    assert!(message.contains("did you mean `evolution.population`?"), "{message}");
    let message = read("stop=later").unwrap_err().to_string();
    assert!(message.contains("paper, first_success, never"), "{message}");
}
