//! `brevet.admin.v1.DirectoryService`: changes that the IAM API has no words for.

use tonic::{Request, Response, Status};

use super::fields::{given, seconds};
use super::proto::admin as proto;
use super::{counter, policy};
use crate::service::directory::OidcProvider;
use crate::service::error::Error;
use crate::service::federation::{CheckProvider, CheckedStep, ClaimMapping};
use crate::service::iam::{
    self, Answer as IamAnswer, ClaimMappingInput, CreateRole, MappedTagInput, OidcProviderIssuer, PolicyText,
    PutOidcProvider, ReachInput, TagInput, UpdateAssumeRolePolicy, UpdateRoleSettings,
};
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct DirectoryDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> DirectoryDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::directory_service_server::DirectoryService for DirectoryDesk<H> {
    async fn create_role(
        &self,
        request: Request<proto::CreateRoleRequest>,
    ) -> Result<Response<proto::CreateRoleResponse>, Status> {
        let read = |message: proto::CreateRoleRequest| {
            let tag = |tag: proto::Tag| TagInput { key: given(tag.key), value: Some(tag.value) };
            Ok(Operation::Directory(iam::Request::CreateRole(CreateRole {
                path: given(message.path),
                role_name: Some(message.role_name),
                assume_role_policy_document: Some(PolicyText(message.assume_role_policy_document)),
                description: given(message.description),
                max_session_duration: message.max_session_duration.map(seconds).transpose()?,
                permissions_boundary: given(message.permissions_boundary),
                tags: message.tags.into_iter().map(tag).collect(),
                allow_dangerous: message.allow_dangerous,
                max_uses: (message.max_uses != 0).then_some(message.max_uses),
                policy_name: given(message.policy_name),
                policy_document: given(message.policy_document).map(PolicyText),
                policy_arns: message.policy_arns,
            })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::NewRole(role, findings)) => Some(proto::CreateRoleResponse {
                arn: role.arn.to_string(),
                role_id: role.id.to_string(),
                findings: findings.into_iter().map(policy::finding).collect(),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn put_role_trust(
        &self,
        request: Request<proto::PutRoleTrustRequest>,
    ) -> Result<Response<proto::PutRoleTrustResponse>, Status> {
        let read = |message: proto::PutRoleTrustRequest| {
            Ok(Operation::Directory(iam::Request::UpdateAssumeRolePolicy(UpdateAssumeRolePolicy {
                role_name: Some(message.role_name),
                policy_document: Some(PolicyText(message.policy_document)),
                allow_dangerous: message.allow_dangerous,
            })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::TrustPut(findings)) => {
                Some(proto::PutRoleTrustResponse { findings: findings.into_iter().map(policy::finding).collect() })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn update_role(
        &self,
        request: Request<proto::UpdateRoleRequest>,
    ) -> Result<Response<proto::UpdateRoleResponse>, Status> {
        let read = |message: proto::UpdateRoleRequest| {
            let explain_to_caller = match proto::Explain::try_from(message.explain) {
                Ok(proto::Explain::Unspecified) => None,
                Ok(proto::Explain::Owner) => Some(false),
                Ok(proto::Explain::Caller) => Some(true),
                Err(_) => return Err(Error::validation(format!("{} is no value of Explain.", message.explain))),
            };
            let role_name = Some(message.role_name);
            Ok(Operation::Directory(iam::Request::UpdateRoleSettings(UpdateRoleSettings {
                role_name,
                explain_to_caller,
                max_uses: message.max_uses,
            })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::Updated) => Some(proto::UpdateRoleResponse {}),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn put_oidc_provider(
        &self,
        request: Request<proto::PutOidcProviderRequest>,
    ) -> Result<Response<proto::PutOidcProviderResponse>, Status> {
        let read = |message: proto::PutOidcProviderRequest| {
            Ok(Operation::Directory(iam::Request::PutOidcProvider(PutOidcProvider {
                issuer: given(message.issuer),
                client_ids: message.client_ids,
                disabled: message.disabled,
                claim_mapping: mapping_input(message.claim_mapping.unwrap_or_default()),
                reach: ReachInput {
                    discovery_url: given(message.discovery_url),
                    jwks: given(message.jwks),
                    ca_certificates: given(message.ca_certificates),
                    allow_private: message.allow_private,
                    algorithms: message.algorithms,
                },
            })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::NewProvider(arn, _)) => {
                Some(proto::PutOidcProviderResponse { arn: arn.to_string() })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn disable_oidc_provider(
        &self,
        request: Request<proto::DisableOidcProviderRequest>,
    ) -> Result<Response<proto::DisableOidcProviderResponse>, Status> {
        let read = |message: proto::DisableOidcProviderRequest| {
            Ok(Operation::Directory(iam::Request::DisableOidcProvider(one_provider(message.issuer))))
        };
        let write = |answer| is_done(&answer).then_some(proto::DisableOidcProviderResponse {});
        counter::take(&self.desk, request, read, write).await
    }

    async fn enable_oidc_provider(
        &self,
        request: Request<proto::EnableOidcProviderRequest>,
    ) -> Result<Response<proto::EnableOidcProviderResponse>, Status> {
        let read = |message: proto::EnableOidcProviderRequest| {
            Ok(Operation::Directory(iam::Request::EnableOidcProvider(one_provider(message.issuer))))
        };
        let write = |answer| is_done(&answer).then_some(proto::EnableOidcProviderResponse {});
        counter::take(&self.desk, request, read, write).await
    }

    async fn list_oidc_providers(
        &self,
        request: Request<proto::ListOidcProvidersRequest>,
    ) -> Result<Response<proto::ListOidcProvidersResponse>, Status> {
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::WholeProviders(providers)) => {
                Some(proto::ListOidcProvidersResponse { providers: providers.into_iter().map(oidc_provider).collect() })
            }
            _ => None,
        };
        let read = |_| Ok(Operation::Directory(iam::Request::ListOidcProviders));
        counter::take(&self.desk, request, read, write).await
    }

    async fn test_oidc_provider(
        &self,
        request: Request<proto::TestOidcProviderRequest>,
    ) -> Result<Response<proto::TestOidcProviderResponse>, Status> {
        let read = |message: proto::TestOidcProviderRequest| {
            let identity_token = (!message.identity_token.is_empty()).then_some(message.identity_token);
            Ok(Operation::CheckProvider(CheckProvider { issuer: message.issuer, identity_token }))
        };
        let write = |answer| match answer {
            Answer::CheckedProvider(steps) => {
                let step =
                    |CheckedStep { step, passed, text }| proto::OidcProviderStep { step: step.into(), passed, text };
                Some(proto::TestOidcProviderResponse { steps: steps.into_iter().map(step).collect() })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }
}

fn mapping_input(mapping: proto::ClaimMapping) -> ClaimMappingInput {
    let tag = |proto::MappedTag { key, claim }| MappedTagInput { key, claim };
    ClaimMappingInput {
        tags: mapping.tags.into_iter().map(tag).collect(),
        transitive_tags: mapping.transitive_tags,
        source_identity: (!mapping.source_identity.is_empty()).then_some(mapping.source_identity),
    }
}

fn claim_mapping(mapping: &ClaimMapping) -> proto::ClaimMapping {
    let tags = mapping.tags().iter();
    proto::ClaimMapping {
        transitive_tags: tags.clone().filter(|tag| tag.transitive).map(|tag| tag.key.clone()).collect(),
        tags: tags.map(|tag| proto::MappedTag { key: tag.key.clone(), claim: tag.claim.clone() }).collect(),
        source_identity: mapping.source_identity().unwrap_or_default().to_owned(),
    }
}

fn one_provider(issuer: String) -> OidcProviderIssuer {
    OidcProviderIssuer { issuer: (!issuer.is_empty()).then_some(issuer) }
}

fn is_done(answer: &Answer) -> bool {
    matches!(answer, Answer::Iam(IamAnswer::Done))
}

fn oidc_provider(provider: OidcProvider) -> proto::OidcProvider {
    proto::OidcProvider {
        arn: provider.arn().to_string(),
        issuer: provider.issuer.as_str().to_owned(),
        client_ids: provider.client_ids,
        discovery_url: provider.reach.discovery_url.unwrap_or_default(),
        disabled: provider.disabled,
        claim_mapping: Some(claim_mapping(&provider.claim_mapping)),
        pinned: provider.reach.pinned.is_some(),
        own_certificates: provider.reach.ca_certificates.is_some(),
        allow_private: provider.reach.allow_private,
        algorithms: provider.reach.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
    }
}
