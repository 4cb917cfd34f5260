//! What may come in: the methods on the wire, whether they need a signature, and which fields their messages have.
//!
//! A message is read here before anything decodes it. What passes is sure to decode, has no field that its type does
//! not know, and gives no single field twice, so that nobody can sign one thing and mean another.

use std::collections::{HashMap, HashSet};

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::service::error::Error;

/// The methods that anyone may call. Every other one needs a signature.
pub const UNSIGNED: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The methods of Brevet's own whose messages prove who calls, in the place of a signature. One that is there must be good.
pub const PROVEN_BY_MESSAGE: [&str; 1] = ["/brevet.sts.v1.SecurityTokenService/AssumeRoleWithWebIdentity"];

/// Deepest nesting of a message.
const MAX_DEPTH: usize = 16;

/// The methods and messages of a set of protos.
#[derive(Debug)]
pub struct Schema {
    methods: HashMap<String, Method>,
    messages: HashMap<String, HashMap<u32, Field>>,
}

/// A method on the wire.
#[derive(Debug)]
pub struct Method {
    /// Without its service.
    pub name: String,
    /// Whether it is one of Brevet's own, which are recorded.
    pub own: bool,
    /// Whether a call must be signed.
    pub signed: bool,
    /// Whether the caller sends a stream, instead of one message.
    pub client_stream: bool,
    input: String,
}

#[derive(Debug)]
struct Field {
    repeated: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Varint,
    Fixed(usize),
    Bytes,
    Text,
    Message(String),
}

impl Schema {
    /// Reads descriptors. Types that the wire no longer uses (groups) are left out, and so refused.
    pub fn new(sets: &[FileDescriptorSet]) -> Self {
        let mut schema = Self { methods: HashMap::new(), messages: HashMap::new() };
        for file in sets.iter().flat_map(|set| &set.file) {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    let method = Method {
                        name: method.name().to_owned(),
                        own: !UNSIGNED.contains(&path.as_str()),
                        signed: ![&UNSIGNED[..], &PROVEN_BY_MESSAGE].concat().contains(&path.as_str()),
                        client_stream: method.client_streaming(),
                        input: method.input_type().to_owned(),
                    };
                    schema.methods.insert(path, method);
                }
            }
            for message in &file.message_type {
                schema.add(&format!(".{}", file.package()), message);
            }
        }
        schema
    }

    /// The method at a path.
    pub fn method(&self, path: &str) -> Option<&Method> {
        self.methods.get(path)
    }

    /// All paths, for tests that must see every method.
    pub fn methods(&self) -> impl Iterator<Item = (&str, &Method)> {
        self.methods.iter().map(|(path, method)| (path.as_str(), method))
    }

    /// Checks the message of a call.
    pub fn check(&self, method: &Method, message: &[u8]) -> Result<(), Error> {
        self.check_message(&method.input, message, 0)
    }

    fn add(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.add(&name, nested);
        }
        let fields = message.field.iter().filter_map(|field| {
            let repeated = field.label() == Label::Repeated;
            Some((u32::try_from(field.number()).ok()?, Field { repeated, shape: Shape::of(field)? }))
        });
        self.messages.insert(name, fields.collect());
    }

    fn check_message(&self, name: &str, mut rest: &[u8], depth: usize) -> Result<(), Error> {
        let fields = self.messages.get(name).filter(|_| depth < MAX_DEPTH).ok_or_else(malformed)?;
        let mut seen = HashSet::new();
        while rest.has_remaining() {
            let (number, wire_type) = decode_key(&mut rest).map_err(|_| malformed())?;
            let Some(field) = fields.get(&number) else {
                return Err(Error::validation(format!("{} has no field {number}.", name.trim_start_matches('.'))));
            };
            if !seen.insert(number) && !field.repeated {
                return Err(Error::validation(format!(
                    "Field {number} of {} occurs more than once.",
                    name.trim_start_matches('.')
                )));
            }
            self.check_field(field, wire_type, &mut rest, depth)?;
        }
        Ok(())
    }

    fn check_field(&self, field: &Field, wire_type: WireType, rest: &mut &[u8], depth: usize) -> Result<(), Error> {
        match (&field.shape, wire_type) {
            (Shape::Varint, WireType::Varint) => skip_varint(rest),
            (Shape::Fixed(4), WireType::ThirtyTwoBit) => take(rest, 4).map(drop),
            (Shape::Fixed(8), WireType::SixtyFourBit) => take(rest, 8).map(drop),
            (Shape::Bytes, WireType::LengthDelimited) => take_delimited(rest).map(drop),
            (Shape::Text, WireType::LengthDelimited) => {
                std::str::from_utf8(take_delimited(rest)?).map(drop).map_err(|_| malformed())
            }
            (Shape::Message(name), WireType::LengthDelimited) => {
                self.check_message(name, take_delimited(rest)?, depth + 1)
            }
            (Shape::Varint, WireType::LengthDelimited) if field.repeated => {
                let mut packed = take_delimited(rest)?;
                while packed.has_remaining() {
                    skip_varint(&mut packed)?;
                }
                Ok(())
            }
            (Shape::Fixed(size), WireType::LengthDelimited) if field.repeated => {
                if take_delimited(rest)?.len() % size == 0 { Ok(()) } else { Err(malformed()) }
            }
            _ => Err(malformed()),
        }
    }
}

impl Shape {
    fn of(field: &FieldDescriptorProto) -> Option<Self> {
        match field.r#type() {
            Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Sint32 | Type::Sint64 => Some(Self::Varint),
            Type::Bool | Type::Enum => Some(Self::Varint),
            Type::Fixed32 | Type::Sfixed32 | Type::Float => Some(Self::Fixed(4)),
            Type::Fixed64 | Type::Sfixed64 | Type::Double => Some(Self::Fixed(8)),
            Type::Bytes => Some(Self::Bytes),
            Type::String => Some(Self::Text),
            Type::Message => Some(Self::Message(field.type_name().to_owned())),
            Type::Group => None,
        }
    }
}

fn skip_varint(rest: &mut &[u8]) -> Result<(), Error> {
    decode_varint(rest).map(drop).map_err(|_| malformed())
}

fn take_delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let length = decode_varint(rest).map_err(|_| malformed())?;
    take(rest, usize::try_from(length).map_err(|_| malformed())?)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Error> {
    let (taken, left) = rest.split_at_checked(length).ok_or_else(malformed)?;
    *rest = left;
    Ok(taken)
}

fn malformed() -> Error {
    Error::validation("The request is not a message of this method.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::super::proto::{descriptors, sts};
    use super::*;

    const ASSUME_ROLE: &str = "/brevet.sts.v1.SecurityTokenService/AssumeRole";

    fn schema() -> Schema {
        Schema::new(&descriptors().unwrap())
    }

    fn check(message: &[u8]) -> Result<(), Error> {
        let schema = schema();
        schema.check(schema.method(ASSUME_ROLE).unwrap(), message)
    }

    fn full() -> Vec<u8> {
        sts::AssumeRoleRequest {
            role_arn: "arn".into(),
            duration: Some(prost_types::Duration { seconds: 900, nanos: 0 }),
            policy_arns: vec!["a".into(), "b".into()],
            tags: vec![sts::Tag { key: "é".into(), value: String::new() }; 2],
            ..Default::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn known_fields_pass() {
        check(&full()).unwrap();
        check(b"").unwrap();
    }

    #[test]
    fn unknown_fields_are_refused_at_every_depth() {
        let error = check(&[full(), vec![12 << 3 | 2, 0]].concat()).unwrap_err();
        assert_eq!(error.message(), "brevet.sts.v1.AssumeRoleRequest has no field 12.");
        // Field 6 (tags) with a field 3 in it.
        let error = check(&[6 << 3 | 2, 2, 3 << 3, 1]).unwrap_err();
        assert_eq!(error.message(), "brevet.sts.v1.Tag has no field 3.");
    }

    #[test]
    fn a4_a_single_field_that_occurs_twice_is_refused() {
        let error = check(&[1 << 3 | 2, 1, b'a', 1 << 3 | 2, 1, b'b']).unwrap_err();
        assert_eq!(error.message(), "Field 1 of brevet.sts.v1.AssumeRoleRequest occurs more than once.");
    }

    #[test]
    fn e8_what_is_no_message_is_refused() {
        for bad in [
            &[0xff][..],
            &[1 << 3 | 2, 5, b'a'],
            &[1 << 3 | 2, 1, 0xff],
            &[1 << 3, 1],
            &[1 << 3 | 3],
            &[1 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0, 0],
        ] {
            assert_eq!(check(bad).unwrap_err().message(), malformed().message(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn e8_what_passes_is_sure_to_decode(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
            let full = full();
            let mutated = [&full[..cut.index(full.len())], &bytes].concat();
            for message in [&bytes, &mutated] {
                if check(message).is_ok() {
                    prop_assert!(sts::AssumeRoleRequest::decode(message.as_slice()).is_ok());
                }
            }
        }
    }
}
