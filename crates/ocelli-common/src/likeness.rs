//! Names that are alike, for hints where one is not known.

/// How alike two names are, from 0 to 1. Beginnings count more than ends (Jaro–Winkler).
pub fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(one, other)
}

/// The `count` names that are most like `name`, the likest first; equally alike ones stay in their order.
pub fn most_alike<'a>(name: &str, mut known: Vec<&'a str>, count: usize) -> Vec<&'a str> {
    known.sort_by(|a, b| likeness(b, name).total_cmp(&likeness(a, name)));
    known.truncate(count);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_names_come_first_and_the_rest_is_left_out() {
        let known = vec!["conv_stem", "blocks.0", "conv_head", "classifier"];
        assert_eq!(most_alike("conv_heads", known.clone(), 2), ["conv_head", "conv_stem"]);
        assert_eq!(most_alike("x", known, 9).len(), 4);
    }
}
