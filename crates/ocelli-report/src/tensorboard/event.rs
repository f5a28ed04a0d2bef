//! The few fields of TensorFlow's `Event` message that scalars need, in protocol-buffer wire form.
//!
//! ```text
//! Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }
//! Summary { repeated Value value = 1 }    Value { string tag = 1; float simple_value = 2 }
//! ```

/// One number at one step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The curve, such as `train/loss`; TensorBoard groups by what stands before the slash.
    pub tag: String,
    /// The optimiser step.
    pub step: u64,
    /// Seconds since 1970.
    pub wall_time: f64,
    /// The value; not-a-number is allowed and drawn as a gap.
    pub value: f32,
}

/// What a record of an event file holds, as far as this crate cares.
pub(super) enum Event {
    /// A scalar.
    Scalar(Scalar),
    /// The version line, or a kind of event that others write.
    Other,
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// The first record of every event file.
pub(super) fn encode_version(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, wall_time);
    put_bytes(&mut event, 3, b"brain.Event:2");
    event
}

pub(super) fn encode_scalar(scalar: &Scalar) -> Vec<u8> {
    let mut value = Vec::new();
    put_bytes(&mut value, 1, scalar.tag.as_bytes());
    put_varint(&mut value, (2 << 3) | FIXED32);
    value.extend(scalar.value.to_le_bytes());
    let mut summary = Vec::new();
    put_bytes(&mut summary, 1, &value);

    let mut event = Vec::new();
    put_double(&mut event, 1, scalar.wall_time);
    put_varint(&mut event, (2 << 3) | VARINT);
    put_varint(&mut event, scalar.step);
    put_bytes(&mut event, 5, &summary);
    event
}

/// Decodes an event; `None` when the bytes are no protocol-buffer message.
pub(super) fn decode(bytes: &[u8]) -> Option<Event> {
    let (mut wall_time, mut step, mut scalar) = (0.0, 0, None);
    for (number, value) in fields(bytes)? {
        match (number, value) {
            (1, Value::Fixed64(bits)) => wall_time = f64::from_bits(bits),
            (2, Value::Varint(number)) => step = number,
            (5, Value::Bytes(summary)) => scalar = first_value(&fields(summary)?),
            _ => {}
        }
    }
    Some(match scalar {
        Some((tag, value)) => Event::Scalar(Scalar { tag, step, wall_time, value }),
        None => Event::Other,
    })
}

/// The first scalar of a summary: this crate writes one an event.
fn first_value(summary: &[(u64, Value)]) -> Option<(String, f32)> {
    let (1, Value::Bytes(value)) = summary.first()? else { return None };
    let (mut tag, mut scalar) = (String::new(), None);
    for (number, value) in fields(value)? {
        match (number, value) {
            (1, Value::Bytes(name)) => tag = String::from_utf8_lossy(name).into_owned(),
            (2, Value::Fixed32(bits)) => scalar = Some(f32::from_bits(bits)),
            _ => {}
        }
    }
    scalar.map(|value| (tag, value))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_double(out: &mut Vec<u8>, field: u64, value: f64) {
    put_varint(out, (field << 3) | FIXED64);
    out.extend(value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, (field << 3) | BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The numbered fields of a message; `None` when the bytes are no message.
fn fields(bytes: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut rest = Bytes(bytes);
    let mut fields = Vec::new();
    while !rest.0.is_empty() {
        let key = rest.varint()?;
        let value = match key & 7 {
            VARINT => Value::Varint(rest.varint()?),
            FIXED64 => Value::Fixed64(u64::from_le_bytes(rest.take(8)?.try_into().ok()?)),
            FIXED32 => Value::Fixed32(u32::from_le_bytes(rest.take(4)?.try_into().ok()?)),
            BYTES => {
                let length = rest.varint()?;
                Value::Bytes(rest.take(usize::try_from(length).ok()?)?)
            }
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ocelli_testkit::cases(256))]
        #[test]
        fn any_scalar_survives_the_wire(tag in ".{0,40}", step: u64, value: f32, wall_time: f64) {
            prop_assume!(!value.is_nan() && !wall_time.is_nan());
            let scalar = Scalar { tag, step, wall_time, value };
            let decoded = decode(&encode_scalar(&scalar));
            prop_assert!(matches!(decoded, Some(Event::Scalar(same)) if same == scalar));
        }

        #[test]
        fn no_bytes_crash_the_decoder(bytes: Vec<u8>) {
            decode(&bytes);
        }
    }
}
