//! Where two JSON values differ.

use serde_json::Value;

/// The path of the first difference, as in `space.kernels.1`, with what each side has there.
pub(super) fn first_difference(begun: &Value, now: &Value) -> Option<(String, String, String)> {
    let (path, begun, now) = descend(Some(begun), Some(now))?;
    let path: Vec<String> = path.into_iter().rev().collect();
    Some((path.join("."), show(begun), show(now)))
}

/// The innermost key first.
type Difference<'a> = (Vec<String>, Option<&'a Value>, Option<&'a Value>);

fn descend<'a>(begun: Option<&'a Value>, now: Option<&'a Value>) -> Option<Difference<'a>> {
    let below = |key: String, begun, now| {
        let (mut path, begun, now) = descend(begun, now)?;
        path.push(key);
        Some((path, begun, now))
    };
    match (begun, now) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let only_now = other.keys().filter(|key| !one.contains_key(*key));
            let mut keys = one.keys().chain(only_now);
            keys.find_map(|key| below(key.clone(), one.get(key), other.get(key)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            let length = one.len().max(other.len());
            (0..length).find_map(|at| below(at.to_string(), one.get(at), other.get(at)))
        }
        _ => (begun != now).then(|| (Vec::new(), begun, now)),
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "not set".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_by_its_path() {
        let begun = json!({ "seed": 1, "space": { "kernels": [3, 5] }, "lr": 0.1 });
        assert_eq!(first_difference(&begun, &begun), None);
        let show = |now: Value| {
            let (field, begun, now) = first_difference(&begun, &now).unwrap();
            format!("{field}: {begun} or {now}")
        };
        let now = json!({ "seed": 1, "space": { "kernels": [3, 7] }, "lr": 0.2 });
        assert_eq!(show(now), "space.kernels.1: 5 or 7");
        let now = json!({ "seed": 1, "space": { "kernels": [3] }, "lr": 0.1 });
        assert_eq!(show(now), "space.kernels.1: 5 or not set");
        let now = json!({ "seed": 1, "space": [], "lr": 0.1 });
        assert_eq!(show(now), "space: {\"kernels\":[3,5]} or []");
        let now = json!({ "seed": 1, "space": { "kernels": [3, 5] }, "lr": 0.1, "more": null });
        assert_eq!(show(now), "more: not set or null");
    }
}
