//! Reads TOML values into typed sections and keeps the path of every field, so that an error can
//! name it.
//!
//! The deserializers of the `toml` crate point at lines. A recipe also comes from `--set` and from
//! defaults, where there is no line: the field's path is what a user can act on.

use crate::{Error, Result};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor, value::StringDeserializer,
};
use std::fmt;
use std::marker::PhantomData;
use toml::Value;

/// Turns a table into `T`. A key that `T` does not have is an error, whatever `T`'s attributes.
pub(super) fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T> {
    T::deserialize(Node(Value::Table(table))).map_err(FieldError::into_error)
}

/// The name among `candidates` that is fewest slips of the finger away from `name`, if it is close
/// enough to have been meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let slips_allowed = 1 + name.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(slips, _)| *slips <= slips_allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// A value as a deserializer.
struct Node(Value);

/// An error that collects the path of its field on the way up, innermost key first.
#[derive(Debug)]
struct FieldError {
    path: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The last key is not known; `below` is the first key under it.
    UnknownKey {
        nearest: Option<String>,
        below: String,
    },
    Unacceptable {
        found: String,
        expected: String,
    },
    Other(String),
}

impl FieldError {
    fn new(kind: Kind) -> Self {
        Self { path: Vec::new(), kind }
    }

    fn at(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    /// Adds what a user wrote under an unknown key.
    fn below(mut self, keys: String) -> Self {
        if let Kind::UnknownKey { below, .. } = &mut self.kind {
            *below = keys;
        }
        self
    }

    /// Looks for a name like `key` among `fields`, if `key` itself is what is unknown.
    fn among(mut self, key: &str, fields: &'static [&'static str]) -> Self {
        if let (Kind::UnknownKey { nearest: hint, .. }, []) = (&mut self.kind, &*self.path) {
            *hint = nearest(key, fields.iter().copied()).map(str::to_owned);
        }
        self
    }

    fn into_error(self) -> Error {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        let field = path.join(".");
        match self.kind {
            Kind::UnknownKey { nearest, below } => {
                let parent = &path[..path.len().saturating_sub(1)];
                let suggest = |name: String| {
                    let full: Vec<&str> = parent.iter().copied().chain([name.as_str()]).collect();
                    format!("{}{below}", full.join("."))
                };
                Error::UnknownKey { key: format!("{field}{below}"), nearest: nearest.map(suggest) }
            }
            Kind::Unacceptable { found, expected } => Error::Field { field, found, expected },
            Kind::Other(message) => {
                Error::Field { field, found: "not usable".to_owned(), expected: message }
            }
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.path, self.kind)
    }
}

impl std::error::Error for FieldError {}

impl serde::de::Error for FieldError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Kind::Unacceptable { found: describe(found), expected: plain_type(expected) })
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = format!("a list of length {length}");
        Self::new(Kind::Unacceptable { found, expected: expected.to_string() })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(variant, expected.iter().copied());
        let hint = hint.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default();
        Self::new(Kind::Unacceptable {
            found: format!("\"{variant}\""),
            expected: format!("one of {}{hint}", expected.join(", ")),
        })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let nearest = nearest(field, expected.iter().copied()).map(str::to_owned);
        Self::new(Kind::UnknownKey { nearest, below: String::new() }).at(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Unacceptable { found: "missing".into(), expected: "a value".into() })
            .at(field)
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text \"{text}\""),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        other => other.to_string(),
    }
}

/// Rust's names of types in the words of a recipe.
fn plain_type(expected: String) -> String {
    match expected.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        text if text.starts_with("struct ") || text == "a map" => "a table".to_owned(),
        _ => expected,
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = FieldError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(flag) => visitor.visit_bool(flag),
            Value::Datetime(_) => {
                Err(serde::de::Error::invalid_type(Unexpected::Other("a date"), &visitor))
            }
            Value::Array(items) => visitor.visit_seq(Items { rest: items.into_iter(), at: 0 }),
            Value::Table(table) => visitor.visit_map(Entries::new(table, &[])),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.0 {
            Value::Table(table) => visitor.visit_map(Entries::new(table, fields)),
            value => Node(value).deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            Value::Table(table) if table.len() > 1 => {
                let keys: Vec<&str> = table.keys().map(String::as_str).collect();
                Err(FieldError::new(Kind::Unacceptable {
                    found: keys.join(" and "),
                    expected: format!("only one of {}", variants.join(", ")),
                }))
            }
            Value::Table(table) if table.len() == 1 => match table.into_iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content }),
                None => Err(FieldError::new(Kind::Other("a variant".to_owned()))),
            },
            value => Node(value).deserialize_any(visitor),
        }
    }

    /// Called for the value of a key that the target type does not have.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, FieldError> {
        Err(FieldError::new(Kind::UnknownKey { nearest: None, below: first_key_below(&self.0) }))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier
    }
}

/// `.a.b` for the table `{ a = { b = … } }`: what a user typed after an unknown section.
fn first_key_below(value: &Value) -> String {
    match value {
        Value::Table(table) => table
            .iter()
            .next()
            .map(|(key, value)| format!(".{key}{}", first_key_below(value)))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

struct Items {
    rest: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = FieldError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FieldError> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        let place = self.at.to_string();
        self.at += 1;
        seed.deserialize(Node(value)).map(Some).map_err(|error| error.at(&place))
    }
}

struct Entries {
    rest: toml::map::IntoIter<String, Value>,
    /// The entry whose key has been read and whose value has not.
    pending: Option<(String, Value)>,
    /// The keys that the target type has, where it is known.
    fields: &'static [&'static str],
}

impl Entries {
    fn new(table: toml::Table, fields: &'static [&'static str]) -> Self {
        Self { rest: table.into_iter(), pending: None, fields }
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = FieldError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, FieldError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        let below = first_key_below(&value);
        self.pending = Some((key.clone(), value));
        let key: StringDeserializer<FieldError> = key.into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.below(below))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, FieldError> {
        let Some((key, value)) = self.pending.take() else {
            return Err(FieldError::new(Kind::Other("a key before its value".to_owned())));
        };
        let fields = self.fields;
        seed.deserialize(Node(value)).map_err(|error| error.among(&key, fields).at(&key))
    }
}

/// A table with one entry, as a variant of an enum with its content.
struct Variant {
    name: String,
    content: Value,
}

/// The content of a variant whose name has been read.
struct Content(Variant);

impl<'de> EnumAccess<'de> for Variant {
    type Error = FieldError;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content), FieldError> {
        let name: StringDeserializer<FieldError> = self.name.clone().into_deserializer();
        Ok((seed.deserialize(name)?, Content(self)))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = FieldError;

    fn unit_variant(self) -> Result<(), FieldError> {
        self.newtype_variant_seed(PhantomData)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, FieldError> {
        let Variant { name, content } = self.0;
        seed.deserialize(Node(content)).map_err(|error| error.at(&name))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let Variant { name, content } = self.0;
        Node(content).deserialize_seq(visitor).map_err(|error| error.at(&name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let Variant { name, content } = self.0;
        Node(content).deserialize_struct("", fields, visitor).map_err(|error| error.at(&name))
    }
}
