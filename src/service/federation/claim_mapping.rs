//! Claims that an account lets name session tags and the source identity, which AWS takes from claims of its own alone.

use super::aws_claims::{self, AwsClaims, MAX_TAGS, is_source_identity};
use super::conditions::MAX_NAME;
use super::json::{Object, Value};
use crate::service::parameters::{TAG_KEY, TAG_VALUE, is_forging};

/// Which claims become what of a session. One that maps nothing is the default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClaimMapping {
    tags: Vec<MappedTag>,
    source_identity: Option<String>,
}

/// A session tag and the claim that its value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MappedTag {
    /// The tag's key.
    pub key: String,
    /// The claim's name, with those of the objects that it is nested in before it, as in conditions: `kubernetes.io/namespace`.
    pub claim: String,
    /// Whether it is handed down to sessions that are taken on from this one.
    pub transitive: bool,
}

/// A mapping that cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidMapping {
    /// More than 50.
    #[error("a session has at most 50 tags")]
    TooManyTags,
    /// Not of AWS's form.
    #[error("a tag key has 1 to 128 letters, digits, spaces and characters of _.:/=+-@")]
    TagKey,
    /// `aws:…`
    #[error("tag keys that start with aws: are reserved")]
    ReservedKey,
    /// Keys are blind to case.
    #[error("two tag keys are the same without regard to case")]
    SameKey,
    /// Handed down, but not there.
    #[error("a transitive tag is one of the mapped tags")]
    Transitive,
    /// Empty, too long, or with control characters.
    #[error("the name of a claim has 1 to 1024 bytes and no control characters")]
    Claim,
    /// They need no mapping.
    #[error("AWS's own claims cannot be mapped")]
    AwsClaim,
}

/// Why a token's claims cannot be mapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MappingFault {
    /// A number, a boolean, a list or an object. None is guessed to be a text.
    #[error("A claim of the identity token that names a session tag or the source identity is not a string.")]
    Type,
    /// Two claims have the name, by how they are nested.
    #[error("Two claims of the identity token have the name of one that names a session tag or the source identity.")]
    Ambiguous,
    /// Too long, or with characters that tags do not have.
    #[error("A claim of the identity token is not of the form that the value of a session tag must have.")]
    TagValue,
    /// Too long or short, or with characters that source identities do not have.
    #[error("A claim of the identity token is not of the form that a source identity must have.")]
    SourceIdentity,
    /// `email_verified` is there, and not `true`.
    #[error("The identity token's claim `email` is not verified by its issuer.")]
    UnverifiedEmail,
    /// AWS's claims in the token name the same.
    #[error("Two claims of the identity token name the same session tag, or the source identity.")]
    Conflict,
    /// With those of AWS's claim.
    #[error("The claims of the identity token name more than 50 session tags.")]
    TooManyTags,
}

/// A fault, and the claim that it is in.
pub(super) type Fault<'a> = (&'a str, MappingFault);

impl ClaimMapping {
    /// Maps nothing.
    pub const NONE: &'static Self = {
        static NONE: ClaimMapping = ClaimMapping { tags: Vec::new(), source_identity: None };
        &NONE
    };

    /// Checks a mapping: keys of tags with their claims, the keys that are transitive, the claim of the source identity.
    pub fn new(
        tags: impl IntoIterator<Item = (String, String)>,
        transitive: &[String],
        source_identity: Option<String>,
    ) -> Result<Self, InvalidMapping> {
        let mut mapping = Self::default();
        for (key, claim) in tags {
            check_key(&key)?;
            check_claim(&claim)?;
            if mapping.tags.iter().any(|tag| same(&tag.key, &key)) {
                return Err(InvalidMapping::SameKey);
            }
            mapping.tags.push(MappedTag { key, claim, transitive: false });
            if mapping.tags.len() > MAX_TAGS {
                return Err(InvalidMapping::TooManyTags);
            }
        }
        for key in transitive {
            let tag = mapping.tags.iter_mut().find(|tag| same(&tag.key, key)).ok_or(InvalidMapping::Transitive)?;
            tag.transitive = true;
        }
        source_identity.as_deref().map_or(Ok(()), check_claim)?;
        Ok(Self { source_identity, ..mapping })
    }

    /// The tags, in the order in which they were given.
    pub fn tags(&self) -> &[MappedTag] {
        &self.tags
    }

    /// The claim that names the source identity.
    pub fn source_identity(&self) -> Option<&str> {
        self.source_identity.as_deref()
    }

    /// Adds to AWS's claims of a token what its other claims name. A claim that is absent or `null` names nothing.
    pub(super) fn apply(&self, payload: &Object, mut own: AwsClaims) -> Result<AwsClaims, Fault<'_>> {
        let (mut tags, mut transitive_keys) = (Vec::new(), Vec::new());
        for MappedTag { key, claim, transitive } in &self.tags {
            let fault = |why| (claim.as_str(), why);
            // Whoever mapped the tag has said where it comes from; the issuer's own word for it does not count beside that.
            let own_keys = own.principal_tags.iter().map(|(key, _)| key).chain(&own.transitive_tag_keys);
            if own_keys.into_iter().any(|own| same(own, key)) {
                return Err(fault(MappingFault::Conflict));
            }
            let Some(value) = text(payload, claim).map_err(fault)? else { continue };
            TAG_VALUE.check(value, "").map_err(|_| fault(MappingFault::TagValue))?;
            tags.push((key.clone(), value.to_owned()));
            if *transitive {
                transitive_keys.push(key.clone());
            }
            if own.principal_tags.len() + tags.len() > MAX_TAGS {
                return Err(fault(MappingFault::TooManyTags));
            }
        }
        if let Some(claim) = &self.source_identity {
            let fault = |why| (claim.as_str(), why);
            if own.source_identity.is_some() {
                return Err(fault(MappingFault::Conflict));
            }
            if let Some(name) = text(payload, claim).map_err(fault)? {
                if !is_source_identity(name) {
                    return Err(fault(MappingFault::SourceIdentity));
                }
                own.source_identity = Some(name.to_owned());
            }
        }
        own.principal_tags.extend(tags);
        own.transitive_tag_keys.extend(transitive_keys);
        Ok(own)
    }
}

fn check_key(key: &str) -> Result<(), InvalidMapping> {
    TAG_KEY.check(key, "").map_err(|_| InvalidMapping::TagKey)?;
    if key.to_lowercase().starts_with("aws:") { Err(InvalidMapping::ReservedKey) } else { Ok(()) }
}

fn check_claim(name: &str) -> Result<(), InvalidMapping> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(is_forging) {
        return Err(InvalidMapping::Claim);
    }
    if aws_claims::is_one(name) { Err(InvalidMapping::AwsClaim) } else { Ok(()) }
}

/// The claim of that name, if it is a text. Nobody is known by an address that the issuer says it did not verify, or says in
/// another way than `true`; an issuer that says nothing was trusted when the claim was mapped.
fn text<'a>(payload: &'a Object, name: &str) -> Result<Option<&'a str>, MappingFault> {
    let mut found = Vec::new();
    find(payload, name, &mut found);
    let text = match found.as_slice() {
        [] | [Value::Null] => return Ok(None),
        [Value::String(text)] => text,
        [_] => return Err(MappingFault::Type),
        _ => return Err(MappingFault::Ambiguous),
    };
    let verified = || payload.get("email_verified").is_none_or(|verified| *verified == Value::Bool(true));
    if name == "email" && !verified() { Err(MappingFault::UnverifiedEmail) } else { Ok(Some(text)) }
}

/// All values that nesting gives this name. Each object is looked into at most once, since names of members do not repeat.
fn find<'a>(object: &'a Object, name: &str, found: &mut Vec<&'a Value>) {
    for (member, value) in object.iter() {
        match name.strip_prefix(member) {
            Some("") => found.push(value),
            Some(rest) => {
                if let (Some(rest), Value::Object(inner)) = (rest.strip_prefix('/'), value) {
                    find(inner, rest, found);
                }
            }
            None => {}
        }
    }
}

fn same(key: &str, other: &str) -> bool {
    key.to_lowercase() == other.to_lowercase()
}
