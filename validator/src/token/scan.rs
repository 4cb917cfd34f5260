//! Looks at protobuf bytes before prost does.
//!
//! Prost takes the last of two values of one field and skips fields that it does not know; a document that decides
//! about access must not have two readings.

/// Unknown fields from this number on carry nothing that a reader must understand.
const IGNORED_FROM: u64 = 1000;
/// The highest field number of protobuf.
const MAX_NUMBER: u64 = (1 << 29) - 1;

/// The fields that a message may have.
pub(super) struct Message(pub(super) &'static [Field]);

pub(super) struct Field {
    pub(super) number: u64,
    pub(super) wire: Wire,
    pub(super) count: Count,
}

#[derive(Clone, Copy)]
pub(super) enum Wire {
    Varint,
    Fixed32,
    Bytes,
    Message(&'static Message),
}

#[derive(Clone, Copy)]
pub(super) enum Count {
    Any,
    /// At most once, counted together with the fields that share this slot (the members of a `oneof`).
    Once(u32),
}

/// The bytes are not a message of this schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

/// Refuses unknown fields below 1000, repeated singular fields, wrong wire types, groups, and lengths that do not add
/// up. As no message contains itself, the depth is that of the schema.
pub(super) fn check(mut bytes: &[u8], message: &Message) -> Result<(), Malformed> {
    let mut seen = 0u64;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = key >> 3;
        let value = Value::read(key & 7, &mut bytes)?;
        if !(1..=MAX_NUMBER).contains(&number) {
            return Err(Malformed);
        }
        if number >= IGNORED_FROM {
            continue;
        }
        let field = message.0.iter().find(|field| field.number == number).ok_or(Malformed)?;
        if let Count::Once(slot) = field.count {
            let bit = 1u64.checked_shl(slot).ok_or(Malformed)?;
            if seen & bit != 0 {
                return Err(Malformed);
            }
            seen |= bit;
        }
        match (field.wire, value) {
            (Wire::Varint, Value::Varint) | (Wire::Fixed32, Value::Fixed32) | (Wire::Bytes, Value::Bytes(_)) => {}
            (Wire::Message(inner), Value::Bytes(bytes)) => check(bytes, inner)?,
            _ => return Err(Malformed),
        }
    }
    Ok(())
}

enum Value<'a> {
    Varint,
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32,
}

impl<'a> Value<'a> {
    fn read(wire_type: u64, bytes: &mut &'a [u8]) -> Result<Self, Malformed> {
        match wire_type {
            0 => varint(bytes).map(|_| Self::Varint),
            1 => take(bytes, 8).map(|_| Self::Fixed64),
            2 => {
                let length = varint(bytes)?;
                take(bytes, length).map(Self::Bytes)
            }
            5 => take(bytes, 4).map(|_| Self::Fixed32),
            _ => Err(Malformed),
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
    *bytes = rest;
    Ok(taken)
}

/// At most ten bytes, of which the last can only be 0 or 1.
fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        if shift == 63 && byte > 1 {
            return Err(Malformed);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    static INNER: Message = Message(&[Field { number: 1, wire: Wire::Varint, count: Count::Once(1) }]);
    static OUTER: Message = Message(&[
        Field { number: 1, wire: Wire::Bytes, count: Count::Once(1) },
        Field { number: 2, wire: Wire::Message(&INNER), count: Count::Any },
        Field { number: 3, wire: Wire::Fixed32, count: Count::Once(3) },
        Field { number: 4, wire: Wire::Varint, count: Count::Once(4) },
        Field { number: 5, wire: Wire::Bytes, count: Count::Once(4) },
    ]);

    fn accepted(bytes: &[u8]) -> bool {
        check(bytes, &OUTER).is_ok()
    }

    #[test]
    fn messages_of_the_schema_pass() {
        assert!(accepted(b""));
        assert!(accepted(b"\x0a\x02ab\x12\x02\x08\x07\x12\x00\x1d\x01\x02\x03\x04\x20\x01"));
    }

    #[test]
    fn d21_unknown_fields_are_refused_below_1000_and_ignored_above() {
        assert!(!accepted(b"\x30\x01"));
        // Fields 999 and 1000, as varint, fixed64, bytes and fixed32.
        assert!(!accepted(b"\xb8\x3e\x01"));
        assert!(accepted(b"\xc0\x3e\x01\xc1\x3e12345678\xc2\x3e\x03abc\xc5\x3e1234"));
        // Ignored does not mean unread: its length must still fit.
        assert!(!accepted(b"\xc2\x3e\x03ab"));
        // Field 0, and one above the highest number.
        assert!(!accepted(b"\x00\x01"));
        assert!(!accepted(b"\x80\x80\x80\x80\x10\x01"));
    }

    #[test]
    fn d21_singular_fields_occur_once_and_members_of_a_oneof_exclude_each_other() {
        assert!(!accepted(b"\x0a\x00\x0a\x00"));
        assert!(!accepted(b"\x12\x04\x08\x07\x08\x07"));
        assert!(!accepted(b"\x20\x01\x2a\x00"));
    }

    #[test]
    fn d21_wrong_wire_types_and_groups_are_refused() {
        for bytes in [
            b"\x08\x01".as_slice(),
            b"\x0d1234",
            b"\x18\x01",
            b"\x21\x31\x32\x33\x34\x35\x36\x37\x38",
            b"\x10\x01",
            b"\x0b\x0c",
            b"\xc3\x3e\xc4\x3e",
            b"\x0e",
            b"\x0f",
        ] {
            assert!(!accepted(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn d21_lengths_and_varints_that_run_over_are_refused() {
        for bytes in [
            b"\x0a".as_slice(),
            b"\x0a\x03ab",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x1d123",
            b"\x20\x80",
            b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            b"\x12\x01\x08",
        ] {
            assert!(!accepted(bytes), "{bytes:?}");
        }
        assert!(accepted(b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    }
}
