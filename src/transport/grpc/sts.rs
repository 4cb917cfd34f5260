//! `brevet.sts.v1.SecurityTokenService`: the STS operations on the gRPC wire.

use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::counter;
use super::fields::{given, seconds};
use super::proto::sts as proto;
use crate::service::denial::DecodeAuthorizationMessage;
use crate::service::issue::{self, Holder, Issued, TagInput};
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct SecurityTokens<H> {
    desk: Desk<H>,
}

impl<H: Handler> SecurityTokens<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::security_token_service_server::SecurityTokenService for SecurityTokens<H> {
    async fn assume_role(
        &self,
        request: Request<proto::AssumeRoleRequest>,
    ) -> Result<Response<proto::AssumeRoleResponse>, Status> {
        let read = |message: proto::AssumeRoleRequest| {
            Ok(Operation::AssumeRole(issue::AssumeRole {
                role_arn: given(message.role_arn),
                role_session_name: given(message.role_session_name),
                duration_seconds: message.duration.map(seconds).transpose()?,
                policy: given(message.policy),
                policy_arns: message.policy_arns,
                tags: tags(message.tags),
                transitive_tag_keys: message.transitive_tag_keys,
                external_id: given(message.external_id),
                source_identity: given(message.source_identity),
                serial_number: given(message.serial_number),
                token_code: given(message.token_code),
            }))
        };
        let write = |answer| {
            let issued = issued(answer)?;
            let Holder::AssumedRole { id, arn } = &issued.holder else { return None };
            Some(proto::AssumeRoleResponse {
                credentials: Some(credentials(&issued)),
                assumed_role_user: Some(proto::AssumedRoleUser { assumed_role_id: id.clone(), arn: arn.to_string() }),
                packed_policy_size: packed_policy_size(&issued),
                source_identity: issued.claims.source_identity.unwrap_or_default(),
            })
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn assume_role_with_web_identity(
        &self,
        request: Request<proto::AssumeRoleWithWebIdentityRequest>,
    ) -> Result<Response<proto::AssumeRoleWithWebIdentityResponse>, Status> {
        let read = |message: proto::AssumeRoleWithWebIdentityRequest| {
            Ok(Operation::AssumeRoleWithWebIdentity(issue::AssumeRoleWithWebIdentity {
                role_arn: given(message.role_arn),
                role_session_name: given(message.role_session_name),
                web_identity_token: given(message.web_identity_token),
                provider_id: None,
                policy: given(message.policy),
                policy_arns: message.policy_arns,
                duration_seconds: message.duration.map(seconds).transpose()?,
            }))
        };
        let write = |answer| {
            let issued = issued(answer)?;
            let Holder::WebIdentity { id, arn, subject, provider, audience } = &issued.holder else { return None };
            Some(proto::AssumeRoleWithWebIdentityResponse {
                credentials: Some(credentials(&issued)),
                assumed_role_user: Some(proto::AssumedRoleUser { assumed_role_id: id.clone(), arn: arn.to_string() }),
                packed_policy_size: packed_policy_size(&issued),
                subject_from_web_identity_token: subject.clone(),
                provider: provider.clone(),
                audience: audience.clone(),
                source_identity: issued.claims.source_identity.unwrap_or_default(),
            })
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn get_session_token(
        &self,
        request: Request<proto::GetSessionTokenRequest>,
    ) -> Result<Response<proto::GetSessionTokenResponse>, Status> {
        let read = |message: proto::GetSessionTokenRequest| {
            Ok(Operation::GetSessionToken(issue::GetSessionToken {
                duration_seconds: message.duration.map(seconds).transpose()?,
                serial_number: given(message.serial_number),
                token_code: given(message.token_code),
            }))
        };
        let write = |answer| Some(proto::GetSessionTokenResponse { credentials: Some(credentials(&*issued(answer)?)) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn get_federation_token(
        &self,
        request: Request<proto::GetFederationTokenRequest>,
    ) -> Result<Response<proto::GetFederationTokenResponse>, Status> {
        let read = |message: proto::GetFederationTokenRequest| {
            Ok(Operation::GetFederationToken(issue::GetFederationToken {
                name: given(message.name),
                duration_seconds: message.duration.map(seconds).transpose()?,
                policy: given(message.policy),
                policy_arns: message.policy_arns,
                tags: tags(message.tags),
            }))
        };
        let write = |answer| {
            let issued = issued(answer)?;
            let Holder::FederatedUser { id, arn } = &issued.holder else { return None };
            Some(proto::GetFederationTokenResponse {
                credentials: Some(credentials(&issued)),
                federated_user: Some(proto::FederatedUser { federated_user_id: id.clone(), arn: arn.to_string() }),
                packed_policy_size: packed_policy_size(&issued),
            })
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn get_caller_identity(
        &self,
        request: Request<proto::GetCallerIdentityRequest>,
    ) -> Result<Response<proto::GetCallerIdentityResponse>, Status> {
        let write = |answer| match answer {
            Answer::CallerIdentity(identity) => Some(proto::GetCallerIdentityResponse {
                account: identity.account.to_string(),
                arn: identity.arn.to_string(),
                user_id: identity.user_id,
            }),
            _ => None,
        };
        counter::take(&self.desk, request, |_| Ok(Operation::GetCallerIdentity), write).await
    }

    async fn get_access_key_info(
        &self,
        request: Request<proto::GetAccessKeyInfoRequest>,
    ) -> Result<Response<proto::GetAccessKeyInfoResponse>, Status> {
        let read = |message: proto::GetAccessKeyInfoRequest| {
            let access_key_id = given(message.access_key_id);
            Ok(Operation::GetAccessKeyInfo(issue::GetAccessKeyInfo { access_key_id }))
        };
        let write = |answer| match answer {
            Answer::AccessKeyInfo(account) => Some(proto::GetAccessKeyInfoResponse { account: account.to_string() }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn decode_authorization_message(
        &self,
        request: Request<proto::DecodeAuthorizationMessageRequest>,
    ) -> Result<Response<proto::DecodeAuthorizationMessageResponse>, Status> {
        let read = |message: proto::DecodeAuthorizationMessageRequest| {
            let encoded_message = given(message.encoded_message);
            Ok(Operation::DecodeAuthorizationMessage(DecodeAuthorizationMessage { encoded_message }))
        };
        let write = |answer| match answer {
            Answer::DecodedMessage(decoded_message) => {
                Some(proto::DecodeAuthorizationMessageResponse { decoded_message })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn get_web_identity_token(
        &self,
        request: Request<proto::GetWebIdentityTokenRequest>,
    ) -> Result<Response<proto::GetWebIdentityTokenResponse>, Status> {
        let read = |message: proto::GetWebIdentityTokenRequest| {
            Ok(Operation::GetWebIdentityToken(issue::GetWebIdentityToken {
                audience: message.audience,
                signing_algorithm: given(message.signing_algorithm),
                duration_seconds: message.duration.map(seconds).transpose()?,
                tags: tags(message.tags),
                subject_mode: None,
                scope: None,
            }))
        };
        let write = |answer| match answer {
            Answer::WebIdentityToken(issued) => Some(proto::GetWebIdentityTokenResponse {
                web_identity_token: issued.token.expose().clone(),
                expiration: Some(Timestamp { seconds: issued.expires_at.unix(), nanos: 0 }),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }
}

fn tags(tags: Vec<proto::Tag>) -> Vec<TagInput> {
    tags.into_iter().map(|tag| TagInput { key: given(tag.key), value: Some(tag.value) }).collect()
}

fn issued(answer: Answer) -> Option<Box<Issued>> {
    match answer {
        Answer::Issued(issued) => Some(issued),
        _ => None,
    }
}

fn credentials(issued: &Issued) -> proto::Credentials {
    let credentials = &issued.credentials;
    proto::Credentials {
        access_key_id: credentials.access_key_id.to_string(),
        secret_access_key: credentials.secret_access_key.expose().to_owned(),
        security_token: credentials.security_token.as_ref().map(|token| token.expose().clone()).unwrap_or_default(),
        expiration: credentials.expiration.map(|at| Timestamp { seconds: at.unix(), nanos: 0 }),
    }
}

fn packed_policy_size(issued: &Issued) -> Option<i32> {
    issued.packed_policy_size.map(|size| i32::try_from(size).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tag_value_is_a_value_and_an_empty_key_is_none() {
        let read = tags(vec![proto::Tag { key: String::new(), value: String::new() }]);
        assert_eq!((read[0].key.as_deref(), read[0].value.as_deref()), (None, Some("")));
    }
}
