//! What the trainings of a grid are called.

use toml::Value;

/// A longer name is cut, and told apart by its hash.
const LONGEST: usize = 120;

/// The fields by the shortest name that tells them apart: their last part, or all of it.
pub fn labels<'a>(keys: &[&'a str]) -> Vec<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let is_alone = |key: &'a str| keys.iter().filter(|other| last(other) == last(key)).count() == 1;
    keys.iter().map(|key| if is_alone(key) { last(key) } else { *key }).collect()
}

/// The name of a combination of settings, fit for a folder; other settings have another name.
pub(super) fn folder_name(settings: &[(String, Value)], keys: &[&str]) -> String {
    if settings.is_empty() {
        return "run".to_owned();
    }
    let labels = labels(keys);
    let label = |key: &str| {
        let index = keys.iter().position(|known| *known == key);
        index.map_or_else(|| key.to_owned(), |index| labels[index].to_owned())
    };
    let word = |(key, value): &(String, Value)| format!("{}={}", label(key), text(value));
    let whole = settings.iter().map(word).collect::<Vec<_>>().join(",");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=,._-".contains(c);
    let plain: String = whole.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    if plain == whole && plain.len() <= LONGEST {
        return plain;
    }
    let hash = blake3::hash(whole.as_bytes()).to_hex();
    format!("{}-{}", &plain[..plain.len().min(LONGEST)], &hash[..8])
}

/// A value without the quotes of text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
