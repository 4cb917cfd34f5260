//! The same question to the service, which knows the policies of principals.

use brevet_client::PolicyClient;
use brevet_client::proto::admin as proto;

use super::result::Row;
use crate::cli::client::{Connection, Failure};
use crate::service::policy::simulate::{PolicyText, Scenario, WebIdentity};
use crate::service::simulation::ContextEntry;

/// Asks until the answer is whole.
pub(super) async fn simulate(
    connection: &Connection,
    principal: String,
    scenario: Scenario,
) -> Result<Vec<Row>, Failure> {
    let mut policies = PolicyClient::new(connection.channel().await?);
    let mut request = request(principal, scenario);
    let mut rows = Vec::new();
    loop {
        let answer = policies.simulate(request.clone()).await?.into_inner();
        for result in answer.results {
            rows.push(Row::told(result)?);
        }
        if answer.next_page_token.is_empty() {
            return Ok(rows);
        }
        request.page_token = answer.next_page_token;
    }
}

fn request(principal_arn: String, scenario: Scenario) -> proto::SimulateRequest {
    let texts = |texts: Vec<PolicyText>| texts.into_iter().map(document).collect();
    proto::SimulateRequest {
        principal_arn,
        policies: texts(scenario.policies),
        boundary: scenario.boundary.map(document),
        session_policies: texts(scenario.session_policies),
        resource_policy: scenario.resource_policy.map(document),
        trust_policy: scenario.trust_policy.map(document),
        resource_owner: scenario.resource_owner.unwrap_or_default(),
        caller_arn: scenario.caller_arn.unwrap_or_default(),
        web_identity: scenario.web_identity.map(web_identity),
        actions: scenario.actions,
        resources: scenario.resources,
        context: scenario.context.into_iter().map(entry).collect(),
        include_trace: true,
        page_size: 1000,
        page_token: String::new(),
    }
}

fn document(text: PolicyText) -> proto::PolicyDocument {
    proto::PolicyDocument { name: text.name, text: text.text }
}

fn web_identity(identity: WebIdentity) -> proto::WebIdentity {
    let claim = |(name, values)| proto::WebIdentityClaim { name, values };
    proto::WebIdentity { provider: identity.provider, claims: identity.claims.into_iter().map(claim).collect() }
}

fn entry(entry: ContextEntry) -> proto::ContextEntry {
    // One text or a list of texts, as here.
    let r#type = proto::ContextValueType::Unspecified.into();
    proto::ContextEntry { key: entry.key, values: entry.values, r#type }
}
