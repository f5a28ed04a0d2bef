//! What a section may say.

use super::fixture::{plain_network, recipe, settings};
use crate::dqa::layer::quantized_layers;
use crate::dqa::{DqaConfig, Scheme};
use ocelli_train::{Machine, Setup};

#[test]
fn an_empty_section_is_the_paper_s() {
    let recipe = recipe(&["dqa.lambda=5.0"]).unwrap();
    let section = recipe.method.unwrap();
    assert_eq!(section.read::<DqaConfig>().unwrap(), DqaConfig::default());
    let settings = settings("").unwrap();
    assert_eq!(settings.penalty, [5.0, 20.0, 80.0], "λ · g");
    assert_eq!(settings.attention(100, 100).temperature, 0.03);
}

#[test]
fn what_is_impossible_is_refused_with_its_field() {
    let refused =
        |text: &str| settings(text).err().map(|error| error.to_string()).unwrap_or_default();
    for (text, words) in [
        (
            "quantizers = ['min_max:9']",
            "`dqa.quantizers.0` is min_max:9, expected min_max:BITS with 1 to 8 bits",
        ),
        (
            "quantizers = ['min_max:2', 'twm']",
            "`dqa.quantizers.1` is twm, expected min_max:BITS, sawb:BITS",
        ),
        (
            "quantizers = ['pact:2']",
            "`dqa.quantizers.0` is pact:2, expected min_max:BITS, sawb:BITS",
        ),
        (
            "quantizers = ['min_max:4', 'min_max:2']",
            "`dqa.quantizers.1` is min_max:2, expected another one of as many bits as min_max:4 or more",
        ),
        ("quantizers = ['twn', 'twn']", "`dqa.quantizers.1` is twn"),
        ("quantizers = []", "`dqa.quantizers` is [], expected 1 to 8 quantizers"),
        ("quantizers = ['float']", "`dqa.quantizers.0` is float"),
        (
            "scheme = 'binary_relax_3'\nquantizers = ['twn', 'min_max:4']",
            "expected 3 to 8 quantizers",
        ),
        ("quantizers = ['bwn', 'twn']", "`dqa.penalty` is [1.0, 4.0, 16.0], expected 2 values"),
        ("temperature = [100.0, 0.0]", "`dqa.temperature.1` is 0, expected 0.000001 to 1000000"),
        ("temperature = [nan, 1.0]", "`dqa.temperature.0` is NaN"),
        ("lambda = -1.0", "`dqa.lambda` is -1, expected 0 to 1000000"),
        ("penalty = [1.0, inf, 3.0]", "`dqa.penalty.1` is inf"),
        ("clip_decay = -1.0", "`dqa.clip_decay` is -1, expected 0 to 1"),
        ("relax_end = 0.5", "`dqa.relax_end` is 0.5, expected 1 to 1000000000"),
        ("bn_reestimate = 99999999", "`dqa.bn_reestimate` is 99999999"),
        ("keep = ['a[']", "`dqa.keep.0` is a[, expected a glob"),
        (
            "activations = ['sawb:2']",
            "`dqa.activations.0` is sawb:2, expected `min_max:BITS`, `pact:BITS`, `lsq:BITS` or `float`",
        ),
        ("activations = ['pact:9']", "`dqa.activations.0` is pact:9, expected 1 to 8 bits"),
        (
            "activations = ['pact:4', 'min_max:2']",
            "`dqa.activations.1` is min_max:2, expected another one of as many bits as pact:4 or more",
        ),
        ("activations = ['pact:4', 'pact:4']", "`dqa.activations.1` is pact:4"),
        (
            "activations = ['float']",
            "expected a quantizer of 8 bits or less ([] leaves activations as they are)",
        ),
        (
            "activations = ['lsq:1', 'lsq:2', 'lsq:3', 'lsq:4', 'lsq:5']",
            "expected 1 to 4 quantizers",
        ),
        (
            "scheme = 'binary_relax_3'\nactivations = ['pact:2']",
            "`dqa.activations` is [\"pact:2\"], expected 3 to 4 quantizers",
        ),
        (
            "activations = ['lsq:1', 'lsq:2', 'lsq:3', 'lsq:4']",
            "`dqa.penalty` is [1.0, 4.0, 16.0], expected 4 values, one for each of dqa.activations",
        ),
    ] {
        assert!(
            refused(text).starts_with(words) || refused(text).ends_with(words),
            "{text}: {}",
            refused(text)
        );
    }
    for possible in [
        "scheme = 'full_precision'\nquantizers = []",
        "quantizers = ['bwn', 'twn', 'float']",
        "quantizers = ['bwn', 'twn', 'min_max:8']",
        "quantizers = ['twn', 'min_max:4', 'min_max:8']",
        "quantizers = ['bwn', 'twn']\npenalty = [1.0, 2.0]",
        "quantizers = ['bwn', 'twn']\nregulariser = 'off'",
        "scheme = 'vanilla'\nquantizers = ['lsq:2']",
        "temperature = [1.0, 1.0]",
        "activations = ['min_max:8']",
        "activations = ['pact:2', 'pact:4', 'float']",
        "activations = ['min_max:2', 'min_max:8']\nimage = true",
        "scheme = 'full_precision'\nactivations = ['pact:2']",
    ] {
        assert_eq!(refused(possible), "", "{possible}");
    }
}

#[test]
fn patterns_keep_layers_as_they_are_and_match_something() {
    let network = plain_network();
    let layers = |text: &str| {
        let found = quantized_layers(network.graph(), &settings(text).unwrap());
        found.map(|layers| layers.into_iter().map(|layer| layer.name).collect::<Vec<_>>())
    };
    assert_eq!(layers("").unwrap(), ["first", "second", "fc"]);
    assert_eq!(layers("keep = ['f*']").unwrap(), ["second"]);
    let error = layers("keep = ['fc', 'third*']").unwrap_err().to_string();
    assert_eq!(
        error,
        "`dqa.keep.1` is third*, expected a glob that matches one of the 3 layers, `first` to `fc`"
    );
    let error = layers("keep = ['*']").unwrap_err().to_string();
    assert!(error.starts_with("`dqa.keep` is [\"*\"], which match all 3 layers"), "{error}");
    assert!(layers("scheme = 'full_precision'").unwrap().is_empty());

    let recipe = recipe(&["dqa.keep=['stem.*']"]).unwrap();
    let error = Setup::with(&recipe, crate::METHODS, &Machine::cpu(1)).err().unwrap().to_string();
    assert!(error.starts_with("`dqa.keep.0` is stem.*"), "{error}");
}

#[test]
fn schemes_are_written_as_in_the_documentation() {
    for (text, scheme) in [
        ("full_precision", Scheme::FullPrecision),
        ("vanilla", Scheme::Vanilla),
        ("binary_relax_2", Scheme::BinaryRelax2),
        ("binary_relax_3", Scheme::BinaryRelax3),
        ("dqa", Scheme::Dqa),
    ] {
        assert_eq!(settings(&format!("scheme = '{text}'")).unwrap().scheme, scheme);
    }
}

#[test]
fn schemes_use_as_many_quantizers_of_activations_as_of_weights() {
    for (scheme, used) in [
        ("full_precision", &[][..]),
        ("vanilla", &["pact:2"]),
        ("binary_relax_2", &["pact:2", "float"]),
        ("binary_relax_3", &["pact:2", "lsq:4", "min_max:4"]),
        ("dqa", &["pact:2", "lsq:4", "min_max:4", "float"]),
    ] {
        let text = format!(
            "scheme = '{scheme}'\npenalty = [1.0, 2.0, 3.0, 4.0]\n\
             activations = ['pact:2', 'lsq:4', 'min_max:4', 'float']"
        );
        let found = settings(&text).unwrap().activations;
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, used, "{scheme}");
        assert!(settings(&format!("scheme = '{scheme}'")).unwrap().activations.is_empty());
    }
}
