//! Settings of operations.

use crate::proto::AttributeProto;

/// A whole number.
pub(super) fn int(name: &str, value: usize) -> AttributeProto {
    let name = name.to_owned();
    AttributeProto {
        name,
        i: Some(value as i64),
        kind: AttributeProto::INT,
        ..AttributeProto::default()
    }
}

/// Whole numbers.
pub(super) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let (name, ints) = (name.to_owned(), values.iter().map(|value| *value as i64).collect());
    AttributeProto { name, ints, kind: AttributeProto::INTS, ..AttributeProto::default() }
}

/// A number.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    let name = name.to_owned();
    AttributeProto {
        name,
        f: Some(value as f32),
        kind: AttributeProto::FLOAT,
        ..AttributeProto::default()
    }
}
