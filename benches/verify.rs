//! Checking a request at a resource service, beside the arithmetic that it cannot avoid.
//!
//! `cargo bench --bench verify`

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, Lifetime, SecretKey};
use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
use brevet_validator::secret::Secret;
use brevet_validator::signature::{PathStyle, Request, Rules, SigningKey, sign};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{
    Claims, KeyRing, KeyState, Minter, Origin, Revocation, RevocationSet, Subject, VerifyingKey, Zone,
};
use brevet_validator::validator::{CurrentRevocations, Validator};
use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

const BODY: &[u8] = &[b'x'; 1024];
const TRUST_DOMAIN: [u8; 16] = [7; 16];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::parse_iso("2026-11-23T12:00:00Z").expect("a date")
}

/// A session, a request signed with it, and the ring that opens its token.
struct Stage {
    ring: KeyRing,
    credentials: Credentials,
    headers: HeaderMap,
}

impl Stage {
    fn new() -> Self {
        let minter =
            Minter::new(TRUST_DOMAIN, 1, &Secret::new([1; 32]), 1, &Secret::new([2; 32]), Secret::new([3; 32]))
                .expect("keys");
        let key = VerifyingKey {
            id: 1,
            public: minter.public_key(),
            not_before: Timestamp::EPOCH,
            not_after: Timestamp::MAX,
            max_lifetime: 129_600,
            state: KeyState::Active,
        };
        let ring = KeyRing::new(TRUST_DOMAIN, vec![key], vec![minter.zone_key(&Zone::Default)]).expect("a ring");
        let credentials = mint(&minter);
        let headers = signed(&credentials);
        Self { ring, credentials, headers }
    }

    fn validator(&self) -> Validator {
        let rules = Rules {
            path_style: PathStyle::S3,
            services: vec!["s3".into()],
            regions: None,
            presigned_max: 604_800,
            unsigned_payload: false,
        };
        Validator::new(rules, self.ring.clone(), 1000)
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: "PUT",
            path: "/bucket/some/object",
            query: "",
            authority: None,
            scheme: "https",
            headers: &self.headers,
        }
    }

    fn token(&self) -> &str {
        self.credentials.security_token.as_ref().expect("a token").expose()
    }
}

fn mint(minter: &Minter) -> Credentials {
    let claims = Claims {
        principal: Principal::RoleSession {
            account: "123456789012".parse().expect("an account"),
            role_path: "/".into(),
            role_name: "reader".into(),
            role_id: UniqueId::from_random(UniqueIdKind::Role, [5; 17]),
            session_name: "bench".parse().expect("a name"),
        },
        generation: 0,
        source_identity: Some("ada@example.com".into()),
        tags: Vec::new(),
        session_policy: None,
        session_policy_arns: Vec::new(),
        federation: None,
        mfa_at: None,
        ancestors: Vec::new(),
        root_expires_at: None,
        ends_with_root: false,
        source_access_key: None,
        source_user: None,
        directory_revision: 1,
        audience: Vec::new(),
        region: "us-east-1".into(),
        origin: Origin::AssumeRole,
    };
    let lifetime = Lifetime { issued_at: now(), expires_at: now() + 3600 };
    let secret = SecretKey::from_random(&[77; 64]).expect("a secret");
    let minted = minter.mint(&claims, lifetime, &[Zone::Default], secret, [9; 32], 0).expect("a token");
    Credentials {
        access_key_id: minted.access_key_id,
        secret_access_key: minted.secret_access_key,
        security_token: Some(minted.security_token),
        expiration: Some(lifetime.expires_at),
    }
}

fn signed(credentials: &Credentials) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("storage.example.com"));
    let request = Request {
        method: "PUT",
        path: "/bucket/some/object",
        query: "",
        authority: None,
        scheme: "https",
        headers: &headers,
    };
    let hash = Sha256::digest(BODY).into();
    let added = sign(request, hash, credentials, "us-east-1", "s3", PathStyle::S3, now()).expect("a signature");
    headers.extend(added.into_iter().map(|(name, value)| (Some(name), value)));
    headers
}

/// The whole check of a request whose session was seen before.
#[divan::bench]
fn verify_session_known(bencher: Bencher<'_, '_>) {
    let stage = Stage::new();
    let validator = stage.validator();
    let now = now();
    validator.verify(stage.request(), BODY, now).expect("a good request");
    bencher.bench(|| validator.verify(black_box(stage.request()), black_box(BODY), now).expect("a good request"));
}

/// The same beside so many revoked sessions, of which this is none.
#[divan::bench(args = [0, 1_000_000])]
fn verify_session_known_beside_revoked(bencher: Bencher<'_, '_>, revoked: u64) {
    let stage = Stage::new();
    let mut set = RevocationSet::default();
    for n in 0..revoked {
        let hash = Sha256::digest(n.to_be_bytes());
        let access_key_id = AccessKeyId::from_bytes(KeyKind::Temporary, *hash.first_chunk().expect("ten bytes"));
        let subject = Subject::Session { account: "123456789012".parse().expect("an account"), access_key_id };
        set.insert(Revocation { subject, revision: n, until: Timestamp::MAX });
    }
    let current = CurrentRevocations::default();
    current.replace(set);
    let validator = stage.validator().with_revocations(Arc::new(current));
    let now = now();
    validator.verify(stage.request(), BODY, now).expect("a good request");
    bencher.bench(|| validator.verify(black_box(stage.request()), black_box(BODY), now).expect("a good request"));
}

/// Its floor: SHA-256 of the body and of the canonical request, HMAC of the string to sign.
#[divan::bench]
fn verify_session_known_floor(bencher: Bencher<'_, '_>) {
    let stage = Stage::new();
    let rules = Rules {
        path_style: PathStyle::S3,
        services: vec!["s3".into()],
        regions: None,
        presigned_max: 1,
        unsigned_payload: false,
    };
    let presented = brevet_validator::signature::read(stage.request(), &rules, now()).expect("a good request");
    let payload = brevet_validator::signature::Payload::Sha256(Sha256::digest(BODY).into());
    let (canonical, to_sign) = (presented.canonical_request(payload), presented.string_to_sign(payload));
    let key = SigningKey::derive(&stage.credentials.secret_access_key, presented.scope());
    bencher.bench(|| {
        use hmac::{KeyInit as _, Mac as _};
        let body = Sha256::digest(black_box(BODY));
        let request = Sha256::digest(black_box(canonical.as_bytes()));
        let mut mac = hmac::Hmac::<Sha256>::new_from_slice(key.expose()).expect("any length");
        mac.update(black_box(to_sign.as_bytes()));
        (body, request, mac.finalize())
    });
}

/// The whole check of a request whose session was never seen.
#[divan::bench]
fn verify_first_sight(bencher: Bencher<'_, '_>) {
    let stage = Stage::new();
    bencher
        .with_inputs(|| stage.validator())
        .bench_refs(|validator| validator.verify(black_box(stage.request()), BODY, now()).expect("a good request"));
}

/// Opening the token alone.
#[divan::bench]
fn token_open(bencher: Bencher<'_, '_>) {
    let stage = Stage::new();
    let id = stage.credentials.access_key_id;
    bencher.bench(|| stage.ring.open(black_box(stage.token()), id.as_str(), now()).expect("a good token"));
}

/// The floor of both: one Ed25519 verification of as many bytes.
#[divan::bench]
fn first_sight_floor_one_ed25519_verification(bencher: Bencher<'_, '_>) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[2; 32]).expect("a seed");
    let message = vec![7; Stage::new().token().len() * 3 / 4 - 64];
    let signature = pair.sign(&message);
    let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
    bencher.bench(|| key.verify(black_box(&message), black_box(signature.as_ref())));
}
