//! Protobuf messages to domain values and back; the only place that knows both.

use prost::Message as _;

use crate::identity::{Principal, UniqueId, UniqueIdKind, is_name};
use crate::timestamp::Timestamp;

use super::claims::{Claims, Federation, Origin, SessionId, SessionTag};
use super::scan;

/// Messages by prost-build and the tables of [`scan`], both made from `proto/brevet/token/v1` by `tests/generated.rs`.
#[expect(unreachable_pub, reason = "prost-build writes `pub` without knowing where its code will stand")]
pub(super) mod generated {
    include!("generated/brevet.token.v1.rs");

    pub(in crate::token) mod schema {
        use crate::token::scan::{Count, Field, Message, Wire};

        include!("generated/schema.rs");
    }
}

use generated as proto;
use generated::claims::Principal as ProtoPrincipal;

/// The bytes of a body.
pub(super) fn encode_claims(claims: &Claims) -> Vec<u8> {
    proto::Claims {
        principal: Some(write_principal(&claims.principal)),
        origin: write_origin(claims.origin).into(),
        generation: claims.generation,
        source_identity: claims.source_identity.clone(),
        tags: claims.tags.iter().map(write_tag).collect(),
        session_policy: claims.session_policy.clone(),
        session_policy_arns: claims.session_policy_arns.clone(),
        federation: claims.federation.as_ref().map(write_federation),
        mfa_at: claims.mfa_at.map(write_time),
        ancestors: claims.ancestors.iter().map(|id| id.0.to_vec()).collect(),
        root_expires_at: claims.root_expires_at.map(write_time),
        ends_with_root: claims.ends_with_root,
        source_access_key: claims.source_access_key.map(|id| id.to_string()),
        source_user: claims.source_user.map(|id| id.to_string()),
        directory_revision: claims.directory_revision,
        audience: claims.audience.clone(),
        region: claims.region.clone(),
    }
    .encode_to_vec()
}

/// The claims in a body; `None` if it is not a strict message or a name in it is not valid.
pub(super) fn decode_claims(body: &[u8]) -> Option<Claims> {
    scan::check(body, &proto::schema::CLAIMS).ok()?;
    let claims = proto::Claims::decode(body).ok()?;
    if claims.ancestors.len() > Claims::MAX_ANCESTORS {
        return None;
    }
    Some(Claims {
        origin: read_origin(claims.origin())?,
        principal: read_principal(claims.principal?)?,
        generation: claims.generation,
        source_identity: claims.source_identity,
        tags: claims.tags.into_iter().map(read_tag).collect(),
        session_policy: claims.session_policy,
        session_policy_arns: claims.session_policy_arns,
        federation: claims.federation.map(read_federation),
        mfa_at: read_optional(claims.mfa_at, read_time)?,
        ancestors: claims.ancestors.into_iter().map(|id| id.try_into().ok().map(SessionId)).collect::<Option<_>>()?,
        root_expires_at: read_optional(claims.root_expires_at, read_time)?,
        ends_with_root: claims.ends_with_root,
        source_access_key: read_optional(claims.source_access_key, |id| id.parse().ok())?,
        source_user: read_optional(claims.source_user, |id| read_id(&id, UniqueIdKind::User))?,
        directory_revision: claims.directory_revision,
        audience: claims.audience,
        region: claims.region,
    })
}

/// Seconds since 1970, if a [`Timestamp`] can hold them.
pub(super) fn read_time(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_unix(i64::try_from(seconds).ok()?)
}

/// Seconds since 1970; a [`Timestamp`] is never negative.
pub(super) fn write_time(time: Timestamp) -> u64 {
    time.unix().unsigned_abs()
}

/// `Some(None)` if the value is absent, `None` if it is there and not valid.
fn read_optional<T, U>(value: Option<T>, read: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

fn write_principal(principal: &Principal) -> ProtoPrincipal {
    match principal {
        Principal::Root { account } => ProtoPrincipal::Root(proto::Root { account: account.to_string() }),
        Principal::User { account, path, name, id } => ProtoPrincipal::User(proto::User {
            account: account.to_string(),
            path: path.clone(),
            name: name.clone(),
            id: id.to_string(),
        }),
        Principal::RoleSession { account, role_path, role_name, role_id, session_name } => {
            ProtoPrincipal::RoleSession(proto::RoleSession {
                account: account.to_string(),
                role_path: role_path.clone(),
                role_name: role_name.clone(),
                role_id: role_id.to_string(),
                session_name: session_name.to_string(),
            })
        }
        Principal::FederatedUser { account, name, user } => ProtoPrincipal::FederatedUser(proto::FederatedUser {
            account: account.to_string(),
            name: name.to_string(),
            user: user.map(|id| id.to_string()),
        }),
    }
}

fn read_principal(principal: ProtoPrincipal) -> Option<Principal> {
    Some(match principal {
        ProtoPrincipal::Root(root) => Principal::Root { account: root.account.parse().ok()? },
        ProtoPrincipal::User(user) => Principal::User {
            account: user.account.parse().ok()?,
            path: read_path(user.path)?,
            name: read_name(user.name)?,
            id: read_id(&user.id, UniqueIdKind::User)?,
        },
        ProtoPrincipal::RoleSession(session) => Principal::RoleSession {
            account: session.account.parse().ok()?,
            role_path: read_path(session.role_path)?,
            role_name: read_name(session.role_name)?,
            role_id: read_id(&session.role_id, UniqueIdKind::Role)?,
            session_name: session.session_name.parse().ok()?,
        },
        ProtoPrincipal::FederatedUser(federated) => Principal::FederatedUser {
            account: federated.account.parse().ok()?,
            name: federated.name.parse().ok()?,
            user: read_optional(federated.user, |id| read_id(&id, UniqueIdKind::User))?,
        },
    })
}

fn read_path(path: String) -> Option<String> {
    (path.starts_with('/') && path.ends_with('/')).then_some(path)
}

fn read_name(name: String) -> Option<String> {
    (!name.is_empty() && is_name(&name)).then_some(name)
}

/// A unique id, if it is of this kind.
pub(super) fn read_id(text: &str, kind: UniqueIdKind) -> Option<UniqueId> {
    text.parse().ok().filter(|id: &UniqueId| id.kind() == kind)
}

fn write_origin(origin: Origin) -> proto::Origin {
    match origin {
        Origin::AssumeRole => proto::Origin::AssumeRole,
        Origin::SessionToken => proto::Origin::SessionToken,
        Origin::FederationToken => proto::Origin::FederationToken,
    }
}

/// prost reads a number that it does not know as the default, which is no origin either.
fn read_origin(origin: proto::Origin) -> Option<Origin> {
    match origin {
        proto::Origin::Unspecified => None,
        proto::Origin::AssumeRole => Some(Origin::AssumeRole),
        proto::Origin::SessionToken => Some(Origin::SessionToken),
        proto::Origin::FederationToken => Some(Origin::FederationToken),
    }
}

fn write_tag(tag: &SessionTag) -> proto::Tag {
    proto::Tag { key: tag.key.clone(), value: tag.value.clone(), transitive: tag.transitive }
}

fn read_tag(tag: proto::Tag) -> SessionTag {
    SessionTag { key: tag.key, value: tag.value, transitive: tag.transitive }
}

fn write_federation(federation: &Federation) -> proto::Federation {
    proto::Federation {
        issuer: federation.issuer.clone(),
        subject: federation.subject.clone(),
        provider_id: federation.provider_id.clone(),
    }
}

fn read_federation(federation: proto::Federation) -> Federation {
    Federation { issuer: federation.issuer, subject: federation.subject, provider_id: federation.provider_id }
}
