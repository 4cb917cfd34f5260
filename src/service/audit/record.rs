//! The audit record: CloudTrail's names where they exist, our own under `sts`. Never a secret, token or signature.

use brevet_validator::identity::Principal;
use brevet_validator::policy::Step;
use brevet_validator::token::{Origin, Session};
use brevet_validator::validator::Verified;
use serde_json::{Map, Value, json};

use crate::service::caller::Envelope;
use crate::service::denial::Denial;
use crate::service::error::{Error, Kind};
use crate::service::federation::IdentityToken;
use crate::service::hex::hex;
use crate::service::operation::Answer;

/// Longest text of an attacker's choice that goes into a record, in characters.
const MAX_TEXT: usize = 256;

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was done.
    Done,
    /// It was refused, or failed.
    Failed(&'a Error),
}

/// One record in the making.
#[derive(Clone, Debug)]
pub struct Record(Map<String, Value>);

impl Record {
    /// What is known of every request. `source` is the API, such as `sts`; `id` sixteen random bytes.
    pub fn new(envelope: &Envelope, source: &str, operation: &str, at_nanos: u128, id: [u8; 16]) -> Self {
        let Value::Object(fields) = json!({
            "eventVersion": "1.0",
            "eventTime": time(at_nanos),
            "eventID": hex(&id),
            "eventSource": format!("{source}.brevet"),
            "eventName": operation,
            "requestID": envelope.request_id,
            "sourceIPAddress": envelope.source_ip.to_string(),
            "userAgent": envelope.user_agent.as_deref().map(shortened),
            "wire": envelope.wire,
            "tls": envelope.tls,
        }) else {
            return Self(Map::new());
        };
        Self(fields)
    }

    /// Who signed, once that is known.
    pub fn caller(&mut self, verified: &Verified, directory_revision: u64) {
        let principal = verified.principal();
        let kind = match principal {
            Principal::Root { .. } => "Root",
            Principal::User { .. } => "IAMUser",
            Principal::RoleSession { .. } => "AssumedRole",
            Principal::FederatedUser { .. } => "FederatedUser",
        };
        self.set(
            "userIdentity",
            json!({
                "type": kind,
                "principalId": principal.user_id(),
                "arn": principal.arn().as_str(),
                "accountId": principal.account().as_str(),
                "accessKeyId": verified.access_key_id().as_str(),
                "session": verified.session().map(session),
            }),
        );
        self.set("sts", json!({ "directoryRevision": directory_revision }));
    }

    /// Whose identity token it was, once it is verified. The token is told by the hash of its id.
    pub fn web_identity(&mut self, token: &IdentityToken, directory_revision: u64) {
        self.set(
            "userIdentity",
            json!({
                "type": "WebIdentityUser",
                "issuer": token.issuer().as_str(),
                "subject": shortened(token.subject()),
                "audience": shortened(token.audience()),
                "tokenIdHash": hex(&token.use_id().digest()),
                "tokenIssuedAt": token.issued_at().to_string(),
                "tokenExpiresAt": token.expires_at().to_string(),
            }),
        );
        self.set("sts", json!({ "directoryRevision": directory_revision }));
    }

    /// Whether the directory that decided may have been changed elsewhere, because the store did not answer. After who signed.
    pub fn degraded(&mut self, degraded: bool) {
        if let (true, Some(Value::Object(sts))) = (degraded, self.0.get_mut("sts")) {
            sts.insert("degraded".to_owned(), json!(true));
        }
    }

    /// The access key id that an unauthenticated request claims.
    pub fn claimed_access_key(&mut self, id: &str) {
        self.set("userIdentity", json!({ "type": "Unknown", "accessKeyId": shortened(id) }));
    }

    /// What was asked, without secrets.
    pub fn parameters(&mut self, parameters: Value) {
        self.set("requestParameters", parameters);
    }

    /// What was answered, without secrets and tokens.
    pub fn answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Issued(issued) => {
                self.set("responseElements", issued.audit_elements());
                if let (Some(Value::Object(sts)), Value::Object(session)) =
                    (self.0.get_mut("sts"), issued.audit_session())
                {
                    sts.extend(session);
                }
            }
            Answer::WebIdentityToken(token) => self.set("responseElements", token.audit_elements()),
            Answer::Revoked(revoked) => self.set("responseElements", revoked.audit_elements()),
            Answer::Iam(answer) => self.set("responseElements", answer.audit_elements()),
            Answer::Zones(answer) => self.set("responseElements", answer.audit_elements()),
            Answer::Trust(answer) => self.set("responseElements", answer.audit_elements()),
            Answer::CallerIdentity(_)
            | Answer::AccessKeyInfo(_)
            | Answer::DecodedMessage(_)
            | Answer::CheckedProvider(_) => {}
            Answer::Linted(_) | Answer::Simulated(_) | Answer::WhoCan(_) | Answer::Sessions(_) => {}
            Answer::SigningKey(key) => self.set("responseElements", key.audit_elements()),
            Answer::Verdict(_) => {}
        }
    }

    /// How many requests this record stands for, when it is more than one.
    pub fn attempts(&mut self, attempts: u64) {
        self.set("attempts", json!(attempts));
    }

    /// How it ended.
    pub fn outcome(&mut self, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Done => self.set("outcome", json!("success")),
            Outcome::Failed(error) => {
                self.set("outcome", json!(if error.kind().is_ours() { "failure" } else { "denied" }));
                self.set("errorCode", json!(error.kind().code()));
                self.set("errorMessage", json!(shortened(error.message())));
                if let Kind::AccessDenied(reason) = error.kind() {
                    self.set("reason", json!(reason.as_str()));
                }
                if let Some(cause) = error.cause() {
                    self.set("cause", json!(shortened(&cause.to_string())));
                }
                if let Some(denial) = error.denial() {
                    self.set("denial", why(denial));
                }
            }
        }
    }

    /// The line: one JSON object of printable ASCII.
    pub fn to_line(&self) -> String {
        let mut line = Vec::with_capacity(1024);
        let mut serializer = serde_json::Serializer::with_formatter(&mut line, Ascii);
        match serde::Serialize::serialize(&self.0, &mut serializer) {
            Ok(()) => String::from_utf8(line).unwrap_or_default(),
            // Writing maps of strings into memory does not fail.
            Err(_) => String::new(),
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }
}

/// The step that refused and what came nearest to allowing: more than the caller was told, for the operator.
fn why(denial: &Denial) -> Value {
    let trace = denial.trace();
    let nearest = trace.nearest_failure();
    json!({
        "step": trace.step().map(Step::as_str),
        "reason": trace.decision.reason,
        "detail": trace.detail,
        "statement": nearest.as_ref().map(|failure| shortened(&failure.statement)),
        "condition": nearest.as_ref().map(|failure| shortened(&failure.condition)),
    })
}

fn session(session: &Session) -> Value {
    let claims = &session.claims;
    json!({
        "issuedAt": session.lifetime.issued_at.to_string(),
        "expiresAt": session.lifetime.expires_at.to_string(),
        "origin": match claims.origin {
            Origin::AssumeRole => "AssumeRole",
            Origin::SessionToken => "GetSessionToken",
            Origin::FederationToken => "GetFederationToken",
        },
        "sourceIdentity": claims.source_identity,
        "sourceAccessKeyId": claims.source_access_key.map(|id| id.to_string()),
        "ancestors": claims.ancestors.iter().map(|id| hex(&id.0)).collect::<Vec<_>>(),
    })
}

/// `2026-11-23T12:00:00.123Z`
fn time(nanos: u128) -> String {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let millis = nanos / 1_000_000 % 1000;
    let whole = brevet_validator::timestamp::Timestamp::EPOCH.saturating_add(seconds).to_string();
    format!("{}.{millis:03}Z", whole.trim_end_matches('Z'))
}

/// Cuts a text to what a record may hold of it.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Escapes everything outside printable ASCII, so that no text can forge a line, a colour or a direction.
struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + std::io::Write>(&mut self, w: &mut W, fragment: &str) -> std::io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if (' '..='~').contains(&c) {
                w.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(w, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(user_agent: &str) -> Envelope {
        Envelope {
            request_id: "r-1".into(),
            source_ip: "203.0.113.9".parse().unwrap(),
            user_agent: Some(user_agent.into()),
            tls: false,
            wire: "query",
        }
    }

    #[test]
    fn g3_no_text_can_forge_a_line_or_a_direction() {
        let hostile = "a\r\n{\"eventName\":\"AssumeRole\"}\u{1b}[31m\u{202e}\u{2028}\u{1f600}\0";
        let mut record = Record::new(&envelope(hostile), "sts", "AssumeRole", 1_500_000_000_123_000_000, [7; 16]);
        record.outcome(Outcome::Failed(&Error::validation(hostile)));
        let line = record.to_line();
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
        let back: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["userAgent"], hostile);
        assert_eq!(back["eventTime"], "2017-07-14T02:40:00.123Z");
        assert_eq!(back["errorCode"], "ValidationError");
    }

    #[test]
    fn g3_long_texts_are_cut() {
        let record = Record::new(&envelope(&"x".repeat(1_000_000)), "sts", "AssumeRole", 0, [0; 16]);
        assert!(record.to_line().len() < 1000);
    }
}
