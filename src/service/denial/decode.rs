//! DecodeAuthorizationMessage: the trace behind a refusal, as far as the caller's account may see it.

use brevet_validator::identity::Arn;
use serde_json::{Value, json};

use super::sealed;
use crate::service::caller::{Asked, Caller};
use crate::service::error::{Error, Kind};
use crate::service::keys::Keys;
use crate::service::parameters::Text;

const ACTION: &str = "sts:DecodeAuthorizationMessage";

/// `encodedMessageType`
const ENCODED_MESSAGE: Text = Text { min: 1, max: 10_240, pattern: ".*", matches: |_| true, shown: false };

/// What DecodeAuthorizationMessage was asked.
#[derive(Clone, Debug, Default)]
pub struct DecodeAuthorizationMessage {
    /// Required: what follows `Encoded authorization failure message: ` in the refusal.
    pub encoded_message: Option<String>,
}

impl DecodeAuthorizationMessage {
    /// For the audit record.
    pub fn audit_parameters(&self) -> Value {
        json!({ "encodedMessageLength": self.encoded_message.as_ref().map(String::len) })
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>
///
/// A message that is none, one of another deployment and one that concerns other accounts are one answer.
pub fn decode_authorization_message(
    caller: &Caller,
    keys: &Keys,
    input: &DecodeAuthorizationMessage,
) -> Result<String, Error> {
    let text = ENCODED_MESSAGE.required(&input.encoded_message, "encodedMessage")?;
    let account = caller.principal().account();
    let (everything, context) = (Arn::new("sts", "", Some(account), "*"), caller.context());
    caller.demand(&Asked { action: ACTION, resource: &everything, context: &context })?;
    let message = sealed::decode(text, keys).and_then(|denial| denial.seen_by(account));
    let invalid = || Error::new(Kind::InvalidAuthorizationMessage, "The authorization message is invalid.");
    Ok(message.ok_or_else(invalid)?.to_string())
}
