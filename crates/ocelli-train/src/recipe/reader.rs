//! Reads TOML values into typed sections and keeps the path of every field, so that an error can
//! name it.
//!
//! The deserializers of the `toml` crate point at lines. A recipe also comes from `--set` and from
//! defaults, where there is no line: the field's path is what a user can act on.

mod field_error;

pub(crate) use field_error::nearest;

use crate::Result;
use field_error::{FieldError, Kind};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor, value::StringDeserializer,
};
use std::marker::PhantomData;
use toml::Value;

/// Turns a table into `T`. A key that `T` does not have is an error, whatever `T`'s attributes.
pub(super) fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T> {
    T::deserialize(Node(Value::Table(table))).map_err(FieldError::into_error)
}

/// Turns the value of the section called `name` into `T`, as [`read`] does with a whole recipe.
pub(super) fn read_section<T: DeserializeOwned>(name: &str, section: Value) -> Result<T> {
    T::deserialize(Node(section)).map_err(|error| error.at(name).into_error())
}

/// A value as a deserializer.
struct Node(Value);

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
        let path = self.at.to_string();
        self.at += 1;
        seed.deserialize(Node(value)).map(Some).map_err(|error| error.at(&path))
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
